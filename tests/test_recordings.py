"""Recordings of real clusters: EXPORTER_RECORDED_FLOWS names a folder of them; they are not part of the project."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from exporter.cli import main
from exporter.flow import EventType, Flow, TcpFlags, Verdict
from exporter.hubble.decode import Decoder
from exporter.hubble.replay import Recording

FOLDER = os.environ.get("EXPORTER_RECORDED_FLOWS", "")
FILES = sorted(path for pattern in ("*.jsonl", "*.jsonl.gz") for path in Path(FOLDER).glob(pattern)) if FOLDER else []
TCP, DNS = "gke-2021-tcp-400.jsonl", "gke-2021-dns-330.jsonl"

pytestmark = pytest.mark.skipif(not FOLDER, reason="EXPORTER_RECORDED_FLOWS names no folder")


def _file(name: str) -> Path:
    path = Path(FOLDER) / name
    if not path.exists():
        pytest.skip(f"{name} is not in EXPORTER_RECORDED_FLOWS")
    return path


def _samples(path: Path, capsys: pytest.CaptureFixture[str]) -> list[Sample]:
    assert main(["replay", "--once", str(path)]) == 0
    families = text_string_to_metric_families(capsys.readouterr().out)
    return [sample for family in families for sample in family.samples]


def _flows(path: Path) -> Iterator[Flow]:
    source = Recording([str(path)], Decoder(1000), longest_line=1 << 24)
    return (event for event in source.events() if isinstance(event, Flow))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_decode_error(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every line of every recording is read."""
    errors = {
        sample.labels["reason"]: sample.value
        for sample in _samples(path, capsys)
        if sample.name == "hubble_egress_exporter_decode_errors_total"
    }
    assert errors
    assert not any(errors.values())


def test_connections(capsys: pytest.CaptureFixture[str]) -> None:
    """27 egress connections to identities on port 9080: 18 of productpage, 9 of ratings, all redirected."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    for sample in _samples(_file(TCP), capsys):
        if sample.name == "hubble_egress_connections_total":
            labels = sample.labels
            key = (
                labels["source_workload"],
                labels["destination_kind"],
                labels["destination_port"],
                labels["verdict"],
            )
            found[key] += int(sample.value)
    assert found == {
        ("productpage-v1", "identity", "9080", "redirected"): 18,
        ("ratings-v1", "identity", "9080", "redirected"): 9,
    }


def test_each_connection_is_seen_twice() -> None:
    """Each is first a redirect verdict and then a SYN on its way to the proxy, so that counting events gives 54."""
    seen: dict[tuple[str, int], list[int]] = {}
    for flow in _flows(_file(TCP)):
        if flow.kind.tcp_flags == TcpFlags.SYN and flow.kind.direction == 2 and not flow.kind.is_reply:
            seen.setdefault((flow.source_ip, flow.source_port), []).append(flow.kind.event_type)
            assert flow.kind.event_type != EventType.POLICY_VERDICT or flow.kind.verdict == Verdict.REDIRECTED
    assert len(seen) == 27
    assert set(map(tuple, seen.values())) == {(EventType.POLICY_VERDICT, EventType.TRACE)}


def test_dns(capsys: pytest.CaptureFixture[str]) -> None:
    """165 queries and 165 responses of the resolver itself, 102 of them NXDOMAIN."""
    totals: Counter[str] = Counter()
    for sample in _samples(_file(DNS), capsys):
        if sample.name in ("hubble_egress_dns_queries_total", "hubble_egress_dns_responses_total"):
            assert (sample.labels["source_namespace"], sample.labels["source_workload"]) == ("kube-system", "~resolver")
            totals[sample.name] += int(sample.value)
            totals[sample.labels.get("rcode", "")] += int(sample.value)
    assert totals["hubble_egress_dns_queries_total"] == 165
    assert totals["hubble_egress_dns_responses_total"] == 165
    assert totals["NXDOMAIN"] == 102


def test_a_resolver_that_asks_another_is_not_broken(capsys: pytest.CaptureFixture[str]) -> None:
    """node-local-dns asks kube-dns for its clients: 102 NXDOMAIN, of which nobody suffers."""
    assert main(["triage", str(_file(DNS))]) == 0
    assert capsys.readouterr().out.startswith("Nothing is broken")
