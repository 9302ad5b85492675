"""What the memory of destinations says of itself, as samples."""

import pytest

from exporter.detectors.settings import DestinationsDetectorSettings
from exporter.detectors.survey import Surveyed
from exporter.detectors.unexpected import Where
from exporter.findings.delivery import Findings
from exporter.findings.settings import FindingsSettings
from exporter.judging import Judging, Memory
from exporter.known.interface import Fault, Row, Size, WorkloadKey
from exporter.known.learning import State
from exporter.known.memory import MemoryStore
from exporter.known.settings import KnownSettings
from exporter.known.sighting import Missed
from exporter.known_samples import Samples, known_samples
from exporter.metrics import families
from exporter.metrics.families import Family
from exporter.metrics.selfmetrics import Histogram, SelfMetrics, Snapshot
from tests.findings.examples import finding


def _judging(memory: Memory, **known: int) -> Judging:
    settings = KnownSettings.model_validate(known)
    judging = Judging(MemoryStore(), settings, DestinationsDetectorSettings(), lambda _: None)
    judging.memory = memory
    return judging


def _samples(memory: Memory, **known: int) -> dict[Family, Samples]:
    return known_samples(_judging(memory, **known), Findings(FindingsSettings()))


def _surveyed(
    name: str, known: int, fanout: int, state: State = State.ARMED, *, nameless: bool = False, cluster: str = "east"
) -> Surveyed:
    return Surveyed(WorkloadKey(cluster, "shop", name), state, 0, (), known, fanout, nameless)


def test_workloads_by_state() -> None:
    """Workloads are counted by state, the nameless ones among them once more."""
    samples = _samples(
        Memory(
            workloads=(
                _surveyed("a", 1, 1),
                _surveyed("b", 1, 1, nameless=True),
                _surveyed("c", 1, 1, State.LEARNING, nameless=True),
                _surveyed("d", 1, 1, State.OPEN_ENDED),
            )
        )
    )
    assert samples[families.WORKLOADS] == {("armed",): 2, ("learning",): 1, ("open_ended",): 1}
    assert samples[families.NAMELESS_WORKLOADS] == {(): 2}


def test_workloads_beyond_the_bound() -> None:
    """Those that reach most have series of their own; of the rest what they know adds up and the widest stands."""
    workloads = (_surveyed("a", 5, 1), _surveyed("b", 90, 2), _surveyed("c", 7, 9), _surveyed("d", 8, 2))
    samples = _samples(Memory(workloads=workloads), workloads=2)
    assert samples[families.KNOWN_DESTINATIONS] == {("shop", "c"): 7, ("shop", "b"): 90, ("~other", "~other"): 13}
    assert samples[families.FANOUT] == {("shop", "c"): 9, ("shop", "b"): 2, ("~other", "~other"): 2}


def test_workloads_of_one_name() -> None:
    """Workloads of several clusters with one name share a series."""
    samples = _samples(Memory(workloads=(_surveyed("a", 5, 4), _surveyed("a", 3, 2, cluster="west"))))
    assert samples[families.KNOWN_DESTINATIONS] == {("shop", "a"): 8}
    assert samples[families.FANOUT] == {("shop", "a"): 4}


def _where(cluster: str, label: str = "api.example.com") -> Where:
    return Where(WorkloadKey(cluster, "shop", "cart"), "fqdn", "public", label, "443", "tcp", "dropped")


def test_unexpected() -> None:
    """Three timestamps in seconds for each; where two clusters share a series, the earliest first and latest last."""
    rows = (
        (_where("west"), Row(1_000_000_000, 9_000_000_000, 5_000_000_000)),
        (_where("east"), Row(2_000_000_000, 8_500_000_000, 3_000_000_000)),
        (_where("east", "other.example.org"), Row(4_000_000_000, 4_000_000_000, 4_000_000_000)),
    )
    samples = _samples(Memory(unexpected=rows))
    one, other = (("shop", "cart", "fqdn", "public", name, "443", "tcp", "dropped") for name in _NAMES)
    assert samples[families.UNEXPECTED_FIRST_SEEN] == {one: 1.0, other: 4.0}
    assert samples[families.UNEXPECTED_ACTIVE_SINCE] == {one: 5.0, other: 4.0}
    assert samples[families.UNEXPECTED_LAST_SEEN] == {one: 9.0, other: 4.0}


