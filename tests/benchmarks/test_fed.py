"""The process whose memory is measured does what `run` does."""

import json
import subprocess
import sys
from itertools import islice

from exporter.hubble.pb.observer import observer_pb2
from tests.benchmarks.crowd import crowd
from tests.benchmarks.wire import prefixed
from tests.flows import BASE
from tests.programs import environment

_FLOWS = 3_000


def test_all_is_judged() -> None:
    """Every flow has an outcome, and whatever contact was seen is a fact of the memory, which has written it."""
    flows = b"".join(
        prefixed(observer_pb2.GetFlowsResponse(flow=flow, node_name=flow.node_name, time=flow.time).SerializeToString())
        for flow in islice(crowd(BASE), _FLOWS)
    )
    command = [sys.executable, "-m", "tests.benchmarks.fed", str(_FLOWS)]
    fed = subprocess.run(command, input=flows, capture_output=True, check=True, env=environment())
    answer = json.loads(fed.stdout)
    assert fed.stderr == b""
    assert answer["counted"] == _FLOWS
    assert len(answer["resident"]) == 2
    assert (answer["unjudged"], answer["unnoted"]) == (0, 0)
    # 400 calls of nearly as many workloads: each has a destination, a pod, itself, and more.
    assert answer["stored"] == answer["facts"] > 400 * 4
