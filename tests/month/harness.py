"""Plays a month to something that finds new destinations, and says what it found and what it cried wolf about."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from exporter.flow import Flow
from tests.flows import SECOND, at
from tests.month.attacks import Attack
from tests.month.plan import RESTART
from tests.month.simulator import Month

MOST_FALSE = 2
INFO, WARNING, CRITICAL = "info", "warning", "critical"
_TICK_NS = 60 * SECOND
_DOWN_NS = 300 * SECOND
_HTTPS = 443
_MOST_LISTED = 20


class Notification(NamedTuple):
    """What somebody is told. `info` is for the record and reaches nobody; an empty port is not known.

    `destination` is as it is remembered: registered domain, name that is below no public suffix, or address.
    """

    at_ns: int
    namespace: str
    workload: str
    destination: str
    severity: str
    port: str = ""


class UnderTest(Protocol):
    """Something that finds new destinations."""

    def handle(self, flow: Flow) -> None:
        """Take a flow in."""
        ...

    def tick(self, now_ns: int) -> None:
        """Let time pass; called for every minute of the month, between flows."""
        ...

    def restart(self) -> None:
        """End, and begin anew with what is stored. Flows of the minutes in between never come."""
        ...

    def notifications(self) -> list[Notification]:
        """What was said since the last call. It is asked before each restart, and at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a month."""

    month: Month
    found: dict[Attack, Notification | None]
    """The first notification of each attack."""
    false: list[Notification]
    """Those that are of no attack."""
    informed: int = 0
    """How many were for the record only, and are none of these."""
    flows: int = 0
    critical: int = field(init=False)
    """How many of the false ones are critical."""

    def __post_init__(self) -> None:
        """Count."""
        object.__setattr__(self, "critical", sum(one.severity == CRITICAL for one in self.false))

    @property
    def missed(self) -> list[Attack]:
        """Attacks that nobody was told of."""
        return [attack for attack, first in self.found.items() if first is None]

    @property
    def passes(self) -> bool:
        """Whether the criteria hold; without DNS, attacks need not be found, but noise is noise."""
        quiet = len(self.false) <= MOST_FALSE and not self.critical
        return quiet and not (self.month.dns and self.missed)


def play(month: Month, factory: Callable[[], UnderTest], *, restart: bool = False) -> Result:
    """Play the month to what the factory makes, with a restart of it in the middle if wanted."""
    under_test = factory()
    told: list[Notification] = []
    flows, next_tick, down_ns = 0, at(0), at(RESTART)
    restarts = restart
    for flow in month.flows():
        while flow.time_ns >= next_tick:
            if restarts and next_tick >= down_ns:
                told += under_test.notifications()
                under_test.restart()
                restarts = False
            if not (restart and down_ns <= next_tick < down_ns + _DOWN_NS):
                under_test.tick(next_tick)
            next_tick += _TICK_NS
        if restart and down_ns <= flow.time_ns < down_ns + _DOWN_NS:
            continue
        under_test.handle(flow)
        flows += 1
    under_test.tick(next_tick)
    return judge(month, [*told, *under_test.notifications()], flows)


def judge(month: Month, told: list[Notification], flows: int = 0) -> Result:
    """Tell the notifications of attacks from the others."""
    loud = sorted(one for one in told if one.severity != INFO)
    found = {attack: next((one for one in loud if is_of(one, attack)), None) for attack in month.attacks}
    false = [one for one in loud if not any(is_of(one, attack) for attack in month.attacks)]
    return Result(month, found, false, len(told) - len(loud), flows)


def is_of(notification: Notification, attack: Attack) -> bool:
    """Whether this is about that attack. A name that was refused has no port of its own, or the port of DNS."""
    same = (notification.namespace, notification.workload) == (attack.namespace, attack.workload)
    if not same or notification.at_ns < attack.from_ns:
        return False
    if notification.destination in attack.addresses:
        return True
    if attack.port != _HTTPS and notification.port == str(attack.port):
        # Nothing else that the workload does has such a port: so it is known without a name too.
        return True
    ports = {str(attack.port), "", "0"} | ({"53"} if attack.refused else set())
    return notification.destination == attack.destination and notification.port in ports


def table(results: list[Result]) -> str:
    """One line per month and attack, and what was said beside them."""
    return "\n".join(line for result in results for line in _lines(result))


def _lines(result: Result) -> Iterator[str]:
    month = result.month
    dns, verdict = "with DNS" if month.dns else "without DNS", "passes" if result.passes else "FAILS"
    yield (
        f"seed {month.seed}, {dns}: {verdict}; {result.flows:,} flows, {len(result.found) - len(result.missed)} of "
        f"{len(result.found)} attacks found, {len(result.false)} false, {result.critical} of them critical, "
        f"{result.informed} for the record"
    )
    for attack, first in result.found.items():
        when = "missed" if first is None else f"{first.severity} after {(first.at_ns - attack.from_ns) / SECOND:,.0f} s"
        yield f"  attack  {attack.name:28} {_where(attack.namespace, attack.workload, attack.destination):56} {when}"
    for one in result.false[:_MOST_LISTED]:
        day = (one.at_ns - at(0)) / SECOND / 86_400
        destination = _where(one.namespace, one.workload, f"{one.destination}:{one.port}")
        yield f"  false   {f'day {day:.2f}':28} {destination:56} {one.severity}"
    if len(result.false) > _MOST_LISTED:
        yield f"  false   and {len(result.false) - _MOST_LISTED} more"


def _where(namespace: str, workload: str, destination: str) -> str:
    return f"{namespace}/{workload} -> {destination}"
