"""The join from DNS answers: which names an address has for whom, for how long, and in how much memory."""

import gc
import sys

from exporter.destinations.dns_answers import NOT_ASKED, Asked, DnsAnswers, Given
from exporter.flow import Dns
from tests.flows import SECOND, at

CART, WEB = ("shop", "cart-1"), ("shop", "web-1")
ADDRESS, OTHER = "203.0.113.7", "2001:db8::7"


def answer(*ips: str, ttl: int = 30, cnames: tuple[str, ...] = ()) -> Dns:
    """An answer with these addresses."""
    return Dns("", ("A",), 0, ips or (ADDRESS,), cnames, ttl)


def test_every_address_of_an_answer_has_the_name() -> None:
    """All addresses that were answered have the name that was asked, for the one who asked and nobody else."""
    answers = DnsAnswers(10)
    answers.learn(CART, "api.example.com", answer(ADDRESS, OTHER), at(0))
    for address in (ADDRESS, OTHER):
        assert answers.asked(CART, address, at(1)) == Asked(within=("api.example.com",))
        assert answers.asked(WEB, address, at(1)) == NOT_ASKED
    assert answers.asked(CART, "203.0.113.8", at(1)) == NOT_ASKED


def test_a_name_is_within_its_ttl_by_flow_time() -> None:
    """A TTL of 30 s lasts to the end of the 30th second; then the name is past it, and is not forgotten."""
    answers = DnsAnswers(10)
    answers.learn(CART, "api.example.com", answer(ttl=30), at(100))
    assert answers.asked(CART, ADDRESS, at(130)) == Asked(within=("api.example.com",))
    assert answers.asked(CART, ADDRESS, at(130) + 1) == Asked(past=("api.example.com",))


def test_a_ttl_of_zero_lasts_a_second() -> None:
    """TTL 0 is for the connection that follows, and that is made a moment later."""
    answers = DnsAnswers(10)
    answers.learn(CART, "api.example.com", answer(ttl=0), at(0))
    assert answers.asked(CART, ADDRESS, at(1)) == Asked(within=("api.example.com",))
    assert answers.asked(CART, ADDRESS, at(1) + 1) == Asked(past=("api.example.com",))


def test_asking_again_makes_it_last() -> None:
    """The latest answer says how long a name lasts, also when an older one arrives behind it."""
    answers = DnsAnswers(10)
    for seconds in (0, 60, 20):
        answers.learn(CART, "api.example.com", answer(ttl=30), at(seconds))
    assert answers.asked(CART, ADDRESS, at(90)) == Asked(within=("api.example.com",))
    assert answers.asked(CART, ADDRESS, at(91)) == Asked(past=("api.example.com",))


def test_several_names_of_one_address() -> None:
    """The name that was asked last stands first, among those within their TTL and among those past it."""
    answers = DnsAnswers(10)
    answers.learn(CART, "old.example.com", answer(ttl=5), at(0))
    answers.learn(CART, "older.example.com", answer(ttl=5), at(-1))
    answers.learn(CART, "a.example.com", answer(ttl=60), at(1))
    answers.learn(CART, "b.example.com", answer(ttl=60), at(2))
    assert answers.asked(CART, ADDRESS, at(10)) == Asked(
        within=("b.example.com", "a.example.com"), past=("old.example.com", "older.example.com")
    )
    answers.learn(CART, "a.example.com", answer(ttl=60), at(11))
    assert answers.asked(CART, ADDRESS, at(12)).within == ("a.example.com", "b.example.com")


def test_four_names_of_one_address_are_kept() -> None:
    """The four that were asked last, whatever the order in which the answers arrive."""
    answers = DnsAnswers(10)
    for number in (3, 1, 5, 2, 4):
        answers.learn(CART, f"{number}.example.com", answer(), at(number))
    assert answers.asked(CART, ADDRESS, at(6)).within == tuple(f"{number}.example.com" for number in (5, 4, 3, 2))


def test_cnames_are_evidence() -> None:
    """CNAMEs are kept beside the name that was asked, at most four, and are no names of the address."""
    answers = DnsAnswers(10)
    chain = tuple(f"{number}.cdn.example.net." for number in range(5))
    answers.learn(CART, "api.example.com", answer(cnames=chain), at(0))
    assert answers.asked(CART, ADDRESS, at(0)) == Asked(within=("api.example.com",))
    assert answers.given(CART, ADDRESS, at(0)) == (Given("api.example.com", chain[:4], "", -30 * SECOND),)
    assert answers.given(WEB, ADDRESS, at(0)) == ()


