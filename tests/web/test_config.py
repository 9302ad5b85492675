"""The web configuration file is read with care: what cannot be used is refused with file, line and a way out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from exporter.cli import main
from exporter.settings.web_file import read_web_config
from exporter.web.config import TlsServer, WebConfig
from exporter.web.live import LiveConfig, Loaded, WebConfigError
from exporter.web.rules import HEADERS, notes
from tests.web.served import TLS, Site, hashed

MessageOf = Callable[[str], str]
HASH = hashed("secret")


@pytest.mark.parametrize("text", ["", "# nothing\n", "tls_server_config:\nbasic_auth_users: {}\n"])
def test_an_empty_file_is_plain_http(site: Site, text: str) -> None:
    """A file that says nothing is plain HTTP for everybody."""
    site.write("web.yml", text)
    loaded = read_web_config(str(site.file))
    assert loaded.context is None
    assert not any(loaded.config.closed_by.values())


def test_everything_that_can_be_said(site: Site) -> None:
    """Every key of exporter-toolkit that has a meaning here is understood."""
    site.write(
        "web.yml",
        f"""
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: {site.folder}/ca.crt
  client_allowed_sans: [prometheus.example]
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
  curve_preferences: [CurveP256]
http_server_config:
  http2: false
  headers:
    X-Frame-Options: deny
    Content-Security-Policy: "default-src 'self'"
    X-XSS-Protection:
basic_auth_users:
  alice: {HASH}
""".replace("X-XSS-Protection:", 'X-XSS-Protection: ""'),
    )
    loaded = read_web_config(str(site.file))
    assert loaded.context is not None
    assert all(loaded.config.closed_by.values())
    assert list(notes(loaded.config)) == []


def test_paths_are_relative_to_the_file(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A relative path starts at the folder of the file, wherever the process runs."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    site.write("web.yml", TLS)
    assert read_web_config(str(site.file)).config.tls_server_config.cert_file == str(site.folder / "server.crt")
    assert read_web_config("../web.yml").context is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tls_config: {}", "web.yml:1:1: tls_config: unknown setting; the nearest is tls_server_config"),
        (
            "tls_server_config:\n  cert-file: a\n",
            "web.yml:2:3: tls_server_config.cert-file: unknown setting; the nearest is tls_server_config.cert_file",
        ),
        (
            f"basic_auth_users:\n  alice: {HASH}\n  alice: {HASH}\n",
            "web.yml:3:3: basic_auth_users.alice: given twice, first at web.yml:2:3; remove one",
        ),
        (
            "basic_auth_users:\n  alice: secret\n",
            "web.yml:2:10: basic_auth_users: this is no bcrypt hash; make one with `htpasswd -nBC 10 USER`",
        ),
        (
            f"basic_auth_users:\n  a:b: {HASH}\n",
            "web.yml:2:8: basic_auth_users: a user with a colon can never log in; choose another name",
        ),
        (
            "tls_server_config:\n  cert_file: server.crt\n",
            "web.yml:2:14: tls_server_config.key_file: missing; TLS needs cert_file and key_file",
        ),
        (
            f"{TLS}http_server_config:\n  http2: perhaps\n",
            "web.yml:3:10: http_server_config.http2: 'perhaps' is neither true nor false",
        ),
        (
            "http_server_config:\n  headers:\n    X-Frame-Options: never\n",
            "web.yml:3:22: http_server_config.headers: 'never' is not deny or sameorigin",
        ),
        (
            'http_server_config:\n  headers:\n    X-XSS-Protection: "1\\r\\nSet-Cookie: a"\n',
            "web.yml:3:23: http_server_config.headers: a header is one line of ASCII; remove the other characters",
        ),
        (
            "http_server_config: {headers: {Cookie: none}}",
            f"web.yml:1:40: http_server_config.headers: 'Cookie' cannot be set; known are {', '.join(HEADERS)}",
        ),
    ],
)
def test_what_is_refused(message_of: MessageOf, text: str, message: str) -> None:
    """A fault is one line with file, line, column, key and what to do."""
    assert message_of(text) == message


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("client_auth_type: RequireAnyClientCert", "would let everybody in; use RequireAndVerifyClientCert"),
        ("client_auth_type: RequireAndVerifyClientCert", "RequireAndVerifyClientCert needs client_ca_file"),
        ("client_auth_type: Sometimes", "'Sometimes' is not 'NoClientCert', 'RequestClientCert'"),
        ("client_ca_file: ca.crt", "of no effect without client_auth_type"),
        ("client_allowed_sans: [a]", "needs client_auth_type: RequireAndVerifyClientCert"),
        ("min_version: TLS14", "'TLS14' is not 'TLS10', 'TLS11', 'TLS12' or 'TLS13'"),
        ("max_version: TLS11", "too old; TLS 1.2 is the oldest version that is spoken"),
        ("{min_version: TLS13, max_version: TLS12}", "older than min_version, which is TLS13"),
        ("cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]", "'TLS_RSA_WITH_RC4_128_SHA' cannot be chosen; known are TLS_"),
        ("cipher_suites: [TLS_AES_128_GCM_SHA256]", "no suite of TLS 1.2 is among them"),
        ("curve_preferences: [CurveP256, X25519]", "one curve at most can be chosen here"),
        ("curve_preferences: [CurveP224]", "'CurveP224' is not 'CurveP256', 'CurveP384'"),
    ],
)
def test_tls_that_is_refused(message_of: MessageOf, more: str, message: str) -> None:
    """What Python's TLS cannot do is refused, with what can be written instead."""
    inside = TLS.strip()[:-1] + ", " + more.strip("{}" if more.startswith("{") else "") + "}"
    refused = message_of(inside)
    assert refused.startswith("web.yml:1:")
    assert message in refused
    assert len(refused.splitlines()) == 1


