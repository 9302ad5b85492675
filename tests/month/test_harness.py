"""The harness tells attacks from false alarms, and the month defeats what people build by hand."""

from itertools import pairwise

import pytest

from exporter.flow import Flow
from tests.flows import SECOND, at
from tests.month.__main__ import main
from tests.month.harness import CRITICAL, INFO, WARNING, Notification, Result, judge, play, table
from tests.month.plan import RESTART
from tests.month.simulator import END_NS, Month
from tests.month.stubs import ByAddress, ByDomain


def _told(month: Month, severity: str = WARNING) -> list[Notification]:
    return [
        Notification(
            attack.from_ns + SECOND, attack.namespace, attack.workload, attack.destination, severity, str(attack.port)
        )
        for attack in month.attacks
    ]


def _false(severity: str = WARNING) -> Notification:
    return Notification(at(1_000_000), "shop", "worker", "elsewhere.example", severity, "443")


def test_whoever_finds_all_and_is_quiet_passes(month: Month) -> None:
    """Five findings and two false ones pass."""
    result = judge(month, [*_told(month), _false(), _false()])
    assert result.passes
    assert result.missed == []
    assert len(result.false) == 2


def test_three_false_ones_do_not_pass(month: Month) -> None:
    """Nor does a critical one."""
    assert not judge(month, [*_told(month), _false(), _false(), _false()]).passes
    critical = judge(month, [*_told(month), _false(CRITICAL)])
    assert critical.critical == 1
    assert not critical.passes


def test_the_record_tells_nobody(month: Month) -> None:
    """What is for the record only finds no attack, and is no false alarm."""
    result = judge(month, [*_told(month, INFO), _false(INFO)])
    assert len(result.missed) == 5
    assert result.false == []
    assert result.informed == 6


def test_a_finding_before_the_attack_is_none(month: Month) -> None:
    """A notification of the same destination, but earlier, or of another workload, is false."""
    early = [told._replace(at_ns=told.at_ns - 2 * SECOND) for told in _told(month)]
    others = [told._replace(workload="git") for told in _told(month)]
    assert len(judge(month, [*early, *others]).false) == 10


def test_a_known_domain_on_its_known_port_is_no_attack(month: Month) -> None:
    """Only the port makes it one."""
    (told,) = (one for one in _told(month) if one.port == "22")
    assert judge(month, [told._replace(port="443")]).false


def test_an_attack_may_be_found_by_its_address(month: Month) -> None:
    """Dropped packets have an address only; the name that was refused may have the port of DNS."""
    (told,) = (one for one in _told(month) if one.workload == "proxy")
    (address,) = next(attack for attack in month.attacks if attack.workload == "proxy").addresses
    assert judge(month, [told._replace(destination=address), told._replace(port="53")]).false == []


def test_without_dns_only_noise_counts() -> None:
    """Nothing need be found there."""
    month = Month(3, dns=False)
    assert judge(month, []).passes
    assert not judge(month, [_false(), _false(), _false()]).passes


class _Watcher(ByDomain):
    """Notes how it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, int]] = []
        self.last_ns = 0

    def handle(self, flow: Flow) -> None:
        self.last_ns = flow.time_ns
        self.calls.append(("handle", flow.time_ns))

    def tick(self, now_ns: int) -> None:
        self.calls.append(("tick", now_ns))

    def restart(self) -> None:
        self.calls.append(("restart", self.last_ns))

    def notifications(self) -> list[Notification]:
        return [_false()]


def test_a_restart_takes_minutes(month: Month) -> None:
    """Nothing is handed over for five minutes, and what was said before is kept."""
    watcher = _Watcher()
    result = play(month, lambda: watcher, restart=True)
    names = [name for name, _ in watcher.calls]
    at_restart = names.index("restart")
    assert names.count("restart") == 1
    assert max(time for _, time in watcher.calls[:at_restart]) < at(RESTART)
    assert min(time for _, time in watcher.calls[at_restart + 1 :]) >= at(RESTART + 300)
    assert result.false == [_false(), _false()]
    assert result.flows == names.count("handle")


def test_time_passes_between_flows(month: Month) -> None:
    """Ticks come every minute, before any flow that is not older, up to the end."""
    watcher = _Watcher()
    play(month, lambda: watcher)
    times = [time for _, time in watcher.calls]
    ticks = [time for name, time in watcher.calls if name == "tick"]
    assert times == sorted(times)
    assert {later - tick for tick, later in pairwise(ticks)} == {60 * SECOND}
    assert END_NS - ticks[-1] <= 60 * SECOND


@pytest.mark.parametrize("restart", [False, True])
def test_first_seen_by_address_fails(month: Month, restart: bool) -> None:
    """It drowns in rotation, and misses what hides on addresses that it knows."""
    result = play(month, ByAddress, restart=restart)
    assert len(result.false) > 300
    assert not result.passes


def test_first_seen_by_domain_fails(month: Month) -> None:
    """It alarms about the wave of restarts on the first day, in every workload, and misses what has no name."""
    result = play(month, ByDomain)
    first_day = {one.workload for one in result.false if one.at_ns < at(19 * 86_400)}
    assert len(first_day) == 14
    assert [attack.name for attack in result.missed] == ["direct to an address"]
    assert not result.passes


def test_the_table_says_what_happened(month: Month) -> None:
    """One line for the month, one for each attack and each false notification."""
    told = _told(month)[:4]
    lines = table([Result(month, judge(month, told).found, [_false()], 0, 12)]).splitlines()
    assert lines[0] == (
        "seed 3, with DNS: FAILS; 12 flows, 4 of 5 attacks found, 1 false, 0 of them critical, 0 for the record"
    )
    assert len(lines) == 7
    assert lines[1].endswith("shop/storefront -> telemetry-sync.example                warning after 1 s")
    assert lines[5].endswith("missed")


def test_the_command_says_whether_all_hold(capsys: pytest.CaptureFixture[str]) -> None:
    """It prints a table for each seed, and exits with 1 when a month fails."""
    assert main(["--without-dns", "--under-test", "tests.month.stubs:ByDomain"]) == 0
    assert "without DNS: passes" in capsys.readouterr().out