def test_what_was_asked_is_evidence() -> None:
    """How a name was asked for is kept beside it, and whether its time is over is said as of the question's time."""
    answers = DnsAnswers(10)
    answers.learn(CART, "api.example.com", answer(), at(0), "api.example.com.shop.svc.cluster.local")
    (given,) = answers.given(CART, ADDRESS, at(31))
    assert given == Given("api.example.com", (), "api.example.com.shop.svc.cluster.local", SECOND)
    assert given.ended


def test_a_name_asked_in_two_forms() -> None:
    """With a suffix behind it and without: both answers are kept, and it is one name."""
    answers = DnsAnswers(10)
    answers.learn(CART, "api.example.com", answer(), at(0))
    answers.learn(CART, "api.example.com", answer(), at(1), "api.example.com.svc.cluster.local")
    assert answers.asked(CART, ADDRESS, at(2)) == Asked(within=("api.example.com",))
    assert answers.asked(CART, ADDRESS, at(30.5)) == Asked(within=("api.example.com",)), "one of them is over"
    assert [given.asked_as for given in answers.given(CART, ADDRESS, at(2))] == [
        "api.example.com.svc.cluster.local",
        "",
    ]


def test_an_answer_of_thousands() -> None:
    """Of one answer 64 addresses are learnt: it must not push out what others were answered."""
    answers = DnsAnswers(100)
    answers.learn(
        CART, "api.example.com", answer(*(f"10.0.{number // 256}.{number % 256}" for number in range(4096))), at(0)
    )
    assert answers.stats().entries == 64


def test_the_pair_unused_for_longest_leaves() -> None:
    """A full join lets go of what was neither answered nor looked up for longest, and counts it."""
    answers = DnsAnswers(3)
    for number in range(3):
        answers.learn(CART, "a.example.com", answer(f"192.0.2.{number}"), at(0))
    answers.asked(CART, "192.0.2.0", at(0))
    answers.learn(CART, "a.example.com", answer("192.0.2.1"), at(0))
    answers.learn(CART, "a.example.com", answer("192.0.2.3"), at(0))
    left = [number for number in range(4) if answers.asked(CART, f"192.0.2.{number}", at(0)) != NOT_ASKED]
    assert (left, answers.stats()) == ([0, 1, 3], (3, 3, 1))


def size_of(answers: DnsAnswers) -> int:
    """Bytes of everything that it holds, what is shared once."""
    sizes: dict[int, int] = {}
    remaining: list[object] = [answers._answers, *answers._answers]
    remaining += answers._answers.values()
    while remaining:
        one = remaining.pop()
        if id(one) not in sizes:
            sizes[id(one)] = sys.getsizeof(one)
            remaining += one if isinstance(one, tuple) else ()
    return sum(sizes.values())


def test_memory_stays_at_its_bound() -> None:
    """Of 5,000 workloads that ask for 200 names each, 100,000 pairs are kept, about 600 B each, as of the first 1,000.

    Every name is another, and every answer has a CNAME of its own: nothing is shared.
    """
    answers, sizes = DnsAnswers(100_000), []
    for workload in range(5_000):
        for number in range(200):
            name = f"n{number}.w{workload}.example.com"
            given = Dns(name, ("A",), 0, (f"198.18.{number}.{workload % 250}",), (f"{name}.cdn.example.net.",), 30)
            answers.learn(("shop", f"workload-{workload}"), name, given, at(0) + workload)
        if workload in (999, 4_999):
            sizes.append(size_of(answers))
    assert answers.stats() == (100_000, 100_000, 900_000)
    assert sizes[1] <= sizes[0] * 1.1
    assert 500 <= sizes[1] / 100_000 <= 700, "the setting's description says how much"


def test_the_garbage_collector_has_nothing_to_look_through() -> None:
    """Of a hundred pairs it follows none after it has seen them once."""
    answers = DnsAnswers(1000)
    for number in range(100):
        answers.learn(CART, f"{number}.example.com", answer(f"192.0.2.{number}", OTHER), at(0) + number * SECOND)
    gc.collect()
    gc.collect()
    assert not [entry for entry in answers._answers.values() if gc.is_tracked(entry)]
