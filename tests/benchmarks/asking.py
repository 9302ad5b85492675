"""What expectations cost: reading 5,000 policies, 100,000 distinct questions, and what a flow pays for them.

Run as a process: `python -m tests.benchmarks.asking FILE` prints one JSON object.
"""

import gc
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from exporter.destinations.interface import Destination, DestinationKind, NameConfidence, WorkloadName
from exporter.destinations.scopes import Scope
from exporter.endpoint import Endpoint
from exporter.expectations.expectations import Expectations
from exporter.expectations.files import load_files
from exporter.expectations.settings import ExpectationsSettings
from exporter.flow import Flow, Kind
from exporter.hubble.decode import Decoder
from exporter.hubble.observer import Observer
from exporter.hubble.pb.observer import observer_pb2
from exporter.service import Service
from exporter.settings import Settings
from tests.benchmarks.mix import Mix
from tests.benchmarks.session import median

WORKLOADS, DESTINATIONS = 5_000, 20
_MIB = 1024 * 1024
_FLOWS, _ROUNDS = 40_000, 5
_KIND = Kind(event_type=4, protocol="tcp", tcp_flags=2, direction=2)


class Asked(NamedTuple):
    """One question, as the pipeline asks it."""

    flow: Flow
    source: WorkloadName
    destination: Destination
    to: WorkloadName

    def workload(self, _endpoint: Endpoint) -> WorkloadName:
        """What the directory would say of the destination."""
        return self.to


def questions(workloads: int) -> Iterator[Asked]:
    """Each workload to its own API, other names, addresses in and outside of what is allowed, and other pods."""
    pods = [_pod(number) for number in range(workloads)]
    for number, (endpoint, source) in enumerate(pods):
        for index in range(DESTINATIONS):
            if index % 4 == 3:
                to, name = pods[(number + index) % workloads]
                inside = Destination(DestinationKind.IDENTITY, f"{name.namespace}/{name.name}", Scope.CLUSTER)
                yield Asked(_flow(endpoint, to, f"10.0.{index}.1", 8080), source, inside, name)
                continue
            address = f"{(198, 203, 192)[index % 3]}.51.100.{index}"
            name_asked = f"api{number + index}.service.example" if index % 2 else ""
            kind = DestinationKind.FQDN if name_asked else DestinationKind.WORLD
            label = name_asked or "world"
            outside = Destination(kind, label, Scope.PUBLIC, NameConfidence.OBSERVED, external=True)
            flow = _flow(endpoint, _WORLD, address, 443 + index)
            yield Asked(flow, source, outside, WorkloadName("", ""))


_WORLD = Endpoint(identity=2, labels=frozenset({"reserved:world"}))


def _pod(number: int) -> tuple[Endpoint, WorkloadName]:
    name, namespace = f"service-{number:04}", f"team-{number // 20:03}"
    labels = {
        f"k8s:app.kubernetes.io/name={name}",
        f"k8s:io.kubernetes.pod.namespace={namespace}",
        f"k8s:tier=tier-{number}",
    }
    return Endpoint(identity=20_000 + number, namespace=namespace, labels=frozenset(labels)), WorkloadName(
        namespace, name
    )


def _flow(source: Endpoint, destination: Endpoint, address: str, port: int) -> Flow:
    return Flow(_KIND, 1, "node", source, destination, "10.0.0.1", address, 40_000, port)


def _cpu(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def _resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _asked(file: str) -> dict[str, float]:
    settings = ExpectationsSettings(files=(file,), answer_cache=200_000)
    expectations = Expectations(settings)
    asked = list(questions(WORKLOADS))
    before = _resident()
    read = _cpu(lambda: expectations.replace(load_files(settings.files)))
    with_policies = _resident()
    number = len(asked)

    def ask() -> None:
        for one in asked:
            expectations.answer(one.flow, one.source, one.destination, one.workload)

    first = _cpu(ask)
    with_answers = _resident()
    again = _cpu(ask)
    assert sum(expectations.evaluations.values()) == number == WORKLOADS * DESTINATIONS
    return {
        "expectations_read_s": read,
        "expectations_mib": (with_policies - before) / _MIB,
        "expectations_first_us": first / number * 1e6,
        "expectations_again_us": again / number * 1e6,
        "expectations_answers_mib": (with_answers - with_policies) / _MIB,
    }


def _service(files: tuple[str, ...]) -> tuple[Service, Decoder]:
    settings = Settings(expectations=ExpectationsSettings(files=files))
    decoder = Decoder(settings.hubble.endpoint_cache)
    source = Observer(settings.hubble, settings.sources, decoder, random.SystemRandom())
    return Service(settings, source, decoder, live=False), decoder


def _ratio(file: str) -> float:
    """CPU of the decoder and the pipeline per flow with all policies ÷ without: rounds take turns, over one mix."""
    services = [_service(()), _service((file,))]
    flows = Mix(7, 500, per_second=20_000).flows(time.time_ns())
    ratios = []
    for number in range(_ROUNDS + 1):
        messages = [
            observer_pb2.GetFlowsResponse(flow=flow, node_name=flow.node_name, time=flow.time).SerializeToString()
            for flow in islice(flows, _FLOWS)
        ]
        costs = [_cpu(partial(_feed, *service, messages)) for service in services]
        if number:
            # The first one warms the caches up.
            ratios.append(costs[1] / costs[0])
    return median(ratios)


def _feed(service: Service, decoder: Decoder, messages: list[bytes]) -> None:
    for message in messages:
        service.pipeline.handle(decoder.decode_bytes(message))


def main() -> int:
    """Measure, and print."""
    file = sys.argv[1]
    print(json.dumps({"expectations_stream_ratio": _ratio(file), **_asked(file)}))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
