"""Every store that there is, for the tests of what a store must do."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from exporter.known.interface import Fact, Mark, Row, Store, What, WorkloadKey, seen
from exporter.known.memory import MemoryStore
from exporter.known.sqlite import SqliteStore
from tests.known.valkey_server import ValkeyServer, valkey_store

WEB, CART = WorkloadKey("default", "shop", "web"), WorkloadKey("default", "shop", "cart")
ITSELF = Mark(What.WORKLOAD)
API, MAIL = Mark(What.DESTINATION, "443/TCP example.com"), Mark(What.DESTINATION, "25/TCP example.org")
MOST_ENTRIES = 100_000


@contextmanager
def memory(_folder: Path) -> Iterator[Store]:
    """A store in memory."""
    with closing(MemoryStore()) as store:
        yield store


@contextmanager
def sqlite(folder: Path) -> Iterator[Store]:
    """A store in a file of its own."""
    with closing(SqliteStore(str(folder / "known.db"), MOST_ENTRIES)) as store:
        yield store


@contextmanager
def valkey(folder: Path) -> Iterator[Store]:
    """A store on a server of its own."""
    with ValkeyServer(folder) as server, closing(valkey_store(server.port)) as store:
        yield store


STORES: dict[str, Callable[[Path], AbstractContextManager[Store]]] = {
    "memory": memory,
    "sqlite": sqlite,
    "valkey": valkey,
}
"""Each gives an empty store, which may use a folder that is its own; one without its server calls pytest.skip()."""


def fact(mark: Mark, at_ns: int, workload: WorkloadKey = WEB, began: str = "", latest: str = "") -> Fact:
    """That a mark is seen at a time."""
    return Fact(workload, mark, seen(at_ns, began, latest))


def everything(store: Store) -> dict[tuple[WorkloadKey, Mark], Row]:
    """All that a store holds, read workload by workload."""
    return {(workload, mark): row for workload in store.workloads() for mark, row in store.load(workload).items()}
