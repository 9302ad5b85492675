"""The key that posted findings are signed with; its file is read for every post, so that it can be replaced."""

import hashlib
import hmac
from pathlib import Path

from exporter.findings.settings import WebhookSettings
from exporter.log import RateLimit, logger


class SecretError(Exception):
    """There should be a key, and there is none; says why, and not what was found."""


class Signer:
    """Signs with the newest key that could be read. Used by one thread."""

    def __init__(self, settings: WebhookSettings, limit: RateLimit | None = None) -> None:
        self._file = settings.secret_file or ""
        self._key = settings.secret.get_secret_value() if settings.secret else ""
        self._limit = limit or RateLimit()

    def signature(self, body: bytes) -> str:
        """The value of the header; empty when findings are not signed.

        Raises:
            SecretError: when no key was ever read from the file: nothing leaves unsigned by mistake.
        """
        if self._file:
            self._read()
        if not self._key:
            return ""
        return f"sha256={hmac.new(self._key.encode(), body, hashlib.sha256).hexdigest()}"

    def _read(self) -> None:
        try:
            key, why = Path(self._file).read_text(encoding="utf-8").rstrip("\r\n"), "it is empty"
        except (OSError, ValueError) as error:
            key, why = "", (error.strerror if isinstance(error, OSError) else "") or "it is no UTF-8 text"
        if key:
            self._key = key
        elif not self._key:
            raise SecretError(f"findings.webhook.secret-file cannot be used: {why}")
        elif (held := self._limit.admit("secret_file", why)) is not None:
            fields = {"file": self._file, "error": why, "in_effect": "the previous"}
            logger().warning("webhook_secret_not_read", **fields, similar_before=held)
