"""A store on a Valkey or Redis server: what its scripts do, and what exporters that share it see of each other."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.known.interface import EPISODE_NS, Fact, Mark, Row, What, WorkloadKey, merged, seen
from exporter.known.memory import MemoryStore
from exporter.known.valkey import ValkeyStore
from exporter.known.valkey_link import Command
from tests.known.valkey_server import ValkeyServer, valkey_store

SHOP, CART = WorkloadKey("prod", "shop", "checkout"), WorkloadKey("prod", "shop", "cart")
ITSELF, PAYPAL = Mark(What.WORKLOAD), Mark(What.DESTINATION, "443/TCP paypal.com")
NOW = 1_790_000_000_123_456_789
HOUR = 3600 * 1_000_000_000
prefixes = (f"test-{number}:" for number in count())

times = st.one_of(
    st.integers(0, 10**20 - 1),
    st.integers(NOW - 2, NOW + 2),
    # Around the silence that ends an episode, to the nanosecond, and where seconds roll over.
    st.builds(lambda ns, episodes: ns + episodes * EPISODE_NS, st.integers(NOW - 2, NOW + 2), st.integers(-2, 2)),
    st.builds(lambda ns, episodes: ns + episodes * EPISODE_NS, st.integers(10**18 - 2, 10**18 + 2), st.integers(0, 2)),
)
texts = st.text(st.characters(), max_size=5) | st.sampled_from(["", "\ud800", "\udfff\ud83d", "a\0b", "1:", "é", "zz"])
rows = st.builds(Row, times, times, times, texts, texts)
marks = st.builds(Mark, st.sampled_from(What), st.sampled_from(["", "443/TCP paypal.com"]) | texts)
workloads = st.sampled_from([SHOP, CART]) | st.builds(WorkloadKey, texts, texts, texts)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """A server for many tests, each with a prefix of its own."""
    with ValkeyServer(tmp_path_factory.mktemp("valkey")) as started:
        yield started


@pytest.fixture
def prefix() -> str:
    """The prefix of the test."""
    return next(prefixes)


@pytest.fixture
def store(server: ValkeyServer, prefix: str) -> Iterator[ValkeyStore]:
    """An empty store."""
    opened = valkey_store(server.port, prefix=prefix)
    yield opened
    opened.close()


def fact(mark: Mark, at_ns: int = NOW, workload: WorkloadKey = SHOP) -> Fact:
    """A fact that was seen once."""
    return Fact(workload, mark, seen(at_ns, '{"pod":"a"}', '{"pod":"b"}'))


@given(batches=st.lists(st.lists(st.builds(Fact, workloads, marks, rows), max_size=8), max_size=4))
def test_property_it_holds_and_answers_what_a_store_in_memory_does(
    server: ValkeyServer, batches: list[list[Fact]]
) -> None:
    """Whatever is merged, also the same mark twice at once: the same was there before, and the same is there then."""
    store, memory = valkey_store(server.port, prefix=next(prefixes)), MemoryStore()
    for batch in batches:
        assert store.merge(batch) == memory.merge(batch)
    assert sorted(store.facts()) == sorted(memory.facts())
    assert store.workloads() == memory.workloads()
    assert [store.load(workload) for workload in memory.workloads()] == list(map(memory.load, memory.workloads()))
    assert store.size().entries == memory.size().entries
    store.close()


@given(one=rows, other=rows)
@example(Row(1, 1, 1), Row(1 + EPISODE_NS, 1 + EPISODE_NS, 1 + EPISODE_NS))
@example(Row(1, 1, 1), Row(2 + EPISODE_NS, 2 + EPISODE_NS, 2 + EPISODE_NS))
@example(Row(1, 999_999_999, 1), Row(EPISODE_NS + 10**9, EPISODE_NS + 10**9, EPISODE_NS + 10**9))
@example(Row(5, 5, 5, "a", "a"), Row(5, 5, 5, "B", "B"))
@example(Row(5, 5, 5, "\uffff", "\uffff"), Row(5, 5, 5, "\U00010000", "\U00010000"))
def test_property_the_script_merges_as_python_does_in_either_order(server: ValkeyServer, one: Row, other: Row) -> None:
    """Two rows become the row that `merged` makes of them, whichever comes first."""
    store = valkey_store(server.port, prefix=next(prefixes))
    store.merge([Fact(SHOP, PAYPAL, one), Fact(CART, PAYPAL, other)])
    store.merge([Fact(SHOP, PAYPAL, other), Fact(CART, PAYPAL, one)])
    assert store.load(SHOP)[PAYPAL] == merged(one, other)
    assert store.load(CART)[PAYPAL] == merged(other, one)
    store.close()


def test_of_two_exporters_exactly_one_is_told_that_a_mark_is_new(server: ValkeyServer, prefix: str) -> None:
    """Both merge the same 2,000 marks at the same time, in other batches: each mark is new to one of them."""
    names, start = [Mark(What.DESTINATION, str(number)) for number in range(2000)], Barrier(2)

    def told(batch: int) -> list[Mark]:
        store = valkey_store(server.port, prefix=prefix)
        start.wait()
        new = []
        for first in range(0, len(names), batch):
            asked = names[first : first + batch]
            before = store.merge([fact(mark) for mark in asked])
            new += [mark for mark, row in zip(asked, before, strict=True) if row is None]
        store.close()
        return new

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(told, (7, 11))
    assert Counter(one + other) == Counter(names)


def test_the_second_of_a_batch_sees_the_first(store: ValkeyStore) -> None:
    """A mark that is twice in a batch is new once, and its second row is merged into the first."""
    assert store.merge([fact(PAYPAL), fact(PAYPAL, NOW + HOUR)]) == [None, fact(PAYPAL).row]
    assert store.load(SHOP)[PAYPAL][:3] == (NOW, NOW + HOUR, NOW)


def test_a_merge_is_one_question(store: ValkeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of facts goes with the facts; to forget some, and all of a workload, is one question too."""
    store.merge([fact(ITSELF)])
    store.forget(SHOP, [ITSELF])
    asked, ask = list[list[object]](), store._link.ask

    def counting(*commands: Command) -> list[object]:
        asked.extend([[command[0] for command in commands]] if commands else [])
        return ask(*commands)

    monkeypatch.setattr(store._link, "ask", counting)
    assert store.merge([fact(PAYPAL), fact(PAYPAL, workload=CART)]) == [None, None]
    assert store.forget(SHOP, [PAYPAL]) == 1
    assert store.forget(CART) == 1
    assert asked == [["EVALSHA", "EVALSHA"], ["EVALSHA"], ["EVALSHA"]]


