"""In whatever order and in whatever batches facts come: randomised, for every store."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.known.interface import EPISODE_NS, Fact, Mark, Row, Store, What, WorkloadKey, expires, merged, seen
from tests.known.stores import STORES, everything

_HOUR = EPISODE_NS // 2
_WORKLOADS = [WorkloadKey("", "shop", "web"), WorkloadKey("", "shop", "we"), WorkloadKey("c", "", "\ud800")]
_MARKS = [Mark(What.WORKLOAD), Mark(What.DESTINATION, "a"), Mark(What.DESTINATION, "b"), Mark(What.TOLD, "a")]
# Few times and texts, so that there are equal ones; hours, so that there are episodes.
_TIMES = st.integers(0, 12).map(lambda hours: hours * _HOUR)
_TEXTS = st.sampled_from(["", "a", "b", "é", "\ud800"])
_FACTS = st.builds(Fact, st.sampled_from(_WORKLOADS), st.sampled_from(_MARKS), st.builds(seen, _TIMES, _TEXTS, _TEXTS))
_FORGETTING = st.tuples(st.sampled_from(_WORKLOADS), st.none() | st.sets(st.sampled_from(_MARKS)))
_STEPS = st.lists(st.lists(_FACTS) | _FORGETTING | _TIMES, max_size=12)


@contextmanager
def _empty(kind: str) -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder, STORES[kind](Path(folder)) as store:
        yield store


def _batches(data: st.DataObject, facts: Sequence[Fact]) -> list[Sequence[Fact]]:
    """The same facts in the same order, cut anywhere."""
    cuts = sorted(data.draw(st.sets(st.integers(0, len(facts)))))
    return [facts[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(facts)], strict=True)]


@pytest.mark.parametrize("kind", STORES)
@given(facts=st.lists(_FACTS), data=st.data())
def test_property_of_any_order(kind: str, facts: list[Fact], data: st.DataObject) -> None:
    """First and last, and their texts, are those of all facts, in whatever order and batches they came."""
    with _empty(kind) as store:
        for batch in _batches(data, data.draw(st.permutations(facts))):
            store.merge(batch)
        found = {key: (row.first_ns, row.began, row.last_ns, row.latest) for key, row in everything(store).items()}
    rows: dict[tuple[WorkloadKey, Mark], list[Row]] = {}
    for workload, mark, row in facts:
        rows.setdefault((workload, mark), []).append(row)
    assert found == {
        key: (*min((row.first_ns, row.began) for row in each), *max((row.last_ns, row.latest) for row in each))
        for key, each in rows.items()
    }


@pytest.mark.parametrize("kind", STORES)
@given(facts=st.lists(_FACTS), data=st.data())
def test_property_of_the_first_one(kind: str, facts: list[Fact], data: st.DataObject) -> None:
    """For each mark exactly the first fact is told None, in its batch or in any other, and none is a mark twice."""
    with _empty(kind) as store:
        before = [row for batch in _batches(data, facts) for row in store.merge(batch)]
        marks = [fact[:2] for fact in facts]
        assert [row is None for row in before] == [mark not in marks[:place] for place, mark in enumerate(marks)]
        assert store.size().entries == len(set(marks)) == len(list(store.facts()))


@pytest.mark.parametrize("kind", STORES)
@given(hours=st.lists(st.integers(0, 5)), data=st.data())
def test_property_of_episodes(kind: str, hours: list[int], data: st.DataObject) -> None:
    """Of facts in order the present episode begins after the last silence of more than two hours."""
    times = [sum(hours[: place + 1]) * _HOUR for place in range(len(hours))]
    begins = [at_ns for place, at_ns in enumerate(times) if place == 0 or hours[place] > 2]
    facts = [Fact(_WORKLOADS[0], _MARKS[0], seen(at_ns)) for at_ns in times]
    with _empty(kind) as store:
        for batch in _batches(data, facts):
            store.merge(batch)
        since = [row.since_ns for row in store.load(_WORKLOADS[0]).values()]
    assert since == begins[-1:]


@pytest.mark.parametrize("kind", STORES)
@given(steps=_STEPS)
def test_property_of_any_life(kind: str, steps: list[list[Fact] | tuple[WorkloadKey, set[Mark] | None] | int]) -> None:
    """Whatever is merged, forgotten and expired, a store holds what a plain dictionary holds, and answers alike."""
    plain: dict[tuple[WorkloadKey, Mark], Row] = {}
    with _empty(kind) as store:
        for step in steps:
            if isinstance(step, list):
                assert store.merge(step) == [_merge(plain, fact) for fact in step]
            elif isinstance(step, int):
                assert store.expire(step) == _drop(plain, _expired(plain, step))
            else:
                workload, marks = step
                gone = [key for key in plain if key[0] == workload and (marks is None or key[1] in marks)]
                assert store.forget(workload, marks) == _drop(plain, gone)
            assert everything(store) == plain
            assert store.workloads() == sorted({workload for workload, _ in plain})
            assert store.size().entries == len(plain)
            assert {fact[:2]: fact.row for fact in store.facts(3 * _HOUR)} == {
                key: row for key, row in plain.items() if row.last_ns >= 3 * _HOUR
            }


def _merge(plain: dict[tuple[WorkloadKey, Mark], Row], fact: Fact) -> Row | None:
    known = plain.get(fact[:2])
    plain[fact[:2]] = fact.row if known is None else merged(known, fact.row)
    return known


def _expired(plain: dict[tuple[WorkloadKey, Mark], Row], before_ns: int) -> list[tuple[WorkloadKey, Mark]]:
    return [
        (workload, mark)
        for (workload, mark), row in plain.items()
        if expires(mark, row, plain.get((workload, Mark(What.WORKLOAD))), before_ns)
    ]


def _drop(plain: dict[tuple[WorkloadKey, Mark], Row], keys: list[tuple[WorkloadKey, Mark]]) -> int:
    for key in keys:
        del plain[key]
    return len(keys)
