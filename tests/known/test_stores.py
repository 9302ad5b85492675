"""What every store does, wherever it keeps its facts."""

import pytest

from exporter.known.interface import EPISODE_NS, LASTING, Fact, Mark, Row, Store, What, WorkloadKey
from tests.known.stores import API, CART, ITSELF, MAIL, WEB, everything, fact

WEIRD = [
    "",
    "é漢🙂",
    "\0",
    "a\0b",
    "\ud800",
    "\udfff\ud800",
    "\ud83d\ude00",
    "\ufffe",
    "'; --",
    "%s{}[]",
    "x" * 4000,
    "a b\n",
]
"""Names come from DNS, and JSON may hold half a character."""


def test_nothing_is_known_at_first(store: Store) -> None:
    """Of an empty store nothing is known, and there is nothing to forget."""
    assert store.load(WEB) == {}
    assert store.workloads() == []
    assert list(store.facts()) == []
    assert store.size().entries == 0
    assert (store.forget(WEB), store.forget(WEB, [API]), store.expire(10)) == (0, 0, 0)
    assert store.merge([]) == []


def test_what_stood_there_before(store: Store) -> None:
    """Merging says None the first time, and the row that stood there every other time."""
    assert store.merge([fact(API, 10, began="a", latest="b")]) == [None]
    assert store.merge([fact(API, 20, began="c", latest="d")]) == [Row(10, 10, 10, "a", "b")]
    assert store.merge([fact(API, 5)]) == [Row(10, 20, 10, "a", "d")]
    assert store.load(WEB) == {API: Row(5, 20, 5, "", "d")}


def test_one_mark_twice_in_a_batch(store: Store) -> None:
    """A batch is merged one fact after the other: exactly one is told None, the next what the first has left."""
    batch = [fact(API, 10, began="a"), fact(MAIL, 11), fact(API, 20, latest="b"), fact(API, 30, latest="c")]
    assert store.merge(batch) == [None, None, Row(10, 10, 10, "a", ""), Row(10, 20, 10, "a", "b")]
    assert store.load(WEB) == {API: Row(10, 30, 10, "a", "c"), MAIL: Row(11, 11, 11)}


def test_the_same_again_changes_nothing(store: Store) -> None:
    """A batch that is merged again, after a fault perhaps, leaves what the first time left."""
    batch = [fact(API, 10, began="a"), fact(API, 20, latest="b"), fact(MAIL, 30)]
    store.merge(batch)
    known = store.load(WEB)
    store.merge(batch)
    assert store.load(WEB) == known
    assert store.size().entries == 2


def test_silence_ends_an_episode(store: Store) -> None:
    """Two hours of silence are still one episode, one nanosecond more begins another."""
    store.merge([fact(API, 0)])
    store.merge([fact(API, EPISODE_NS)])
    assert store.load(WEB) == {API: Row(0, EPISODE_NS, 0)}
    store.merge([fact(API, 2 * EPISODE_NS + 1)])
    assert store.load(WEB) == {API: Row(0, 2 * EPISODE_NS + 1, 2 * EPISODE_NS + 1)}


def test_rows_of_several_sightings(store: Store) -> None:
    """A row need not be one sighting: what comes with an episode of its own keeps it."""
    store.merge([Fact(WEB, API, Row(10, 60, 40, "first", "last"))])
    assert store.load(WEB) == {API: Row(10, 60, 40, "first", "last")}


def test_times_of_two_sightings_are_equal(store: Store) -> None:
    """Of two that were seen first at the same time the lesser text stays, of two seen last the greater."""
    for began, latest in (("m", "m"), ("a", "z"), ("z", "a")):
        store.merge([fact(API, 10, began=began, latest=latest)])
    assert store.load(WEB) == {API: Row(10, 10, 10, "a", "z")}


