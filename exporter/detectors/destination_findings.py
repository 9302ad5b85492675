"""Makes a finding of a contact, and says whether somebody should look at it. Pure functions."""

from typing import NamedTuple

from exporter.detectors.destination_facts import rule_of
from exporter.detectors.novelty import Judged
from exporter.detectors.settings import DestinationsDetectorSettings
from exporter.expectations.interface import Expectation
from exporter.findings.interface import Context, Detector, Finding, Novelty, Severity
from exporter.flow import Flow, Policy
from exporter.known.learning import State
from exporter.known.sighting import Sighting

_LOUD = (Context.STEADY, Context.ROLLOUT, Context.AFTER_GAP)
"""What a pod does at its start only is explained, and nobody is woken for it; what it goes on with is found again."""
MUTE = ("icmp", "icmpv6")
"""Nothing is ever announced of them: pings are diagnosis, and most of what is dropped."""


class Circumstances(NamedTuple):
    """What was found out about a contact beside what it is."""

    novelty: Novelty | None
    context: Context
    state: State
    revision: str = ""
    degraded: bool = False


def finding_of(
    sighting: Sighting, judged: Judged, about: Circumstances, settings: DestinationsDetectorSettings
) -> Finding:
    """The finding; the settings say which somebody looks at."""
    flow, destination, answer = sighting.flow, sighting.destination, sighting.answer
    unexpected = answer.expectation is Expectation.UNEXPECTED
    return Finding(
        detector=Detector.UNEXPECTED_DESTINATION if unexpected else Detector.NEW_DESTINATION,
        severity=severity_of(sighting, about, settings),
        at_ns=flow.time_ns,
        cluster=sighting.workload.cluster,
        source_namespace=sighting.workload.namespace,
        source_workload=sighting.workload.name,
        destination_kind=destination.kind.value,
        scope=destination.scope.value,
        destination=destination.label,
        known_as=judged.known_as,
        destination_port=sighting.port,
        protocol=sighting.protocol,
        verdict=sighting.verdict,
        reason=sighting.reason,
        address=sighting.address,
        name_confidence=judged.confidence.value,
        novelty=about.novelty,
        context=about.context,
        revision=about.revision,
        expectation=answer.expectation.value,
        rule=rule_of(answer),
        allowed_by=tuple(map(_written, flow.egress_allowed_by)),
        denied_by=tuple(map(_written, flow.egress_denied_by)),
        node_name=flow.node_name,
        pod_name=flow.source.pod_name,
        state=about.state.value,
        coverage=sighting.coverage,
        degraded=about.degraded,
        flow=_sample(flow),
    )


def severity_of(sighting: Sighting, about: Circumstances, settings: DestinationsDetectorSettings) -> Severity:
    """Warning for an armed workload that goes where nobody allowed, or, uncovered by policies, somewhere new."""
    expectation = sighting.answer.expectation
    if about.state is not State.ARMED or sighting.destination.scope not in settings.scopes:
        return Severity.INFO
    is_loud = expectation is Expectation.UNEXPECTED or about.context in _LOUD
    return Severity.WARNING if is_loud and expectation in settings.answers else Severity.INFO


def is_mute(sighting: Sighting) -> bool:
    """Whether nothing is ever announced of the protocol."""
    return sighting.protocol in MUTE


def _sample(flow: Flow) -> dict[str, object]:
    kind = flow.kind
    return {
        "event_type": kind.event_type,
        "sub_type": kind.sub_type,
        "verdict": kind.verdict,
        "traffic_direction": kind.direction,
        "is_reply": kind.is_reply,
        "trace_reason": kind.trace_reason,
        "tcp_flags": kind.tcp_flags,
        "source_ip": flow.source_ip,
        "source_port": flow.source_port,
        "source_identity": flow.source.identity,
        "destination_ip": flow.destination_ip,
        "destination_port": flow.destination_port,
        "destination_identity": flow.destination.identity,
        "destination_labels": sorted(flow.destination.labels),
        "destination_names": list(flow.destination_names),
        "drop_reason": flow.drop_reason,
    }


def _written(policy: Policy) -> str:
    return "/".join(part for part in (policy.kind, policy.namespace, policy.name) if part)
