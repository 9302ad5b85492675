"""TLS: who is let in, which certificate is shown, and that no client can hold up the others."""

import select
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest
import trustme

from tests.web.served import PATIENCE, TLS, Site

REFUSED = (ssl.SSLError, ConnectionError)


def clients(auth: str, sans: str = "") -> str:
    """A configuration that asks clients for certificates."""
    return TLS.replace("}", f", client_auth_type: {auth}, client_ca_file: ca.crt, client_allowed_sans: [{sans}]}}")


@contextmanager
def connected(site: Site, context: ssl.SSLContext | None = None) -> Iterator[ssl.SSLSocket]:
    """A client after its handshake."""
    with (
        socket.create_connection(site.address, PATIENCE) as plain,
        (context or site.trusting()).wrap_socket(plain, server_hostname="127.0.0.1") as secured,
    ):
        yield secured


def shaken(site: Site, context: ssl.SSLContext | None = None) -> tuple[str, str, bytes]:
    """Version, cipher and certificate of one handshake."""
    with connected(site, context) as secured:
        cipher = secured.cipher()
        return str(secured.version()), cipher[0] if cipher else "", secured.getpeercert(binary_form=True) or b""


def is_closed(client: socket.socket) -> bool:
    """Whether the server hangs up before patience ends; what it says before that is read away."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if select.select([client], [], [], deadline - time.monotonic())[0]:
            try:
                if not client.recv(4096):
                    return True
            except OSError:
                return True
    return False


def test_https(site: Site) -> None:
    """With a certificate, the pages are served over TLS, and the application knows."""
    site.serve(TLS)
    assert site.url.scheme == "https"
    assert site.get("/metrics").body == b"https /metrics"


def test_plain_http_without_certificate(site: Site) -> None:
    """Without a certificate it is plain HTTP."""
    site.serve("")
    assert site.url.scheme == "http"
    assert site.get("/metrics").body == b"http /metrics"


def test_plain_http_to_the_tls_port(site: Site, lines: list[Any]) -> None:
    """A client that speaks plain HTTP is told so, and the log has one line and no traceback."""
    site.serve(TLS)
    for _ in range(3):
        with closing(socket.create_connection(site.address, PATIENCE)) as client:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nX-Padding: " + b"x" * 4000 + b"\r\n\r\n")
            answer = b"".join(iter(lambda client=client: client.recv(4096), b""))  # type: ignore[misc]
            assert answer.startswith(b"HTTP/1.0 400 Bad Request\r\n")
            assert answer.endswith(b"\r\n\r\nThis port speaks HTTPS only.\n")
    assert [(line["event"], line["reason"]) for line in lines] == [("tls_handshake_failed", "http_request")]


@pytest.mark.parametrize("said", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
def test_silent_clients_hold_up_nobody(site: Site, said: bytes) -> None:
    """Clients that stop before or in their first message, far more than there are workers, delay no scrape."""
    site.serve(TLS, timeout="1h")
    with ExitStack() as stack:
        for _ in range(40):
            client = stack.enter_context(closing(socket.create_connection(site.address, PATIENCE)))
            client.sendall(said)
        assert site.get().status == 200


def test_clients_that_shake_hands_and_say_nothing_hold_up_nobody(site: Site) -> None:
    """After the handshake a silent client has no worker either."""
    site.serve(TLS, timeout="1h")
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(connected(site))
        assert site.get().status == 200


def test_silent_clients_of_plain_http_hold_up_nobody(site: Site) -> None:
    """The same holds without TLS."""
    site.serve("", timeout="1h")
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(closing(socket.create_connection(site.address, PATIENCE)))
        assert site.get().status == 200


def test_silent_client_is_disconnected(site: Site) -> None:
    """Who says nothing is disconnected when `web.timeout` has passed."""
    site.serve(TLS, timeout="100ms")
    with closing(socket.create_connection(site.address, PATIENCE)) as client:
        assert is_closed(client)


def test_dripping_client_is_disconnected(site: Site) -> None:
    """Who sends the handshake byte by byte gets no longer for it."""
    site.serve(TLS, timeout="300ms")
    message = b"\x16\x03\x01\x40\x00" + bytes(16000)
    sent, deadline = 0, time.monotonic() + PATIENCE
    with closing(socket.create_connection(site.address, PATIENCE)) as client:
        while not select.select([client], [], [], 0.01)[0]:
            assert time.monotonic() < deadline
            client.send(message[sent : sent + 1])
            sent += 1
        assert is_closed(client)
    assert site.get().status == 200


def test_rubbish_leaves_no_traceback(site: Site, lines: list[Any]) -> None:
    """Bytes that are no TLS, and clients that vanish, before or after the handshake, leave no traceback."""
    site.serve(TLS)
    for rubbish in (b"\x00" * 100, b"\x16\x03\x01\x00\x05hello", b"\xff"):
        with closing(socket.create_connection(site.address, PATIENCE)) as client:
            client.sendall(rubbish)
            client.shutdown(socket.SHUT_WR)
            assert is_closed(client)
    with connected(site) as secured:
        socket.socket.sendall(secured, b"\x17\x03\x03\x00\x20" + b"x" * 32)
        assert is_closed(secured)
    assert site.get().status == 200
    assert {line["event"] for line in lines} == {"tls_handshake_failed"}
    assert not any("exc_info" in line for line in lines)


def test_port_checks_leave_no_line(site: Site, lines: list[Any]) -> None:
    """A client that connects and hangs up, as a check of the port does, is not worth a line."""
    site.serve(TLS)
    for _ in range(3):
        with closing(socket.create_connection(site.address, PATIENCE)) as client:
            client.shutdown(socket.SHUT_WR)
            assert is_closed(client)
    assert lines == []


def test_keep_alive(site: Site) -> None:
    """Several requests go over one connection."""
    site.serve(TLS)
    with connected(site) as secured:
        for _ in range(3):
            secured.sendall(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = b""
            while b"https /a" not in answer:
                answer += secured.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200")


def test_new_certificate_without_restart(site: Site, lines: list[Any]) -> None:
    """A renewed certificate is shown at the next handshake; a broken one never replaces the good one."""
    site.serve(TLS)
    first = shaken(site)[2]
    site.certify()
    second = shaken(site)[2]
    assert second != first
    key = (site.folder / "server.key").read_bytes()
    site.write("server.key", "broken")
    assert shaken(site)[2] == shaken(site)[2] == second
    site.write("server.key", key)
    assert shaken(site)[2] == second
    events = [line["event"] for line in lines]
    assert events.count("web_config_refused") == 1
    assert (events[0], events[-1]) == ("web_config_read", "web_config_read")
    assert "PRIVATE KEY" not in str(lines)


@pytest.mark.parametrize(
    ("auth", "none", "known", "foreign"),
    [
        ("RequireAndVerifyClientCert", False, True, False),
        ("VerifyClientCertIfGiven", True, True, False),
        ("RequestClientCert", True, True, True),
    ],
)
def test_client_certificates(site: Site, auth: str, none: bool, known: bool, foreign: bool) -> None:
    """Clients without a certificate, with one of ours and with somebody else's come in, or do not."""
    site.serve(clients(auth))
    contexts = (
        (site.trusting(), none),
        (site.trusting("client.example"), known),
        (site.trusting("client.example", trustme.CA()), foreign),
    )
    for context, welcome in contexts:
        if welcome:
            assert site.get(context=context).status == 200
        else:
            with pytest.raises(REFUSED):
                site.get(context=context)


