"""What is wrong with a web configuration beyond the types of its values, and what in it has no effect here."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from exporter.web.config import ClientAuth, TlsServer, TlsVersion, WebConfig

CIPHERS = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
}
"""OpenSSL's names of the suites that can be chosen; suites without forward secrecy are not among them."""
ALWAYS = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
"""The suites of TLS 1.3, which nobody chooses; naming them is harmless."""

HEADERS: dict[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")
_OLD = (TlsVersion.TLS10, TlsVersion.TLS11)


class Problem(NamedTuple):
    """One thing that is wrong: the path of its key, the entry where there is one, and what to do."""

    path: str
    text: str
    entry: int | str | None = None


def problems(config: WebConfig) -> Iterator[Problem]:
    """Everything that can be seen without opening the files that are named."""
    tls = config.tls_server_config
    if tls.model_fields_set:
        yield from _certificates(tls)
        yield from _protocol(tls)
    for name, value in config.http_server_config.headers.items():
        if fault := _of_header(name, value):
            yield Problem("http_server_config.headers", fault, name)
    for user, secret in config.basic_auth_users.items():
        if ":" in user:
            yield Problem("basic_auth_users", "a user with a colon can never log in; choose another name", user)
        if not _BCRYPT.fullmatch(secret.get_secret_value()):
            yield Problem("basic_auth_users", "this is no bcrypt hash; make one with `htpasswd -nBC 10 USER`", user)


def notes(config: WebConfig) -> Iterator[str]:
    """What is taken, but does not do what it says; none of it lets anybody in."""
    tls = config.tls_server_config
    if "http2" in config.http_server_config.model_fields_set and config.http_server_config.http2:
        yield "http2 has no effect: HTTP/1.1 is spoken"
    if tls.min_version in _OLD:
        yield f"min_version {tls.min_version} has no effect: TLS 1.2 is the oldest version that is spoken"
    if tls.client_auth_type is ClientAuth.REQUEST:
        yield "client_auth_type RequestClientCert has no effect: a certificate that is not verified is not asked for"


def _certificates(tls: TlsServer) -> Iterator[Problem]:
    for key in ("cert_file", "key_file"):
        if key not in tls.files:
            yield Problem(f"tls_server_config.{key}", "missing; TLS needs cert_file and key_file")
    path, auth = "tls_server_config.client_auth_type", tls.client_auth_type
    if auth is ClientAuth.REQUIRE_ANY:
        yield Problem(path, "RequireAnyClientCert would let everybody in; use RequireAndVerifyClientCert")
    elif auth in (ClientAuth.VERIFY_IF_GIVEN, ClientAuth.REQUIRE_AND_VERIFY) and not tls.client_ca_file:
        yield Problem(path, f"{auth} needs client_ca_file")
    elif auth is ClientAuth.NONE and tls.client_ca_file:
        path = "tls_server_config.client_ca_file"
        yield Problem(path, "of no effect without client_auth_type; add client_auth_type: RequireAndVerifyClientCert")
    if tls.client_allowed_sans and auth is not ClientAuth.REQUIRE_AND_VERIFY:
        yield Problem("tls_server_config.client_allowed_sans", "needs client_auth_type: RequireAndVerifyClientCert")


def _protocol(tls: TlsServer) -> Iterator[Problem]:
    if tls.max_version in _OLD:
        yield Problem("tls_server_config.max_version", "too old; TLS 1.2 is the oldest version that is spoken")
    elif tls.max_version < tls.min_version:
        yield Problem("tls_server_config.max_version", f"older than min_version, which is {tls.min_version}")
    path = "tls_server_config.cipher_suites"
    for index, suite in enumerate(tls.cipher_suites):
        if suite not in CIPHERS and suite not in ALWAYS:
            yield Problem(path, f"{suite!r:.60} cannot be chosen; known are {', '.join(CIPHERS)}", index)
    if tls.cipher_suites and tls.min_version is not TlsVersion.TLS13 and set(tls.cipher_suites) <= set(ALWAYS):
        yield Problem(path, "no suite of TLS 1.2 is among them; name one, or set min_version: TLS13")
    if len(tls.curve_preferences) > 1:
        yield Problem("tls_server_config.curve_preferences", "one curve at most can be chosen here; name one, or none")


def _of_header(name: str, value: str) -> str:
    allowed = HEADERS.get(name)
    if allowed is None:
        return f"{name!r:.60} cannot be set; known are {', '.join(HEADERS)}"
    if value and allowed and value not in allowed:
        return f"{value!r:.60} is not {' or '.join(allowed)}"
    if not (value.isascii() and value.isprintable()):
        return "a header is one line of ASCII; remove the other characters"
    return ""