def test_faults_of_the_certificate(site: Site, message_of: MessageOf, authority: trustme.CA) -> None:
    """Files that are missing, hold something else or do not belong together are told apart."""
    place = "web.yml:1:32: tls_server_config.cert_file"
    key_place = "web.yml:1:54: tls_server_config.key_file"
    key = (site.folder / "server.key").read_bytes()
    site.write("server.key", authority.issue_cert("other").private_key_pem.bytes())
    assert message_of(TLS) == f"{key_place}: the key does not belong to the certificate in cert_file"
    site.write("server.key", with_passphrase(key))
    assert message_of(TLS) == f"{key_place}: the key has a passphrase; write it without one"
    site.write("server.key", "no key")
    assert message_of(TLS) == f"{key_place}: no private key in PEM form is in this file"
    (site.folder / "server.key").unlink()
    assert message_of(TLS) == f"{key_place}: cannot be read: No such file or directory"
    site.write("server.crt", b"")
    assert message_of(TLS) == f"{place}: no certificate in PEM form is in this file"


def with_passphrase(key: bytes) -> bytes:
    """The same key, encrypted."""
    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"hunter2"),
    )


def test_faults_of_the_authority(site: Site, message_of: MessageOf) -> None:
    """A file of authorities without one is refused."""
    site.write("ca.crt", "none")
    text = TLS.replace("}", ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt}")
    assert message_of(text).endswith("client_ca_file: no certificate in PEM form is in this file")


def test_secrets_stay_out_of_messages(message_of: MessageOf) -> None:
    """What was written as a hash is not repeated, for it may be a password."""
    for text in ("basic_auth_users: {alice: hunter2}", "basic_auth_users: {alice: *hunter2}"):
        assert "hunter2" not in message_of(text)
    assert HASH not in repr(WebConfig.model_validate({"basic_auth_users": {"alice": HASH}}))


def test_notes() -> None:
    """What is taken without effect is said, so that nobody relies on it."""
    tls = TlsServer.model_validate({"min_version": "TLS10", "client_auth_type": "RequestClientCert"})
    config = WebConfig.model_validate({"tls_server_config": tls, "http_server_config": {"http2": True}})
    said = " ".join(notes(config))
    assert all(word in said for word in ("http2", "TLS10", "RequestClientCert"))


