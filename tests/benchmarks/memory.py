"""Resident memory after millions of flows, and whether it still grows."""

import json
import os
import subprocess
import sys
import time
from itertools import islice

from exporter.hubble.pb.observer import observer_pb2
from tests.benchmarks.crowd import DESTINATIONS, WORKLOADS, crowd
from tests.benchmarks.report import Figures
from tests.benchmarks.session import InvalidMeasurementError, Session, say
from tests.benchmarks.wire import prefixed
from tests.programs import environment

_FLOWS = 3_000_000
_MIB = 1024 * 1024
_TOLD_EVERY = 500_000


def memory(_session: Session) -> Figures:
    """Feed a process through a pipe: what makes the flows must not be in the memory that is measured."""
    flows = int(os.environ.get("BENCH_FLOWS") or _FLOWS)
    say(f"memory: {flows} flows of {WORKLOADS} workloads to {DESTINATIONS} destinations")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.fed", str(flows)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    ) as fed:
        assert fed.stdin
        for number, flow in enumerate(islice(crowd(time.time_ns()), flows), 1):
            response = observer_pb2.GetFlowsResponse(flow=flow, node_name=flow.node_name, time=flow.time)
            fed.stdin.write(prefixed(response.SerializeToString()))
            if number % _TOLD_EVERY == 0:
                say(f"memory: {number} of {flows} flows")
        answer = json.loads(fed.communicate()[0])
    if answer["counted"] != flows:
        raise InvalidMeasurementError(f"{answer['counted']} of {flows} flows have an outcome")
    if answer["unnoted"]:
        raise InvalidMeasurementError(f"{answer['unnoted']} contacts are not in the memory that is measured")
    half, end = answer["resident"]
    say(f"memory: {half / _MIB:.0f} MiB after half of them, {end / _MIB:.0f} MiB at the end")
    return {"rss_mib_end": end / _MIB, "rss_growth_last_half": (end - half) / half}