_NAMES = ("api.example.com", "other.example.org")


def test_store() -> None:
    """How the store does."""
    judging = _judging(
        Memory(
            entries=7,
            size=Size(90, 4_096),
            limit=500,
            waiting=3,
            writes=12,
            refused=2,
            degraded=True,
            errors=(("full", 4),),
            unexpected_refused=6,
        ),
        queue=5,
    )
    judging.inbox.offer(Missed("node", 1, 1))
    samples = known_samples(judging, Findings(FindingsSettings()))
    expected: dict[Family, float] = {
        families.STORE_ENTRIES: 7,
        families.STORE_ENTRIES_LIMIT: 500,
        families.STORE_STORED: 90,
        families.STORE_BYTES: 4_096,
        families.STORE_WRITES: 12,
        families.STORE_DEGRADED: 1,
        families.STORE_QUEUE: 3,
        families.STORE_QUEUE_LIMIT: 5,
        families.STORE_REFUSED: 2,
        families.UNEXPECTED_REFUSED: 6,
    }
    assert {family: samples[family] for family in expected} == {
        family: {(): value} for family, value in expected.items()
    }
    assert samples[families.STORE_ERRORS] == {("full",): 4}


@pytest.mark.parametrize(
    ("settings", "sinks"),
    [
        ({}, ["log"]),
        ({"file": {"path": "/dev/null"}}, ["log", "file"]),
        ({"webhook": {"url": "http://127.0.0.1:9/"}}, ["log", "webhook"]),
    ],
    ids=str,
)
def test_findings_from_the_start(settings: dict[str, object], sinks: list[str]) -> None:
    """All that can become of a finding is there at 0, for the sinks that are used and for no other."""
    samples = known_samples(_judging(Memory()), Findings(FindingsSettings.model_validate(settings)))
    assert samples[families.FINDINGS] == {
        (detector, sink, outcome): 0
        for detector in ("new_destination", "unexpected_destination")
        for sink in sinks
        for outcome in ("delivered", "suppressed", "dropped", "failed")
    }


def test_findings() -> None:
    """What became of findings stands beside the zeros."""
    findings = Findings(FindingsSettings(per_workload=2))
    for _ in range(5):
        findings.announce(finding())
    samples = known_samples(_judging(Memory()), findings)[families.FINDINGS]
    assert {key: number for key, number in samples.items() if number} == {
        ("new_destination", "log", "delivered"): 2,
        ("new_destination", "log", "suppressed"): 3,
    }
    assert len(samples) == 8


def test_complete_from_the_start() -> None:
    """What is bounded is there before anything was seen: every state, every fault of the store, every single number."""
    nothing = Histogram((1.0,), (0, 0), 0.0)
    histograms: dict[Family, dict[tuple[str, ...], Histogram]] = {
        families.LAG: {(): nothing},
        families.DNS_LATENCY: {(): nothing},
    }
    snapshot = Snapshot(_samples(Memory()), histograms, {})
    shown = {metric.name: metric for metric in SelfMetrics(lambda: snapshot).collect()}

    def values(family: Family) -> dict[tuple[str, ...], float]:
        metric = shown[family.name.removesuffix("_total")]
        return {tuple(sample.labels.values()): sample.value for sample in metric.samples}

    assert values(families.WORKLOADS) == {("learning",): 0, ("armed",): 0, ("open_ended",): 0}
    assert values(families.STORE_ERRORS) == {(fault.value,): 0 for fault in Fault}
    numbers = [
        *(families.NAMELESS_WORKLOADS, families.STORE_ENTRIES, families.STORE_STORED, families.STORE_BYTES),
        *(families.STORE_WRITES, families.STORE_DEGRADED, families.STORE_QUEUE, families.STORE_REFUSED),
        families.UNEXPECTED_REFUSED,
    ]
    assert [values(family) for family in numbers] == [{(): 0}] * 9
    assert values(families.KNOWN_DESTINATIONS) == values(families.FANOUT) == {}
