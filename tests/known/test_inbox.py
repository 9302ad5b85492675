"""What waits for the memory."""

from exporter.known.inbox import Inbox
from exporter.known.sighting import Missed, Note

NOTES: list[Note] = [Missed(f"node-{number}", 1, number) for number in range(6)]


def test_in_order() -> None:
    """Notes come out as they went in, as many as are wanted, and no more than there are."""
    inbox = Inbox(10)
    assert all(inbox.offer(note) for note in NOTES)
    assert len(inbox) == 6
    assert inbox.take(4) == NOTES[:4]
    assert inbox.take(4) == NOTES[4:]
    assert inbox.take(4) == []


def test_full() -> None:
    """What finds no room is refused and counted; what waits stays, and there is room again when some was taken."""
    inbox = Inbox(3)
    assert [inbox.offer(note) for note in NOTES] == [True, True, True, False, False, False]
    assert (len(inbox), inbox.refused) == (3, 3)
    assert inbox.take(1) == NOTES[:1]
    assert inbox.offer(NOTES[5])
    assert inbox.take(9) == [*NOTES[1:3], NOTES[5]]
    assert inbox.refused == 3


def test_arrived() -> None:
    """Whoever waits is woken as long as something waits, and not by an empty queue."""
    inbox = Inbox(10)
    assert not inbox.arrived.is_set()
    inbox.offer(NOTES[0])
    inbox.offer(NOTES[1])
    assert inbox.arrived.is_set()
    inbox.take(1)
    assert inbox.arrived.is_set()
    inbox.take(1)
    assert not inbox.arrived.is_set()


def test_filling() -> None:
    """Half of the room may be taken before it is said to be filling."""
    inbox = Inbox(4)
    said = [inbox.is_filling]
    for note in NOTES[:3]:
        inbox.offer(note)
        said.append(inbox.is_filling)
    assert said == [False, False, False, True]
