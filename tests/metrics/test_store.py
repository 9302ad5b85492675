"""Increments, budgets, ceiling, expiry and resumption, against a slow and obviously right model."""

from collections import Counter, OrderedDict
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from exporter.metrics import labels
from exporter.metrics.ceiling import EXPECTED, RESERVED, UNEXPECTED
from exporter.metrics.families import CONNECTIONS, DNS_QUERIES, DROPS, PRODUCT, WORLD_STARTS, Family
from exporter.metrics.series import folds, reserve
from exporter.metrics.settings import MetricsSettings
from exporter.metrics.store import Hit, Store

SECOND = 1_000_000_000
LEAST = 2_500


def connection(number: int, *, workload: str = "cart", namespace: str = "shop", port: str = "443") -> tuple[str, ...]:
    """Label values of a connection to some destination."""
    return (namespace, workload, "fqdn", "public", f"d{number}", port, "tcp", "forwarded")


def live(store: Store, family: Family = CONNECTIONS) -> dict[tuple[str, ...], int]:
    """The live series of a family."""
    return {key: series.value for key, series in store.families[family].live.items()}


def test_counting() -> None:
    """The same labels are the same series; a weight of 0 lets it exist."""
    store = Store(PRODUCT, MetricsSettings())
    store.add(CONNECTIONS, connection(1), 3)
    store.add(CONNECTIONS, connection(1), 4)
    store.add(WORLD_STARTS, ("node-1",), 0)
    assert live(store) == {connection(1): 7}
    assert live(store, WORLD_STARTS) == {("node-1",): 0}
    assert (store.families[CONNECTIONS].counted, store.ceiling.used) == (7, 2)


def test_the_steps_of_folding() -> None:
    """Destination, port, workload, namespace, each step beside those before; kind, scope and verdict stay."""
    other = labels.FOLDED
    assert list(folds(CONNECTIONS, connection(1))) == [
        ("shop", "cart", "fqdn", "public", "d1", "443", "tcp", "forwarded"),
        ("shop", "cart", "fqdn", "public", other, "443", "tcp", "forwarded"),
        ("shop", "cart", "fqdn", "public", other, other, "tcp", "forwarded"),
        ("shop", other, "fqdn", "public", other, other, "tcp", "forwarded"),
        (other, other, "fqdn", "public", other, other, "tcp", "forwarded"),
    ]


@pytest.mark.parametrize("family", PRODUCT, ids=lambda family: family.short)
def test_what_is_reserved(family: Family) -> None:
    """The last step keeps closed labels only, so that it cannot outgrow what is reserved; kind and scope are kept."""
    assert 0 < reserve(family) < 1_000
    folded = {label for step in family.folds for label in step}
    assert not folded & {labels.DESTINATION_KIND, labels.SCOPE, labels.CONNECTION_VERDICT, labels.L7_VERDICT}
    assert all(label.values for label in family.labels if label not in folded)


def test_a_family_that_keeps_an_open_label_is_refused() -> None:
    """A programmer who forgets the folding of a label hears of it at once."""
    with pytest.raises(TypeError, match="the open label node_name is never folded"):
        Store((replace(WORLD_STARTS, folds=()),), MetricsSettings())


def test_expiry_and_resumption() -> None:
    """An idle series leaves, its value is kept, and it goes on from there; a series in use stays."""
    store = Store(PRODUCT, MetricsSettings(ttl=100))
    store.tick(1 * SECOND)
    store.add(CONNECTIONS, connection(1), 5)
    store.add(CONNECTIONS, connection(2), 1)
    for second in range(2, 300):
        store.tick(second * SECOND)
        store.add(CONNECTIONS, connection(2), 1)
    family = store.families[CONNECTIONS]
    assert live(store) == {connection(2): 299}
    assert (family.expired, family.retained, family.retained_series) == (1, 5, 1)
    store.add(CONNECTIONS, connection(1), 1)
    assert live(store)[connection(1)] == 6
    assert (family.resumed, family.retained, family.retained_series) == (1, 0, 0)


