"""Settings of findings: which URLs are taken, and that the secret comes from a file or the environment only."""

from pathlib import Path

import pytest

from exporter.findings.settings import FindingsSettings, WebhookSettings
from exporter.settings.faults import SettingsError
from exporter.settings.layers import load

HIDDEN = "hunter2"


def _fault(url: str) -> str:
    with pytest.raises(SettingsError) as raised:
        load(FindingsSettings, config_file=None, environment={}, flags={"webhook.url": [url]})
    return str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        *("", "https://hooks.example.com/findings?team=shop", "http://127.0.0.1:8080", "http://[2001:db8::1]:1/"),
        *("HTTPS://Hooks.Example.COM:65535/%C3%BC", "https://hooks.example.com/user@example.com"),
    ],
)
def test_urls(url: str) -> None:
    """Where a finding can be posted is taken as it is; without a URL nothing is posted."""
    assert WebhookSettings(url=url).url == url


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("hooks.example.com/findings", "the URL begins with neither https:// nor http://"),
        ("ftp://hooks.example.com/", "the URL begins with neither https:// nor http://"),
        ("https:///findings", "no host is in the URL; write https://HOST/PATH"),
        ("https://:8443/findings", "no host is in the URL; write https://HOST/PATH"),
        (
            f"https://user:{HIDDEN}@hooks.example.com/",
            "a user or a password is in the URL; remove it, and let the receiver check the signature",
        ),
        (
            f"https://{HIDDEN}@hooks.example.com:x/",
            "a user or a password is in the URL; remove it, and let the receiver check the signature",
        ),
        (f"https://hooks.example.com:0/{HIDDEN}", "the port of the URL is no number from 1 to 65535"),
        (f"https://hooks.example.com:65536/{HIDDEN}", "the port of the URL is no number from 1 to 65535"),
        (f"https://hooks.example.com:http/{HIDDEN}", "the port of the URL is no number from 1 to 65535"),
        (f"https://[2001:db8::1/{HIDDEN}", "the brackets of the URL's host hold no IPv6 address"),
        *(
            (url, "a URL is written in ASCII without spaces; write other characters as %XX")
            for url in (f"https://h/ü{HIDDEN}", f"https://h/a {HIDDEN}", f"https://h/\n{HIDDEN}", f"https://ü/{HIDDEN}")
        ),
    ],
)
def test_urls_that_are_refused(url: str, fault: str) -> None:
    """The message says what to write; it never repeats the URL."""
    assert _fault(url) == f"--webhook.url: {fault}"


def test_secret_of_a_file(tmp_path: Path) -> None:
    """The secret is read from its file, and the file stays known, for it is read again."""
    file = tmp_path / "secret"
    file.write_text(f"{HIDDEN}\n")
    flags = {"webhook.secret-file": [str(file)]}
    webhook = load(FindingsSettings, config_file=None, environment={}, flags=flags).webhook
    assert webhook.secret is not None
    assert webhook.secret.get_secret_value() == HIDDEN
    assert webhook.secret_file == str(file)
    assert HIDDEN not in repr(webhook)


def test_secret_as_a_flag() -> None:
    """`ps` would show it."""
    with pytest.raises(SettingsError, match="a secret is refused as a flag") as raised:
        load(FindingsSettings, config_file=None, environment={}, flags={"webhook.secret": [HIDDEN]})
    assert HIDDEN not in str(raised.value)
