"""The store that the settings ask for."""

from exporter.known.interface import Store
from exporter.known.memory import MemoryStore
from exporter.known.settings import KnownSettings, StoreKind
from exporter.known.sqlite import SqliteStore


def open_store(settings: KnownSettings) -> Store:
    """The store; one that does not work says so when it is used, never here."""
    match settings.store:
        case StoreKind.MEMORY:
            return MemoryStore()
        case StoreKind.SQLITE:
            return SqliteStore(settings.file, settings.entries)
        case StoreKind.VALKEY:
            # Its client is loaded by those who use it.
            from exporter.known.valkey import ValkeyStore  # noqa: PLC0415

            return ValkeyStore(settings.valkey, settings.expire)