def test_what_left_makes_room() -> None:
    """A workload that used up its destinations a day ago can use others today."""
    store = Store(PRODUCT, MetricsSettings(ttl=60, destinations_per_workload=1))
    store.tick(1 * SECOND)
    store.add(CONNECTIONS, connection(1), 1)
    for second in range(2, 200):
        store.tick(second * SECOND)
    store.add(CONNECTIONS, connection(2), 1)
    assert live(store) == {connection(2): 1}


def test_time_to_live_by_family() -> None:
    """A family may keep its idle series longer than the others."""
    store = Store(PRODUCT, MetricsSettings(ttl=60, ttl_by_family={"drops": 1000}))
    store.add(CONNECTIONS, connection(1), 1)
    store.add(DROPS, (*connection(1)[:-1], "policy_denied"), 1)
    for second in range(1, 400):
        store.tick(second * SECOND)
    assert live(store) == {}
    assert len(live(store, DROPS)) == 1


def test_what_was_counted_before_the_first_tick_is_fresh() -> None:
    """Nobody looked at a clock before; a series must not leave because of that."""
    store = Store(PRODUCT, MetricsSettings())
    store.add(CONNECTIONS, connection(1), 1)
    for second in range(200):
        store.tick((1_700_000_000 + second) * SECOND)
    assert live(store) == {connection(1): 1}


def test_retained_values_are_bounded() -> None:
    """By number, the one that left first is forgotten first; and by age."""
    store = Store(PRODUCT, MetricsSettings(ttl=60, retained_series=2, retained_for=1000))
    family = store.families[CONNECTIONS]
    store.tick(1 * SECOND)
    for number in range(4):
        store.add(CONNECTIONS, connection(number), 10**number)
    for second in range(2, 400):
        store.tick(second * SECOND)
    assert (family.kept, family.retained, family.forgotten) == (0, 1100, 11)
    for second in range(400, 1700):
        store.tick(second * SECOND)
    assert (family.kept, family.retained, family.forgotten, family.counted) == (0, 0, 1111, 1111)


def test_one_hit_of_each_budget() -> None:
    """The first workload that reaches a budget is told once, with the setting that can be changed."""
    store = Store(PRODUCT, MetricsSettings(destinations_per_workload=2))
    for workload in ("cart", "basket"):
        for number in range(5):
            store.add(CONNECTIONS, connection(number, workload=workload), 1)
    assert store.take_hits() == [Hit("metrics.destinations-per-workload", "shop", "cart", "connections")]
    store.add(CONNECTIONS, connection(9, workload="third"), 1)
    assert store.take_hits() == []
    assert store.families[CONNECTIONS].folded == {"destination": 6}


def test_other_workloads_keep_theirs() -> None:
    """When all room is used up, series that live go on, and new ones are folded step by step, never dropped."""
    store = Store(PRODUCT, MetricsSettings(series=LEAST, series_per_family=LEAST))
    store.add(CONNECTIONS, connection(0), 1)
    for number in range(LEAST):
        store.add(CONNECTIONS, connection(number, workload=f"w{number}", namespace=f"n{number % 200}"), 1)
    store.add(CONNECTIONS, connection(0), 1)
    assert live(store)[connection(0)] == 2
    assert store.ceiling.used <= LEAST
    assert sum(live(store).values()) == LEAST + 2
    folded = Counter(sum(value == labels.FOLDED for value in key) for key in live(store))
    assert set(folded) == {0, 1, 2, 3, 4}, "every step was used on the way"
    assert store.families[CONNECTIONS].refused > 0
    assert [hit.setting for hit in store.take_hits()] == ["metrics.series"]


def test_one_family_does_not_take_all() -> None:
    """Beyond its own limit a family is folded while others have room."""
    store = Store(PRODUCT, MetricsSettings(series=LEAST, series_per_family=100))
    for number in range(500):
        store.add(CONNECTIONS, connection(number, workload=f"w{number}"), 1)
    assert len(live(store)) <= 101
    assert [hit.setting for hit in store.take_hits()] == ["metrics.series-per-family"]
    store.add(DNS_QUERIES, ("shop", "cart", "A"), 1)
    assert live(store, DNS_QUERIES) == {("shop", "cart", "A"): 1}


