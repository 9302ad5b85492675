"""A finding to change, one field at a time."""

from dataclasses import replace
from typing import Any

from exporter.findings.interface import Context, Detector, Finding, Novelty, Severity

AT_NS = 1_760_000_000_123_456_789
"""2025-10-09 08:53:20.123 UTC."""

EXAMPLE = Finding(
    detector=Detector.NEW_DESTINATION,
    severity=Severity.WARNING,
    at_ns=AT_NS,
    cluster="blue",
    source_namespace="shop",
    source_workload="checkout",
    destination_kind="fqdn",
    scope="public",
    destination="api.example.com",
    known_as="example.com",
    destination_port="443",
    protocol="tcp",
    verdict="forwarded",
    reason="",
    address="203.0.113.10",
    name_confidence="observed",
    novelty=Novelty.DESTINATION,
    context=Context.STEADY,
    revision="",
    expectation="not_covered",
    rule="",
    allowed_by=("CiliumNetworkPolicy shop/out",),
    denied_by=(),
    node_name="node-1",
    pod_name="checkout-5d8f9c7b6d-abcde",
    state="armed",
    coverage=0.75,
    degraded=False,
    flow={"source_port": 40_000, "flags": ("SYN",)},
)


def finding(**changes: Any) -> Finding:  # noqa: ANN401, fields have all kinds of values
    """The example with other values in some fields."""
    return replace(EXAMPLE, **changes)
