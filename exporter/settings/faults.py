"""The settings as a whole cannot be used."""

from exporter.documents.faults import DocumentError


class SettingsError(DocumentError):
    """The settings cannot be used; its text is the whole message, one line per fault."""