def test_unexpected_destinations_find_room() -> None:
    """Expected series that use up all their room leave that of unexpected ones alone."""
    store = Store(PRODUCT, MetricsSettings(series=LEAST, series_per_family=LEAST))
    for number in range(LEAST):
        store.add(CONNECTIONS, connection(number, workload=f"w{number}", namespace=f"n{number}"), 1)
    bad = connection(1, workload="victim", namespace="bank")
    store.add(CONNECTIONS, bad, 1, UNEXPECTED)
    assert live(store)[bad] == 1


VALUES = {
    CONNECTIONS: st.tuples(
        st.sampled_from(("shop", "data")),
        st.sampled_from([f"w{number}" for number in range(40)]),
        st.sampled_from(("fqdn", "world")),
        st.just("public"),
        st.sampled_from([f"{number}.example.com" for number in range(8)] + ["x.org", "y.net"]),
        st.sampled_from(("", "443", "80", "22")),
        st.just("tcp"),
        st.sampled_from(labels.CONNECTION_VERDICT.values),
    ),
    DNS_QUERIES: st.tuples(
        st.sampled_from(("shop", "data")),
        st.sampled_from([f"w{number}" for number in range(40)]),
        st.sampled_from(("A", "AAAA", "other")),
    ),
    WORLD_STARTS: st.tuples(st.sampled_from([f"node-{number}" for number in range(60)])),
}
FAMILIES = tuple(VALUES)
NARROW = MetricsSettings.model_construct(
    **{
        **MetricsSettings().model_dump(),
        "series": sum(map(reserve, FAMILIES)) + 60,
        "series_per_family": 40,
        "destinations_per_workload": 3,
        "ports_per_workload": 2,
        "unexpected_per_workload": 2,
        "names_per_domain": 2,
        "ttl": 100.0,
        "retained_series": 10,
        "retained_for": 1000.0,
    }
)


class Model:
    """What must be true of the store, counted without it: every increment by its key, wherever it was put."""

    def __init__(self) -> None:
        self.counted: Counter[Family] = Counter()
        self.live: dict[tuple[Family, tuple[str, ...]], int] = {}
        self.retained: OrderedDict[tuple[Family, tuple[str, ...]], tuple[int, int]] = OrderedDict()
        self.forgotten: Counter[Family] = Counter()


