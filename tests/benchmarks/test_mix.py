"""The synthetic flows are what the benchmarks say they are."""

import random
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

import pytest

from exporter.demo.filters import compile_lists
from exporter.hubble.decode import Decoder
from exporter.hubble.observer import Observer
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.request import follow_request
from exporter.hubble.settings import SourcesSettings
from exporter.service import Service
from exporter.settings import Settings
from tests.benchmarks.crowd import crowd
from tests.benchmarks.distinct import distinct, markers
from tests.benchmarks.mix import SHARES, Mix, share_of
from tests.benchmarks.node import faster
from tests.benchmarks.reels import write_reels
from tests.flows import BASE

_SETTLED = 8_000
"""Flows until the retransmissions of the first drops have come."""


@pytest.fixture(scope="module")
def flows() -> list[flow_pb2.Flow]:
    """A part of the mix from its middle."""
    return list(islice(Mix(1, 100, per_second=2_000).flows(BASE), _SETTLED, _SETTLED + 12_000))


def test_shares_are_as_stated(flows: list[flow_pb2.Flow]) -> None:
    """Each kind of flow has its share, to two hundredths, and together they are everything."""
    found = Counter(share_of(flow) for flow in flows)
    assert {name: found[name] / len(flows) for name in SHARES} == pytest.approx(SHARES, abs=0.02)
    assert sum(SHARES.values()) == pytest.approx(1)
    assert set(found) == set(SHARES)


def test_flows_are_what_our_request_lets_pass_in_the_order_of_time(flows: list[flow_pb2.Flow]) -> None:
    """A server that obeys our request would send all of them."""
    request = follow_request(SourcesSettings())
    passes = compile_lists(request.whitelist, request.blacklist)
    assert all(passes(flow) for flow in flows)
    assert all(one.time.ToNanoseconds() <= other.time.ToNanoseconds() for one, other in pairwise(flows))


def test_some_destinations_were_never_seen_before(flows: list[flow_pb2.Flow]) -> None:
    """New names, new addresses and new ports keep coming."""
    for part in (flows[:6_000], flows[6_000:]):
        names = {name for flow in part for name in flow.destination_names if name.startswith("destination-")}
        cidrs = {label for flow in part for label in flow.destination.labels if label.startswith("cidr:")}
        ports = {flow.l4.TCP.destination_port for flow in part if not flow.is_reply.value}
        assert len(names) >= 3
        assert len(cidrs) >= 3
        assert len({port for port in ports if port >= 10_000}) >= 3


def test_same_seed_gives_same_flows() -> None:
    """Two runs read the same, but for the time."""
    one, other = (list(islice(Mix(7, 10, per_second=1_000).flows(BASE), 500)) for _ in range(2))
    assert one == other
    assert one != list(islice(Mix(8, 10, per_second=1_000).flows(BASE), 500))


def test_full_flows_have_850_bytes_and_masked_ones_only_what_is_read(
    flows: list[flow_pb2.Flow], tmp_path: Path
) -> None:
    """The two reels have the same flows; the mask takes away what nobody reads."""
    full, masked = write_reels(tmp_path, "mix", flows[:2_000])
    assert full.count == masked.count == 2_000
    assert full.mean_size == pytest.approx(850, rel=0.05)
    assert masked.mean_size < full.mean_size - 80


def test_distinct_flows_make_a_series_each() -> None:
    """As many as there are, and a few per node beside them."""
    families = _counted(list(distinct(300, BASE)))
    assert families["hubble_egress_connections_total"] == 300


def test_markers_add_to_one_series() -> None:
    """Each is a connection of its own."""
    service = _fed(list(islice(markers(BASE, 1_000_000), 250)))
    lines = [line for line in service.exposition("").body.decode().splitlines() if 'source_workload="marker"' in line]
    assert len(lines) == 1
    assert lines[0].endswith(" 250")


def test_crowd_goes_everywhere() -> None:
    """Nearly every call of the crowd has a workload and a destination that are not those of the call before."""
    flows = list(islice(crowd(BASE), 3_000))
    destinations = {name for flow in flows for name in flow.destination_names}
    assert len(destinations) > 300
    assert _counted(flows)["hubble_egress_connections_total"] > 300


def _fed(flows: list[flow_pb2.Flow]) -> Service:
    decoder = Decoder(1_000)
    settings = Settings()
    source = Observer(settings.hubble, settings.sources, decoder, random.Random(0))  # noqa: S311, it is never used
    service = Service(settings, source, decoder, live=False)
    for flow in flows:
        response = observer_pb2.GetFlowsResponse(flow=flow, node_name=flow.node_name, time=flow.time)
        service.pipeline.handle(decoder.decode_bytes(response.SerializeToString()))
    return service


def _counted(flows: list[flow_pb2.Flow]) -> Counter[str]:
    """Series of each family."""
    lines = _fed(flows).exposition("").body.decode().splitlines()
    return Counter(line.partition("{")[0] for line in lines if not line.startswith("#"))


def test_one_node_has_what_its_pods_call() -> None:
    """Of 150 workloads with two pods on fifty nodes, six pods are on each; no other pod begins anything there."""
    flows = islice(Mix(1, 150, per_second=100, node="bench/node-07").flows(BASE), 5_000)
    sources = {flow.source.pod_name for flow in flows if not flow.is_reply.value and flow.source.pod_name}
    assert {int(name.rpartition("-")[2]) % 50 for name in sources} == {7}
    assert len(sources) == 6


def test_time_can_pass_faster_from_a_flow_on() -> None:
    """Seconds one and two as they were; from the third flow on ten times as fast."""
    flows = [flow_pb2.Flow() for _ in range(4)]
    for number, flow in enumerate(flows):
        flow.time.FromNanoseconds(BASE + number * 1_000_000_000)
    times = [flow.time.ToNanoseconds() - BASE for flow in faster(flows, 2, 10)]
    assert times == [0, 1_000_000_000, 2_000_000_000, 2_100_000_000]
