"""The diary of false positives: what is new in the month, and nobody's fault.

Restarts, scaling, moves and rollouts stand in the pods themselves, the icons and the rotation in every day.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from random import Random

from tests.month.cast import BY_NAME, JOB, NEW_API, PLUGIN_HOST, REGISTRY, TELEMETRY, UPSTREAM, How
from tests.month.contacts import Contact
from tests.month.places import DAY, HOUR
from tests.month.plan import DAYS, Plan

_AFTER_STARTUP = 720.0
_WEEK = 7 * DAY
PINGER, PINGED = BY_NAME["backup"], BY_NAME["backup"].uses[2].place
"""A check by hand: a host that the workload knows, which was never pinged before."""


def diary(seed: int, plan: Plan) -> Iterator[Contact]:
    """All contacts of the diary, in no order."""
    chance = Random(f"{seed}/diary")  # noqa: S311, a simulation needs no secrets
    yield from _monthly_job(chance, plan)
    yield from _new_api(chance, plan)
    for turn in range(int((DAYS * DAY - plan.telemetry) // _WEEK) + 1):
        yield Contact(plan.telemetry + turn * _WEEK, BY_NAME["grafana"], TELEMETRY)
    for turn in range(3):
        yield Contact(plan.first_ping + turn * HOUR, PINGER, PINGED, how=How.PING)
        yield Contact(plan.first_ping + turn * DAY, BY_NAME["git"], BY_NAME["git"].uses[0].place, how=How.PING)
        yield Contact(plan.first_ping + turn * HOUR, BY_NAME["updates"], REGISTRY, how=How.PING)


def in_outage(plan: Plan, contacts: Iterable[Contact]) -> Iterator[Contact]:
    """The same contacts, but for the day on which a name has no resolver that answers for it."""
    begin, end = plan.outage
    for contact in contacts:
        if contact.place is UPSTREAM and begin <= contact.at < end:
            yield replace(contact, how=How.FAILING)
        else:
            yield contact


def _monthly_job(chance: Random, plan: Plan) -> Iterator[Contact]:
    """The job fetches its list first: what is new comes when the pod is no longer starting up."""
    for turn in range(4):
        yield Contact(plan.monthly_run + _AFTER_STARTUP + turn * 90 + chance.uniform(0, 60), JOB, PLUGIN_HOST)


def _new_api(chance: Random, plan: Plan) -> Iterator[Contact]:
    """From some day on, every hour to the end: on addresses that other names of the same provider had before."""
    at = plan.new_api
    while at < DAYS * DAY:
        yield Contact(at, BY_NAME["automation"], NEW_API)
        at += chance.uniform(0.8, 1.2) * HOUR