class StoreMachine(RuleBasedStateMachine):
    """Random increments and time; the model follows each series by what the store shows of it."""

    def __init__(self) -> None:
        super().__init__()
        self.store, self.model, self.now = Store(FAMILIES, NARROW), Model(), 1
        self.store.tick(SECOND)

    @rule(data=st.data(), family=st.sampled_from(FAMILIES), weight=st.integers(0, 3), unexpected=st.booleans())
    def count(self, data: st.DataObject, family: Family, weight: int, unexpected: bool) -> None:
        """One increment goes to exactly one series: its own or one of its folding; all others stay as they are."""
        for values in data.draw(st.lists(VALUES[family], min_size=1, max_size=20)):
            before = self.shown()
            self.store.add(family, values, weight, UNEXPECTED if unexpected else EXPECTED)
            self.model.counted[family] += weight
            after = self.shown()
            assert before.keys() <= after.keys(), "nothing leaves because something is counted"
            assert sum(after[key] != before.get(key) for key in after) == 1 or not weight
            for changed in (key for key in after if after[key] != before.get(key)):
                retained, _ = self.model.retained.pop(changed, (0, 0)) if changed not in before else (0, 0)
                assert after[changed] - before.get(changed, 0) == weight + retained
                assert changed[0] is family
                assert self.is_folding(family, values, changed[1])

    @rule(seconds=st.sampled_from((1, 30, 99, 101, 500, 1001)))
    def wait(self, seconds: int) -> None:
        """Series leave only after their time, with their value, and what is retained goes the oldest first."""
        for _ in range(seconds if seconds < 200 else 1):
            self.step(1 if seconds < 200 else seconds)

    def step(self, seconds: int) -> None:
        """One tick."""
        self.now += seconds
        idle = {
            (family, key): one.value
            for family, series in self.store.families.items()
            for key, one in series.live.items()
            if self.now * SECOND - one.used_ns > 100 * SECOND
        }
        before = self.shown()
        self.store.tick(self.now * SECOND)
        after = self.shown()
        for key, (value, left) in list(self.model.retained.items()):
            if self.now - left > 1000:
                del self.model.retained[key]
                self.model.forgotten[key[0]] += value
        gone = [key for key in before if key not in after]
        assert all(key in idle for key in gone)
        assert all(after[key] == before[key] for key in after)
        for key in gone:
            if before[key]:
                self.model.retained[key] = before[key], self.now
            if len(self.model.retained) > 10:
                (family, _), (value, _) = self.model.retained.popitem(last=False)
                self.model.forgotten[family] += value

    def shown(self) -> dict[tuple[Family, tuple[str, ...]], int]:
        """All live series."""
        return {
            (family, key): one.value
            for family, series in self.store.families.items()
            for key, one in series.live.items()
        }

    def is_folding(self, family: Family, values: tuple[str, ...], key: tuple[str, ...]) -> bool:
        """Whether `key` may stand for `values`: equal, `~other`, or the domain, in an order that folding allows."""
        kept = {labels.DESTINATION_KIND, labels.SCOPE, labels.CONNECTION_VERDICT, labels.PROTOCOL, labels.QTYPE}
        return all(
            wanted == got
            or (label not in kept and got == labels.FOLDED)
            or (label is labels.DESTINATION and got == "*.example.com")
            for label, wanted, got in zip(family.labels, values, key, strict=True)
        )

    @invariant()
    def everything_is_somewhere(self) -> None:
        """Live + retained + forgotten = counted, by family, as the store says and as the model has it."""
        for family, series in self.store.families.items():
            retained = sum(value for (of, _), (value, _) in self.model.retained.items() if of is family)
            assert series.counted == self.model.counted[family]
            assert series.kept + series.retained + series.forgotten == series.counted
            assert (series.retained, series.forgotten) == (retained, self.model.forgotten[family])
            assert series.retained_series == sum(of is family for of, _ in self.model.retained)

    @invariant()
    def the_ceiling_holds(self) -> None:
        """Never exceeded, by one; what is reserved is there; workloads keep to their budgets."""
        assert len(self.shown()) == self.store.ceiling.used <= NARROW.series
        for pool, most in ((EXPECTED, 54), (UNEXPECTED, 6), (RESERVED, sum(map(reserve, FAMILIES)))):
            assert self.store.ceiling._used[pool] <= most
        shown: dict[tuple[str, str, str], set[str]] = {}
        ports: dict[tuple[str, str, str], set[str]] = {}
        names: dict[tuple[str, str, str], set[str]] = {}
        for key, one in self.store.families[CONNECTIONS].live.items():
            shown.setdefault((key[0], key[1], one.pool), set()).add(key[4])
            ports.setdefault((key[0], key[1], one.pool), set()).add(key[5])
            if key[2] == "fqdn" and key[4].endswith(".example.com") and key[4][0] != "*":
                names.setdefault((key[0], key[1], one.pool), set()).add(key[4])
        for (_, _, pool), destinations in shown.items():
            assert len(destinations - {labels.FOLDED}) <= (2 if pool == UNEXPECTED else 3)
        assert all(len(below) <= 2 for below in names.values())
        assert all(len(seen - {"", labels.FOLDED}) <= 2 for seen in ports.values())

    @precondition(lambda self: self.now > 3)
    @rule()
    def retained_is_in_order(self) -> None:
        """The first to be forgotten is the one that left first."""
        left = [time for _, time in self.store.retained._values.values()]
        assert all(earlier <= later for earlier, later in pairwise(left))


TestStoreProperty = StoreMachine.TestCase
TestStoreProperty.settings = hypothesis_settings(stateful_step_count=30)