def test_refused_client_is_logged(site: Site, lines: list[Any]) -> None:
    """Why a client was refused is in the log, once in a while."""
    site.serve(clients("RequireAndVerifyClientCert"))
    for _ in range(3):
        with pytest.raises(REFUSED):
            site.get()
    assert [(line["event"], line["reason"], line["client"]) for line in lines] == [
        ("tls_handshake_failed", "peer_did_not_return_a_certificate", "127.0.0.1")
    ]


def test_new_authority_without_restart(site: Site) -> None:
    """When the authorities change, clients of the old one are strangers, in resumed sessions too."""
    site.serve(clients("RequireAndVerifyClientCert"))
    old, other = site.trusting("client.example"), trustme.CA()
    assert site.get(context=old).status == 200
    site.write("ca.crt", other.cert_pem.bytes())
    with pytest.raises(REFUSED):
        site.get(context=old)
    assert site.get(context=site.trusting("client.example", other)).status == 200


@pytest.mark.parametrize("name", ["prometheus.example", "192.0.2.7", "2001:db8::7", "scraper@prometheus.example"])
def test_client_allowed_sans(site: Site, name: str) -> None:
    """Of the clients with a good certificate only those with an allowed name come in."""
    site.serve(clients("RequireAndVerifyClientCert", f'"{name}"'))
    assert site.get(context=site.trusting(name)).status == 200
    with pytest.raises(REFUSED):
        site.get(context=site.trusting("other.example"))


@pytest.mark.parametrize(
    ("more", "offered", "spoken"),
    [
        ("min_version: TLS13", ssl.TLSVersion.TLSv1_2, ""),
        ("min_version: TLS12", ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
        ("min_version: TLS10", ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        ("max_version: TLS12", ssl.TLSVersion.TLSv1_3, "TLSv1.2"),
    ],
)
def test_versions(site: Site, more: str, offered: ssl.TLSVersion, spoken: str) -> None:
    """The versions that are spoken are those between the two."""
    site.serve(TLS.replace("}", f", {more}}}"))
    context = site.trusting()
    context.maximum_version = offered
    if spoken:
        assert shaken(site, context)[0] == spoken
    else:
        with pytest.raises(REFUSED):
            shaken(site, context)


def test_cipher_suites(site: Site) -> None:
    """Of the suites of TLS 1.2 the first of ours that the client has is chosen, in our order or in the client's."""
    names = ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
    text = TLS.replace("}", f", cipher_suites: [{', '.join(names)}], max_version: TLS12}}")
    context = site.trusting()
    context.set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
    site.serve(text)
    assert shaken(site, context)[1] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    site.write("web.yml", text.replace("}", ", prefer_server_cipher_suites: false}"))
    assert shaken(site, context)[1] == "ECDHE-ECDSA-AES128-GCM-SHA256"


def test_curve(site: Site) -> None:
    """A client that has another curve only cannot come in."""
    site.serve(TLS.replace("}", ", curve_preferences: [X25519]}"))
    context = site.trusting()
    context.set_ecdh_curve("secp384r1")
    with pytest.raises(REFUSED):
        shaken(site, context)
    assert shaken(site)[0] == "TLSv1.3"