@pytest.mark.parametrize("command", ["check-config", "run"])
def test_bad_file_is_bad_use(site: Site, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be used ends the start with exit code 2 and one line."""
    assert main([command, "--web.config.file", str(site.folder / "none.yml")]) == 2
    assert capsys.readouterr().err == (
        f"hubble-egress-exporter: {site.folder}/none.yml: cannot be read: No such file or directory\n"
    )


def test_good_file_is_checked(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that can be used passes `check-config`."""
    site.write("web.yml", TLS)
    assert main(["check-config", "--web.config.file", str(site.file)]) == 0
    assert capsys.readouterr().out == "the settings are valid\n"


class Reader:
    """Reads the file, counts how often, and has a clock that stands still."""

    def __init__(self) -> None:
        self.times, self.now = 0, 0.0

    def __call__(self, file: str) -> Loaded:
        """Read it."""
        self.times += 1
        return read_web_config(file)


def live(site: Site, text: str) -> tuple[LiveConfig, Reader]:
    """A configuration in effect."""
    site.write("web.yml", text)
    reader = Reader()
    config = LiveConfig(str(site.file), reader, clock=lambda: reader.now)
    reader.times = 0
    return config, reader


def test_an_unchanged_file_is_not_read_again(site: Site) -> None:
    """As long as no file changes, none is opened."""
    config, reader = live(site, TLS)
    assert config.current() is config.current()
    assert reader.times == 0


@pytest.mark.parametrize("name", ["server.crt", "ca.crt", "web.yml"])
def test_each_file_is_watched(site: Site, name: str) -> None:
    """A change of the file, of a certificate or of the authorities makes a new configuration."""
    text = TLS.replace("}", ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt}")
    config, reader = live(site, text)
    before = config.current()
    site.write(name, (site.folder / name).read_bytes() + b"\n")
    assert config.current().context is not before.context
    config.current()
    assert reader.times == 1


def test_a_broken_file_replaces_nothing(site: Site, lines: list[Any]) -> None:
    """While a file is broken the previous configuration holds, and one line says so however often it is asked."""
    config, reader = live(site, TLS)
    good = config.current()
    for attempt in range(3):
        site.write("web.yml", f"tls: {attempt}\n")
        assert config.current() is good
    assert [line["event"] for line in lines] == ["web_config_refused"]
    assert "web.yml:1:1: tls: unknown setting" in lines[0]["error"]
    site.write("web.yml", TLS + "basic_auth_users: {}\n")
    assert config.current() is not good
    assert reader.times == 4


def test_a_file_that_comes_late_is_found(site: Site) -> None:
    """A configuration that names a certificate which is written later is taken up a few seconds after that."""
    config, reader = live(site, TLS)
    good = config.current()
    site.write("web.yml", TLS.replace("server.", "next."))
    assert config.current() is good
    for end in ("crt", "key"):
        (site.folder / f"server.{end}").rename(site.folder / f"next.{end}")
    reader.now += 5
    assert config.current().config.tls_server_config.cert_file == str(site.folder / "next.crt")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (TLS, "", "TLS would be switched off; that needs a restart"),
        (f"basic_auth_users: {{a: {HASH}}}", "", "basic_auth_users would be switched off"),
        (f"basic_auth_users: {{a: {HASH}}}", TLS, "TLS cannot be switched on while the server runs"),
    ],
)
def test_nothing_opens_by_itself(site: Site, lines: list[Any], before: str, after: str, words: str) -> None:
    """A file that is cut off, or half written, lets nobody in."""
    config, _ = live(site, before)
    good = config.current()
    site.write("web.yml", after)
    assert config.current() is good
    assert words in lines[0]["error"]


def test_a_missing_file_is_an_error_at_start_and_none_later(site: Site) -> None:
    """A file that vanishes while the server runs leaves it as it is."""
    config, _ = live(site, TLS)
    good = config.current()
    site.file.unlink()
    assert config.current() is good
    with pytest.raises(WebConfigError, match="cannot be read"):
        LiveConfig(str(site.file), read_web_config)
