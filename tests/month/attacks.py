"""The five attacks of the month, and how a finding of one is recognised."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.flows import at as time_ns
from tests.month.cast import BY_NAME, REGISTRY, How
from tests.month.contacts import Contact
from tests.month.places import CLOUDFRONT, HOUR, Place, bare_address
from tests.month.plan import Plan

NEW_DOMAIN = Place("telemetry-sync.example")
SLOW = Place("d9x8y7.cloudfront.net", CLOUDFRONT)
DENIED = Place("panel-of-them.example")
_SLOW_CONTACTS = 24


@dataclass(frozen=True, slots=True)
class Attack:
    """What is to be found: whose, where to as it is remembered, on which port, from when on.

    `addresses` are what it may be called too, because no name leads to them.
    """

    name: str
    namespace: str
    workload: str
    destination: str
    port: int
    from_ns: int
    addresses: frozenset[str] = frozenset()
    refused: bool = False
    """Policy lets nothing of it out, not even the query."""


def attacks(plan: Plan) -> tuple[Attack, ...]:
    """The five."""
    bare, dropped = bare_address(1), bare_address(2)
    return (
        Attack(
            *("new domain after a rollout", "shop", "storefront"),
            *(NEW_DOMAIN.name, 8000, time_ns(plan.new_domain)),
        ),
        Attack(*("direct to an address", "shop", "worker", bare, 443, time_ns(plan.bare)), frozenset({bare})),
        Attack(*("known domain, new port", "code", "updates", "example.net", 22, time_ns(plan.new_port))),
        Attack(*("slow, to a CDN name", "media", "photos", SLOW.name, 443, time_ns(plan.slow))),
        Attack(
            *("denied attempts only", "edge", "proxy", DENIED.name, 4444, time_ns(plan.denied)),
            frozenset({dropped}),
            refused=True,
        ),
    )


def attacking(seed: int, plan: Plan) -> Iterator[Contact]:
    """The contacts of all five, in no order."""
    chance = Random(f"{seed}/attacks")  # noqa: S311, a simulation needs no secrets
    storefront, worker, updates = BY_NAME["storefront"], BY_NAME["worker"], BY_NAME["updates"]
    begin = plan.new_domain + chance.uniform(120, 300)
    for turn in range(6):
        yield Contact(begin + turn * 60, storefront, NEW_DOMAIN, 8000)
    for turn in range(4):
        yield Contact(plan.bare + turn * chance.uniform(300, 900), worker, how=How.BARE, number=1)
        yield Contact(plan.new_port + turn * chance.uniform(60, 600), updates, REGISTRY, 22)
        yield Contact(
            plan.denied + turn * chance.uniform(60, 600), BY_NAME["proxy"], DENIED, 4444, How.REFUSED, number=2
        )
    at = plan.slow
    for _ in range(_SLOW_CONTACTS):
        yield Contact(at, BY_NAME["photos"], SLOW)
        at += chance.uniform(5.5, 6.5) * HOUR