def test_expiry_of_another_exporter_counts_no_fact_twice(server: ValkeyServer, prefix: str) -> None:
    """Ten facts are ten, and seven after three are forgotten, though another exporter counts all in between."""
    one, other = valkey_store(server.port, prefix=prefix), valkey_store(server.port, prefix=prefix)
    names = [Mark(What.DESTINATION, str(number)) for number in range(10)]
    other.merge([fact(mark) for mark in names])
    one.expire(0)
    assert (other.size().entries, one.size().entries) == (10, 10)
    other.forget(SHOP, names[:3])
    one.expire(0)
    assert (other.size().entries, one.size().entries) == (7, 7)
    other.forget(SHOP)
    one.expire(0)
    assert (other.size().entries, one.size().entries) == (0, 0)
    one.close()
    other.close()


def test_what_expires_is_counted_though_expiry_does_not_come_to_its_end(store: ValkeyStore) -> None:
    """Each workload's facts leave the number when they are forgotten, before all is counted."""
    store.merge([fact(ITSELF), fact(PAYPAL)])
    key = store._key(SHOP)
    assert store._dropped(key, store._fields(key), NOW + 1) == 2
    assert store.size().entries == 0


def test_at_the_end_nothing_is_asked(server: ValkeyServer, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is gone is not waited for, and what was new is counted all the same."""
    store, asked = valkey_store(server.port, prefix=prefix), list[Command]()
    store.merge([fact(PAYPAL)])
    ask = store._link.ask

    def counting(*commands: Command) -> list[object]:
        asked.extend(commands)
        return ask(*commands)

    monkeypatch.setattr(store._link, "ask", counting)
    store.close()
    assert asked == []
    assert server.ask("GET", f"{prefix}entries") == b"1"


def test_everything_is_read_with_few_questions(store: ValkeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty workloads with each, or a round trip for each of thousands would stop what is judged meanwhile."""
    store.merge([fact(PAYPAL, NOW, WorkloadKey("", "", str(number))) for number in range(120)])
    asked, ask = list[int](), store._link.ask

    def counting(*commands: Command) -> list[object]:
        asked.append(sum(command[0] == "HGETALL" for command in commands))
        return ask(*commands)

    monkeypatch.setattr(store._link, "ask", counting)
    assert len(list(store.facts())) == 120
    assert [number for number in asked if number] == [50, 50, 20]
    asked.clear()
    assert store.expire(NOW) == 0
    assert [number for number in asked if number] == [50, 50, 20]


def test_keys_can_be_read_and_are_quoted(store: ValkeyStore, server: ValkeyServer, prefix: str) -> None:
    """A person who looks at the server finds workloads by name; what separates the parts of a key is quoted in them."""
    store.merge([fact(ITSELF), fact(ITSELF, workload=WorkloadKey("a/b", "", "~node %"))])
    keys = sorted(server.ask("KEYS", f"{prefix}known:*"))
    assert keys == [f"{prefix}known:a%2Fb//~node%20%25".encode(), f"{prefix}known:prod/shop/checkout".encode()]


def test_a_time_before_1970_becomes_the_first_of_1970(store: ValkeyStore) -> None:
    """A broken clock does no harm."""
    assert store.merge([fact(PAYPAL, -1)]) == [None]
    assert store.load(SHOP)[PAYPAL].first_ns == 0


def test_a_prefix_with_special_characters_is_one_store_only(server: ValkeyServer) -> None:
    """A prefix that looks like a pattern finds its own workloads, and not those of another prefix."""
    special, other = (valkey_store(server.port, prefix=prefix) for prefix in ("[ab]*?\\:", "a*xx\\:"))
    special.merge([fact(PAYPAL)])
    other.merge([fact(PAYPAL, workload=CART)])
    assert (special.workloads(), other.workloads()) == ([SHOP], [CART])
    special.close()
    other.close()


def test_workloads_that_nobody_sees_vanish_by_themselves(server: ValkeyServer, prefix: str) -> None:
    """A merge sets the time after which the whole workload is gone, and sets it anew."""
    store, key = valkey_store(server.port, prefix=prefix, expire_seconds=1000.9), f"{prefix}known:prod/shop/checkout"
    store.merge([fact(PAYPAL)])
    assert 0 < server.ask("TTL", key) <= 1000
    server.ask("PERSIST", key)
    store.merge([fact(PAYPAL)])
    assert 0 < server.ask("TTL", key) <= 1000
    store.close()


@pytest.mark.parametrize("seconds", [0.2, 1e30])
def test_any_time_of_expiry_is_one_the_server_takes(server: ValkeyServer, prefix: str, seconds: float) -> None:
    """A time below a second, or beyond what the server can count, is the nearest that it knows."""
    store = valkey_store(server.port, prefix=prefix, expire_seconds=seconds)
    assert store.merge([fact(PAYPAL)]) == [None]
    assert store._lifetime >= 1
    store.close()


def test_every_workload_is_found_however_many_there_are(store: ValkeyStore) -> None:
    """A server names its keys in parts."""
    names = sorted(WorkloadKey("", "", str(number)) for number in range(2500))
    store.merge([fact(PAYPAL, NOW, name) for name in names])
    assert store.workloads() == names
    assert len(list(store.facts(NOW))) == 2500
    assert list(store.facts(NOW + 1)) == []


def test_single_facts_expire_with_their_time_lasting_ones_with_their_workload(store: ValkeyStore) -> None:
    """What was not seen for long goes; starts stay as long as the workload does."""
    start = Mark(What.START, "checkout-1")
    store.merge([fact(ITSELF, NOW), fact(PAYPAL, NOW - HOUR), fact(start, NOW - HOUR)])
    store.merge([fact(mark, NOW - HOUR, CART) for mark in (ITSELF, PAYPAL, start)])
    assert store.expire(NOW) == 4
    assert set(store.load(SHOP)) == {ITSELF, start}
    assert store.workloads() == [SHOP]
    assert store.size().entries == 2


def test_of_all_exporters_one_expires_in_an_hour(server: ValkeyServer, prefix: str) -> None:
    """The second one forgets nothing within the hour, after that it does."""
    one, other = (valkey_store(server.port, prefix=prefix, expire_pause=3600) for _ in range(2))
    one.merge([fact(PAYPAL)])
    assert one.expire(NOW) == 0
    assert 0 < server.ask("TTL", f"{prefix}expiring") <= 3600
    assert (one.expire(NOW + 1), other.expire(NOW + 1)) == (0, 0)
    server.ask("DEL", f"{prefix}expiring")
    assert (other.expire(NOW + 1), one.expire(NOW + 1)) == (1, 0)
    one.close()
    other.close()


@pytest.mark.parametrize(
    ("again", "left"),
    [(PAYPAL, {PAYPAL}), (ITSELF, {ITSELF, PAYPAL})],
)
def test_what_is_seen_while_it_expires_stays(store: ValkeyStore, again: Mark, left: set[Mark]) -> None:
    """Between reading and forgetting another exporter merges: what rests on that is not forgotten."""
    store.merge([fact(ITSELF), fact(PAYPAL)])
    key = store._key(SHOP)
    read = store._fields(key)
    store.merge([fact(again, NOW + HOUR)])
    store._dropped(key, read, NOW + 1)
    assert set(store.load(SHOP)) == left


def test_the_number_of_facts_is_kept_and_set_right_by_expiry(
    store: ValkeyStore, server: ValkeyServer, prefix: str
) -> None:
    """Merging and forgetting keep it; a workload that vanished is counted until expiry looks at everything."""
    store.merge([fact(ITSELF), fact(PAYPAL), fact(PAYPAL), fact(ITSELF, workload=CART)])
    assert store.size().entries == 3
    assert store.size().bytes > 0
    assert store.forget(SHOP, [PAYPAL, Mark(What.DNS)]) == 1
    assert store.forget(SHOP, []) == 0
    assert store.size().entries == 2
    server.ask("DEL", f"{prefix}known:prod/shop/checkout")
    assert store.size().entries == 2
    store.expire(0)
    assert store.size().entries == 1
    assert store.forget(CART) == 1
    assert (store.size().entries, store.workloads(), list(store.facts())) == (0, [], [])


@pytest.mark.parametrize(
    "garbage",
    [b"", b"garbage", b"1" * 60, b"1" * 60 + b"9:x", b"1" * 60 + b"0000000001:x", b"x" + b"1" * 59 + b"0:"],
)
def test_a_row_that_is_none_is_as_if_it_were_not_there(
    store: ValkeyStore, server: ValkeyServer, prefix: str, garbage: bytes
) -> None:
    """It is counted, the rows beside it are read, and the next merge writes over it."""
    store.merge([fact(ITSELF), fact(PAYPAL)])
    server.ask("HSET", f"{prefix}known:prod/shop/checkout", "destination:443/TCP paypal.com", garbage)
    assert store.load(SHOP) == {ITSELF: fact(ITSELF).row}
    assert store.unreadable == 1
    assert store.merge([fact(PAYPAL)]) == [None]
    assert store.unreadable == 2
    assert store.merge([fact(PAYPAL)]) == [fact(PAYPAL).row]
    assert store.load(SHOP)[PAYPAL] == fact(PAYPAL).row


def test_text_that_is_no_text_is_shown_as_well_as_can_be(store: ValkeyStore, server: ValkeyServer, prefix: str) -> None:
    """A row whose text was spoilt is still a row: its times count, and it is not new."""
    row = str(NOW).zfill(20).encode() * 3 + b"1:\xff\xfe"
    server.ask("HSET", f"{prefix}known:prod/shop/checkout", "destination:443/TCP paypal.com", row)
    assert store.load(SHOP) == {PAYPAL: Row(NOW, NOW, NOW, "\ufffd", "\ufffd")}
    assert store.merge([fact(PAYPAL, NOW + 1)]) != [None]


@pytest.mark.parametrize("field", ["", "moon:x", "destination", b"destination:\xff"])
def test_a_field_that_names_no_fact_is_passed_over(
    store: ValkeyStore, server: ValkeyServer, prefix: str, field: str | bytes
) -> None:
    """Newer versions may know kinds of facts that this one does not."""
    store.merge([fact(PAYPAL)])
    server.ask("HSET", f"{prefix}known:prod/shop/checkout", field, b"\xff")
    assert list(store.load(SHOP)) == [PAYPAL]
    assert store.unreadable == 1


def test_keys_that_name_no_workload_are_passed_over(store: ValkeyStore, server: ValkeyServer, prefix: str) -> None:
    """They are counted, and neither listed nor expired."""
    store.merge([fact(PAYPAL)])
    for name in ("a/b", "a/b/%ff"):
        server.ask("SET", f"{prefix}known:{name}", "x")
    assert store.workloads() == [SHOP]
    assert store.unreadable == 2
    assert store.expire(NOW + 1) == 1


def test_a_batch_of_nothing_asks_nothing() -> None:
    """There need not even be a server."""
    store = valkey_store(1)
    assert store.merge([]) == []
    store.close()
