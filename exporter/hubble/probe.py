"""A second look at an address whose server hung up: gRPC says "Socket closed", and OpenSSL says why."""

import socket
import ssl
import tempfile
from pathlib import Path

from exporter.hubble.tls import TlsFiles

_ALERT_SECONDS = 1.0
"""Since TLS 1.3 a server refuses the client's certificate after the handshake: so long its word is waited for."""
_HANGS_UP = "nothing, and hangs up after the handshake"
_REFUSALS = ("certificate required", "bad certificate", "unknown ca", "certificate expired", "unsupported certificate")


def speaks_tls(address: str, timeout: float) -> bool:
    """Whether the server at `HOST:PORT` answers a TLS greeting with TLS, whatever it then makes of us."""
    try:
        with _connected(address, timeout) as plain, _anything().wrap_socket(plain):
            return True
    except ssl.SSLError as error:
        # Its alert is TLS too; what is no TLS at all fails as a record that cannot be read.
        return "ALERT" in (error.reason or "")
    except OSError:
        return False


def refuses_our_certificate(address: str, files: TlsFiles, timeout: float) -> str:
    """What a TLS server says about our certificate, or that there is none; "" when it does not complain."""
    context = _anything()
    if files.certificate and files.key:
        _show(context, files.certificate, files.key)
    shook_hands = False
    try:
        with _connected(address, timeout) as plain, context.wrap_socket(plain) as secured:
            shook_hands = True
            secured.settimeout(_ALERT_SECONDS)
            # A server that accepts us says something first: the settings of HTTP/2.
            return "" if secured.recv(1) else _HANGS_UP
    except TimeoutError:
        return ""
    except ssl.SSLError as error:
        said = (error.reason or "").replace("_", " ").lower()
        refusal = next((refusal for refusal in _REFUSALS if refusal in said), "")
        return refusal or (_HANGS_UP if shook_hands else "")
    except OSError:
        return _HANGS_UP if shook_hands else ""


def _connected(address: str, timeout: float) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout)


def _anything() -> ssl.SSLContext:
    """A context that trusts anybody: nothing is sent over these connections but a greeting."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


def _show(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    # OpenSSL's binding reads files only; this one is readable by us alone and gone at once.
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        Path(file.name).write_bytes(key + b"\n" + certificate)
        context.load_cert_chain(file.name)
