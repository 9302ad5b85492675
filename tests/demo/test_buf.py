"""The demo's Observer read by a client that is not ours: `buf curl`, which knows it by reflection only."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from exporter.demo.observer import RelayObserver
from exporter.demo.relay import Relay
from exporter.demo.server import Server
from exporter.hubble.pb.flow import flow_pb2
from tests.demo.responses import DEADLINE, NODES, A, B, flow, lost


@pytest.fixture
def buf() -> str:
    """The program; without it a test is skipped, but in CI it fails."""
    path = shutil.which("buf")
    if path is None:
        missing = "buf is not installed (PyPI: buf-bin)"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{missing}, and CI=true asks for every test", pytrace=False)
        pytest.skip(missing)
    return path


@pytest.fixture
def address() -> Iterator[str]:
    """An Observer with two flows and a loss."""
    relay = Relay(NODES)
    relay.write(flow(1, A, verdict=flow_pb2.FORWARDED))
    relay.write(flow(2, B, verdict=flow_pb2.DROPPED))
    relay.write(lost(7, B))
    server = Server(RelayObserver(relay))
    yield server.start()
    server.stop()


def curl(buf: str, address: str, method: str, request: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Call a method with a JSON message."""
    return subprocess.run(
        [
            *(buf, "curl", "--protocol", "grpc", "--http2-prior-knowledge"),
            *("-d", json.dumps(request), f"http://{address}/{method}"),
        ],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def messages(text: str) -> list[dict[str, Any]]:
    """The JSON values of the output, one after the other."""
    decoder, found, rest = json.JSONDecoder(), [], text.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].lstrip()
    return found


def test_get_flows(buf: str, address: str) -> None:
    """Filters work, losses pass them, and node status comes first."""
    request = {"number": "5", "whitelist": [{"verdict": ["DROPPED"]}]}
    status, dropped, loss = messages(curl(buf, address, "observer.Observer/GetFlows", request).stdout)

    assert status["nodeStatus"] == {"stateChange": "NODE_CONNECTED", "nodeNames": [A, B]}
    assert (dropped["flow"]["verdict"], dropped["nodeName"]) == ("DROPPED", B)
    assert loss["lostEvents"] == {"source": "PERF_EVENT_RING_BUFFER", "numEventsLost": "7"}


def test_bad_request(buf: str, address: str) -> None:
    """A refused filter is the error of the call."""
    ended = curl(buf, address, "observer.Observer/GetFlows", {"whitelist": [{"sourceIp": ["10.0.0.0/99"]}]})

    assert ended.returncode != 0
    assert json.loads(ended.stderr) == {
        "code": "invalid_argument",
        "message": "invalid CIDR in filter: '10.0.0.0/99'",
    }


def test_other_methods(buf: str, address: str) -> None:
    """Status, nodes and health answer."""
    (status,) = messages(curl(buf, address, "observer.Observer/ServerStatus", {}).stdout)
    assert (status["seenFlows"], status["numConnectedNodes"]) == ("2", 2)
    (nodes,) = messages(curl(buf, address, "observer.Observer/GetNodes", {}).stdout)
    assert [node["name"] for node in nodes["nodes"]] == [A, B]
    (health,) = messages(
        curl(buf, address, "grpc.health.v1.Health/Check", {"service": "hubble.server.Observer"}).stdout
    )
    assert health == {"status": "SERVING"}
