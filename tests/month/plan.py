"""When what happens: eighteen quiet days without any restart, and thirty-two with the diary of a real house in them.

Times are seconds from the beginning. Nothing falls into the hours in which the harness restarts the exporter.
"""

from dataclasses import dataclass
from random import Random

from tests.month.places import DAY, HOUR

LEARNING_DAYS, DAYS = 18, 50
RESTART = 34.0 * DAY
"""When the exporter is restarted, if it is."""
_WINDOWS = ((25.0, 26.5), (27.5, 29.0), (30.0, 31.5), (35.0, 37.0), (39.0, 41.0))
_FIRST_RUN, _WEEK = 3 * DAY + 3.5 * HOUR, 7 * DAY


@dataclass(frozen=True, slots=True)
class Plan:
    """One month."""

    wave: float
    """All pods are started anew within minutes, as by the update of all nodes."""
    scaled: float
    moved_set: float
    """A pod of a StatefulSet comes back on another node, under its old name."""
    moved_deployment: float
    """A pod of a Deployment comes back on another node, under another name."""
    rollouts: tuple[tuple[str, float], ...]
    weekly_runs: tuple[float, ...]
    monthly_run: float
    new_api: float
    telemetry: float
    """From when on the vendor is called weekly, and not at start-up only."""
    outage: tuple[float, float]
    first_ping: float
    new_domain: float
    """The five attacks begin: a new domain behind a rollout, and so on."""
    bare: float
    new_port: float
    slow: float
    denied: float


def plan_of(seed: int) -> Plan:
    """The plan of a seed."""
    chance = Random(f"{seed}/plan")  # noqa: S311, a simulation needs no secrets
    windows = chance.sample(_WINDOWS, len(_WINDOWS))
    new_domain, bare, new_port, slow, denied = (chance.uniform(*window) * DAY for window in windows)

    def on(first: float, last: float) -> float:
        return chance.uniform(first, last) * DAY

    outage = float(chance.choice((28, 32, 36))) * DAY
    return Plan(
        wave=on(18.2, 18.9),
        scaled=on(20, 21),
        moved_set=on(21, 22),
        moved_deployment=on(22, 23),
        rollouts=(("git", on(23, 24)), ("photos", on(32, 33.5))),
        weekly_runs=tuple(_FIRST_RUN + week * _WEEK for week in range(int((DAYS * DAY - _FIRST_RUN) // _WEEK) + 1)),
        monthly_run=chance.choice((26, 29, 33, 36, 41)) * DAY + on(0.1, 0.3),
        new_api=on(26, 31),
        telemetry=on(22, 24),
        outage=(outage, outage + DAY),
        first_ping=on(24, 40),
        new_domain=new_domain,
        bare=bare,
        new_port=new_port,
        slow=slow,
        denied=denied,
    )