def test_workloads_have_memories_of_their_own(store: Store) -> None:
    """The same mark of workloads that differ in cluster, namespace or name is as many facts; they come in order."""
    keys = [WorkloadKey(cluster, namespace, name) for cluster in "ab" for namespace in "ab" for name in "ab"]
    assert store.merge([fact(API, at_ns, key) for at_ns, key in enumerate(reversed(keys))]) == [None] * 8
    assert store.workloads() == keys
    assert [store.load(key)[API].last_ns for key in keys] == [7, 6, 5, 4, 3, 2, 1, 0]


def test_parts_of_a_key_do_not_run_together(store: Store) -> None:
    """Where one part of a key ends and the next begins makes a difference, whatever character might part them."""
    for joint in ("", "/", " ", ":", "\0", "|"):
        store.merge(
            [fact(API, 1, WorkloadKey("a" + joint, "b", "c")), fact(API, 2, WorkloadKey("a", joint + "b", "c"))]
        )
    assert len(store.workloads()) == 11
    assert store.size().entries == 11


def test_kinds_of_marks_are_told_apart(store: Store) -> None:
    """A name of one kind is not that of another."""
    marks = [Mark(what, "same") for what in What]
    store.merge([fact(mark, at_ns) for at_ns, mark in enumerate(marks)])
    assert store.load(WEB) == {mark: Row(at_ns, at_ns, at_ns) for at_ns, mark in enumerate(marks)}
    assert all(type(mark.what) is What for mark in store.load(WEB))


@pytest.mark.parametrize("text", WEIRD, ids=ascii)
def test_any_text(store: Store, text: str) -> None:
    """Every text is a name, or a part of a row, and comes back as it went in."""
    key, mark = WorkloadKey(text, text, text), Mark(What.ADDRESS, text)
    assert store.merge([fact(mark, 1, key, text, text)]) == [None]
    assert store.merge([fact(mark, 1, key, text, text)]) == [Row(1, 1, 1, text, text)]
    assert store.load(key) == {mark: Row(1, 1, 1, text, text)}
    assert list(store.facts()) == [Fact(key, mark, Row(1, 1, 1, text, text))]
    assert store.workloads() == [key]
    assert store.forget(key, [mark]) == 1


def test_texts_are_told_apart(store: Store) -> None:
    """No two of them are the same name, and names that differ in case or form are two."""
    names = [*WEIRD, "Example.com", "example.com", "é", "e\u0301"]
    assert store.merge([fact(Mark(What.POD, name), 1) for name in names]) == [None] * len(names)
    assert set(store.load(WEB)) == {Mark(What.POD, name) for name in names}


def test_workloads_are_in_the_order_of_their_characters(store: Store) -> None:
    """Capitals before small letters, and whatever lies beyond ASCII by its code point."""
    names = ["", "B", "a", "é", "\ud800", "\uffee", "🙂"]
    store.merge([fact(API, 1, WorkloadKey("c", "n", name)) for name in reversed(names)])
    assert [key.name for key in store.workloads()] == names


def test_facts_since(store: Store) -> None:
    """Facts are all that were seen last at a time or later, of every workload."""
    store.merge([fact(API, 10), fact(MAIL, 20), fact(API, 5, CART), fact(API, 21, CART)])
    assert sorted(store.facts(20)) == [Fact(CART, API, Row(5, 21, 5)), Fact(WEB, MAIL, Row(20, 20, 20))]
    assert sorted(store.facts(21)) == [Fact(CART, API, Row(5, 21, 5))]
    assert len(list(store.facts())) == 3
    assert list(store.facts(22)) == []


def test_forget_marks(store: Store) -> None:
    """Only the marks that are named go, of this workload only; those that are not known do not count."""
    store.merge([fact(API, 1), fact(MAIL, 2), fact(ITSELF, 3), fact(API, 4, CART)])
    assert store.forget(WEB, [API, Mark(What.POD, "web-1"), Mark(What.DENIED, API.name)]) == 1
    assert store.load(WEB) == {MAIL: Row(2, 2, 2), ITSELF: Row(3, 3, 3)}
    assert store.load(CART) == {API: Row(4, 4, 4)}
    assert store.forget(WEB, []) == 0
    assert store.size().entries == 3


