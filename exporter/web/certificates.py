"""From the web configuration to a context of TLS, with a clear word on each file that cannot be used."""

import ssl
from pathlib import Path

from exporter.web.config import ClientAuth, Curve, TlsServer, TlsVersion
from exporter.web.rules import ALWAYS, CIPHERS, Problem

_VERIFY = {ClientAuth.VERIFY_IF_GIVEN: ssl.CERT_OPTIONAL, ClientAuth.REQUIRE_AND_VERIFY: ssl.CERT_REQUIRED}
_CURVES = {Curve.P256: "prime256v1", Curve.P384: "secp384r1", Curve.P521: "secp521r1", Curve.X25519: "X25519"}


class _UnusableError(Exception):
    """One of the settings of TLS cannot be used."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.problem = Problem(f"tls_server_config.{key}", text)


def context_of(tls: TlsServer) -> ssl.SSLContext | Problem:
    """A context for new connections, or what is wrong; `tls` has passed the rules."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        _limit(context, tls)
        _show_certificate(context, tls.files["cert_file"], tls.files["key_file"])
        if tls.client_ca_file and tls.client_auth_type in _VERIFY:
            context.load_verify_locations(cadata=_certificates("client_ca_file", tls.client_ca_file))
            context.verify_mode = _VERIFY[tls.client_auth_type]
    except _UnusableError as error:
        return error.problem
    return context


def _limit(context: ssl.SSLContext, tls: TlsServer) -> None:
    """Versions, suites and the curve."""
    is_newest = tls.min_version is TlsVersion.TLS13
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if is_newest else ssl.TLSVersion.TLSv1_2
    if tls.max_version is TlsVersion.TLS12:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if not tls.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    key = "cipher_suites"
    try:
        if suites := [CIPHERS[suite] for suite in tls.cipher_suites if suite not in ALWAYS]:
            context.set_ciphers(":".join(suites))
        key = "curve_preferences"
        for curve in tls.curve_preferences:
            context.set_ecdh_curve(_CURVES[curve])
    except (ssl.SSLError, ValueError):
        raise _UnusableError(key, f"{ssl.OPENSSL_VERSION} offers none of these") from None


def _show_certificate(context: ssl.SSLContext, cert_file: str, key_file: str) -> None:
    def refuse_passphrase() -> str:
        raise _UnusableError("key_file", "the key has a passphrase; write it without one")

    _certificates("cert_file", cert_file)
    _content("key_file", key_file)
    try:
        context.load_cert_chain(cert_file, key_file, password=refuse_passphrase)
    except ssl.SSLError as error:
        reason = error.reason or ""
        if reason == "KEY_VALUES_MISMATCH":
            raise _UnusableError("key_file", "the key does not belong to the certificate in cert_file") from None
        if reason.endswith(("_TOO_SMALL", "_TOO_WEAK")):
            raise _UnusableError("cert_file", f"OpenSSL refuses it: {reason.replace('_', ' ').lower()}") from None
        raise _UnusableError("key_file", "no private key in PEM form is in this file") from None
    except OSError as error:
        raise _UnusableError("key_file", f"cannot be read: {error.strerror}") from None


def _certificates(key: str, file: str) -> str:
    """The text of `file`, which holds certificates; what stands around them may be in any language."""
    text = _content(key, file).decode("ascii", errors="ignore")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        raise _UnusableError(key, "no certificate in PEM form is in this file") from None
    return text


def _content(key: str, file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise _UnusableError(key, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise _UnusableError(key, "cannot be read: this is no file name") from None
