"""TLS towards the Observer: its files, read anew for every connection, and what they say about themselves."""

import ssl
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from exporter.hubble.settings import TlsSettings


class TlsFileError(Exception):
    """A file of `hubble.tls` cannot be used; says which, and why."""

    def __init__(self, setting: str, file: str, why: str) -> None:
        super().__init__(f"hubble.tls.{setting} {file}: {why}")


class TlsFiles(NamedTuple):
    """What the files hold, in PEM; None where there is none. Equal when nothing has changed on disk."""

    authorities: bytes | None
    certificate: bytes | None
    key: bytes | None


def read_files(settings: TlsSettings) -> TlsFiles:
    """The files as they are now.

    Raises:
        TlsFileError: when one is missing, unreadable or not what it should be.
    """
    if settings.ca_file:
        authorities: bytes | None = _read("ca-file", settings.ca_file)
        _certificates("ca-file", settings.ca_file, authorities or b"")
    else:
        authorities = _of_the_system()
    if not settings.cert_file:
        return TlsFiles(authorities, None, None)
    certificate, key = _read("cert-file", settings.cert_file), _read("key-file", settings.key_file)
    public = _certificates("cert-file", settings.cert_file, certificate)[0].public_key()
    ours = _private_key(settings.key_file, key).public_key()
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if ours.public_bytes(*form) != public.public_bytes(*form):
        raise TlsFileError("key-file", settings.key_file, "the key does not belong to the certificate in cert-file")
    return TlsFiles(authorities, certificate, key)


def expiries(settings: TlsSettings, files: TlsFiles) -> dict[str, float]:
    """When the first certificate of each file of the settings ends, in seconds since the epoch."""
    held = {"ca": files.authorities if settings.ca_file else None, "client": files.certificate}
    return {name: _first_end(pem) for name, pem in held.items() if pem}


def _first_end(pem: bytes) -> float:
    return min(certificate.not_valid_after_utc.timestamp() for certificate in x509.load_pem_x509_certificates(pem))


def _of_the_system() -> bytes | None:
    """The authorities of the system in one file, None where it has none: then gRPC brings its own."""
    file = ssl.get_default_verify_paths().cafile
    return Path(file).read_bytes() if file else None


def _read(setting: str, file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise TlsFileError(setting, file, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise TlsFileError(setting, file, "cannot be read: this is no file name") from None


def _certificates(setting: str, file: str, pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise TlsFileError(setting, file, "no certificate in PEM form is in it") from None


def _private_key(file: str, pem: bytes) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(pem, password=None)
    except TypeError:
        raise TlsFileError("key-file", file, "the key has a passphrase; write it without one") from None
    except ValueError:
        raise TlsFileError("key-file", file, "no private key in PEM form is in it") from None