def test_a_mark_to_forget_that_is_named_twice(store: Store) -> None:
    """It is one fact."""
    store.merge([fact(API, 1), fact(MAIL, 2)])
    assert store.forget(WEB, [API, API]) == 1
    assert store.load(WEB) == {MAIL: Row(2, 2, 2)}


def test_forget_a_workload(store: Store) -> None:
    """All of it goes, and it is new when it comes again."""
    store.merge([fact(API, 1), fact(MAIL, 2), fact(ITSELF, 3), fact(API, 4, CART)])
    assert store.forget(WEB) == 3
    assert store.workloads() == [CART]
    assert store.size().entries == 1
    assert store.merge([fact(API, 9)]) == [None]
    assert store.load(WEB) == {API: Row(9, 9, 9)}


def test_a_workload_without_facts_is_not_known(store: Store) -> None:
    """When the last of its facts is forgotten there is no such workload any more."""
    store.merge([fact(API, 1)])
    store.forget(WEB, [API])
    assert store.workloads() == []


def test_expire(store: Store) -> None:
    """What was seen last before a time is forgotten; what was seen at that very time is not."""
    store.merge([fact(ITSELF, 20), fact(API, 9), fact(MAIL, 10), fact(ITSELF, 20, CART), fact(API, 1, CART)])
    assert store.expire(10) == 2
    assert everything(store) == {
        (CART, ITSELF): Row(20, 20, 20),
        (WEB, ITSELF): Row(20, 20, 20),
        (WEB, MAIL): Row(10, 10, 10),
    }
    assert store.size().entries == 3


def test_what_lasts_expires_with_its_workload(store: Store) -> None:
    """Starts, novelties and what was told stay for as long as their workload is seen, and then go with it."""
    lasting = [Mark(What.START, "web-1"), Mark(What.NOVELTY, "7"), Mark(What.TOLD, "port")]
    assert {ITSELF.what, *(mark.what for mark in lasting)} == LASTING
    store.merge([fact(mark, 1, workload) for mark in lasting for workload in (WEB, CART)])
    store.merge([fact(ITSELF, 100), fact(API, 1), fact(ITSELF, 99, CART), fact(API, 100, CART)])
    assert store.expire(100) == 1 + 4
    assert set(everything(store)) == {(WEB, ITSELF), *((WEB, mark) for mark in lasting), (CART, API)}


@pytest.mark.parametrize("what", What)
def test_what_lasts_without_its_workload(store: Store, what: What) -> None:
    """Of a workload that is not known itself nothing lasts: it goes however lately it was seen."""
    store.merge([fact(Mark(what, "name"), 100)])
    assert store.expire(50) == (what in LASTING)


def test_size(store: Store) -> None:
    """The number of facts is that of marks, however often each was seen."""
    store.merge([fact(API, 1), fact(API, 2), fact(MAIL, 1), fact(API, 1, CART)])
    store.merge([fact(API, 3), fact(ITSELF, 3)])
    assert store.size().entries == 4


def test_times_at_the_edges(store: Store) -> None:
    """Zero, and nanoseconds that a float would round, are times like others; before the epoch nothing is seen."""
    times = [0, 2**53 + 1, 1_764_547_200_123_456_789]
    store.merge([fact(Mark(What.POD, str(at_ns)), at_ns) for at_ns in times])
    assert set(store.load(WEB).values()) == {Row(at_ns, at_ns, at_ns) for at_ns in times}


def test_a_clock_in_any_year(store: Store) -> None:
    """A time beyond the year 2262, which 64 bits do not hold, does no harm to the facts beside it."""
    assert store.merge([fact(API, 253_402_300_799 * 10**9), fact(MAIL, 5)]) == [None, None]
    assert store.load(WEB)[MAIL] == Row(5, 5, 5)
    assert store.load(WEB)[API].last_ns >= 2**63 - 1


def test_closed_twice(store: Store) -> None:
    """Closing never raises, whether there is something to close or not."""
    store.merge([fact(API, 1)])
    store.close()
    store.close()
