"""What is held of the memory, and what of it is let go."""

import pytest

from exporter.known.attendance import Attendance
from exporter.known.interface import Fact, Fault, Mark, Row, StoreError, What, WorkloadKey, node_key, seen
from exporter.known.memory import MemoryStore
from exporter.known.recall import Recall
from exporter.known.settings import KnownSettings
from tests.detectors.watching import Steady
from tests.flows import SECOND

CART, WEB = WorkloadKey("east", "shop", "cart"), WorkloadKey("east", "shop", "web")


class Broken(MemoryStore):
    """A store that does not answer while `broken`."""

    broken = False

    def load(self, workload: WorkloadKey) -> dict[Mark, Row]:
        """Load, if it works."""
        if self.broken:
            raise StoreError(Fault.UNREACHABLE, "it is gone")
        return super().load(workload)


def places(workload: WorkloadKey, number: int) -> list[Fact]:
    """Facts of a workload."""
    return [Fact(workload, Mark(What.DESTINATION, f"443/tcp a{one}.example"), seen(1)) for one in range(number)]


def test_the_one_in_use_is_not_let_go() -> None:
    """A workload that is asked for stays, though there is no room for all that is known of it and of another one."""
    store = Broken()
    store.merge(places(WEB, 700))
    recall = Recall(store, KnownSettings(entries=1_000), Steady())
    recall.add(places(CART, 400))
    assert len(recall.of(WEB).rows) == 700
    assert [*recall.workloads] == [WEB]
    assert recall.entries == 700


def test_what_waits_keeps_nothing_from_being_forgotten() -> None:
    """A workload that is seen all the time forgets where it has not been for long, though something waits."""
    store = MemoryStore()
    recall = Recall(store, KnownSettings(), Steady())
    itself, old = Mark(What.WORKLOAD), Mark(What.DESTINATION, "443/tcp old.example")
    recall.add([Fact(CART, itself, seen(1)), Fact(CART, old, seen(1))])
    recall.refresh(Fact(CART, itself, seen(1_000)))
    assert recall.waiting
    assert recall.expire(500) == 1
    assert set(recall.of(CART).rows) == set(store.load(CART)) == {itself}


@pytest.mark.parametrize("text", ["", "yesterday", "-5", "1e9"])
def test_node_with_another_text(text: str) -> None:
    """What somebody wrote into the store by hand, or a later release, is no reason to die."""
    store = MemoryStore()
    store.merge([Fact(node_key("node-1"), Mark(What.NODE), Row(0, 5 * SECOND, 2 * SECOND, "", text))])
    attendance = Attendance(Recall(store, KnownSettings(), Steady()), 600)
    attendance.saw("node-1", 10 * SECOND)
    assert not attendance.is_long("node-1", 602 * SECOND)
    assert attendance.is_long("node-1", 603 * SECOND)
