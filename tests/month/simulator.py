"""A month of a house with many services, eighteen days of learning before it, and five attacks hidden in it."""

from collections.abc import Iterator
from functools import cached_property
from operator import attrgetter
from random import Random

from exporter.flow import Flow
from tests.flows import at
from tests.month.agent import Agent
from tests.month.attacks import Attack, attacking, attacks
from tests.month.contacts import Contact, Routine
from tests.month.diary import diary, in_outage
from tests.month.events import sign_of_life
from tests.month.places import DAY, Atlas
from tests.month.plan import DAYS, LEARNING_DAYS, Plan, plan_of
from tests.month.pods import NODES, Pods

MONTH_NS, END_NS = at(LEARNING_DAYS * DAY), at(DAYS * DAY)
"""When the month begins, and when it ends."""
_SIGN_OF_LIFE = 300.0
_DNS_PORT = 53


class Month:
    """The flows of one seed; each call of `flows` tells the same story from the beginning."""

    def __init__(self, seed: int = 0, *, dns: bool = True) -> None:
        self.seed, self.dns = seed, dns

    @cached_property
    def plan(self) -> Plan:
        """When what happens."""
        return plan_of(self.seed)

    @cached_property
    def pods(self) -> Pods:
        """Who lives when."""
        return Pods(self.seed, self.plan)

    @cached_property
    def attacks(self) -> tuple[Attack, ...]:
        """What is to be found."""
        return attacks(self.plan)

    def flows(self) -> Iterator[Flow]:
        """All flows, in the order of time; without DNS there is nothing on its port, and no name."""
        return self._all() if self.dns else map(_nameless, filter(_is_not_dns, self._all()))

    def _all(self) -> Iterator[Flow]:
        routine = Routine(self.seed, self.pods)
        agent = Agent(self.seed, Atlas(self.seed), self.pods)
        special = [*diary(self.seed, self.plan), *attacking(self.seed, self.plan)]
        waiting: list[Flow] = []
        for day in range(DAYS):
            contacts: list[Contact] = [one for one in special if day * DAY <= one.at < (day + 1) * DAY]
            contacts += in_outage(self.plan, routine.day(day))
            for contact in sorted(contacts, key=attrgetter("at")):
                waiting += agent.flows(contact)
            waiting += self._signs_of_life(day)
            waiting.sort(key=attrgetter("time_ns"))
            # Whatever begins tomorrow begins after this, and its first lookups a moment earlier.
            end_ns = at((day + 1) * DAY - 1)
            ready = sum(1 for flow in waiting if flow.time_ns < end_ns)
            yield from waiting[:ready]
            del waiting[:ready]
        yield from (flow for flow in waiting if flow.time_ns < END_NS)

    def _signs_of_life(self, day: int) -> Iterator[Flow]:
        chance = Random(f"{self.seed}/nodes/{day}")  # noqa: S311, a simulation needs no secrets
        for node in NODES:
            for turn in range(int(DAY / _SIGN_OF_LIFE)):
                yield sign_of_life(day * DAY + (turn + chance.random()) * _SIGN_OF_LIFE, node)


def _is_not_dns(flow: Flow) -> bool:
    return flow.l7 is None and flow.destination_port != _DNS_PORT


def _nameless(flow: Flow) -> Flow:
    flow.destination_names = ()
    return flow
