"""What the chart's pods do, without a cluster: arguments, environment and files, against servers over real gRPC."""

import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.chart.matrix import merged
from tests.chart.rendering import Object, config_of, objects, only, pod
from tests.hubble.authority import Authority, TlsServer
from tests.hubble.relay import FLOW, Relay
from tests.programs import DEADLINE, Process, eventually, get, run, value_of

_ETC, _STATE = "/etc/hubble-egress-exporter", "/var/lib/hubble-egress-exporter"
_CONNECTED = "hubble_egress_exporter_connected"
_AGENT = "*.east.hubble-grpc.cilium.io"


class Folder:
    """The file system of a pod, below a folder: arguments and environment lead there."""

    def __init__(self, folder: Path, values: Mapping[str, Any]) -> None:
        self.path, self.rendered = folder, objects(values)
        (folder / "state").mkdir()
        self.project("config", {"config.yaml": self._moved(config_of(self.rendered)).encode()})

    def project(self, name: str, files: Mapping[str, bytes]) -> None:
        """As the kubelet writes a volume: links to links, whose target is exchanged at once."""
        volume = self.path / name
        volume.mkdir(exist_ok=True)
        generation = volume / f"..{len(list(volume.iterdir()))}"
        generation.mkdir()
        for file, text in files.items():
            (generation / file).write_bytes(text)
            if not (volume / file).is_symlink():
                (volume / file).symlink_to(f"..data/{file}")
        (volume / "..new").symlink_to(generation.name)
        (volume / "..new").rename(volume / "..data")

    def _moved(self, text: str) -> str:
        return (
            text.replace(_ETC, str(self.path)).replace(_STATE, str(self.path / "state")).replace(":9968", "127.0.0.1:0")
        )

    def command(self, container: Object) -> tuple[list[str], dict[str, str]]:
        """Arguments and environment of a container."""
        values = {one["name"]: one.get("value", "127.0.0.1") for one in container.get("env", ())}
        environment = {name: value.replace("$(HOST_IP)", values.get("HOST_IP", "")) for name, value in values.items()}
        return [self._moved(argument) for argument in container["args"]], environment


def _flows(context: grpc.ServicerContext) -> Iterator[bytes]:
    left = threading.Event()
    context.add_callback(left.set)
    yield FLOW
    left.wait(DEADLINE)


@pytest.fixture(name="ours")
def _ours(tmp_path: Path) -> Authority:
    (tmp_path / "pki").mkdir()
    return Authority(tmp_path / "pki", "cilium")


def _secret(authority: Authority) -> dict[str, bytes]:
    mine = authority.client()
    return {
        "ca.crt": authority.pem,
        "tls.crt": mine.certificate.read_bytes(),
        "tls.key": mine.key.read_bytes(),
    }


def test_helm_test_says_that_the_agent_is_reached(tmp_path: Path, ours: Authority) -> None:
    """Mode node: mutual TLS with the address of the node, whose certificate has a name for all nodes of the cluster."""
    agent = TlsServer(_flows, ours.server(_AGENT), clients=ours.pem)
    port = int(agent.address.rpartition(":")[2])
    folder = Folder(tmp_path, {"mode": "node", "cluster": {"name": "east"}, "hubble": {"node": {"port": port}}})
    folder.project("hubble", _secret(ours))
    (container,) = only(folder.rendered, "Pod")["spec"]["containers"]
    arguments, environment = folder.command(container)
    ended = run(*arguments[:-1], "--seconds=1", settings=environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "ok  TLS" in ended.stdout
    agent.stop()


def test_helm_test_says_that_the_certificate_is_of_another_cluster(tmp_path: Path, ours: Authority) -> None:
    """Exit code 1, and the name that would fit."""
    agent = TlsServer(_flows, ours.server(_AGENT), clients=ours.pem)
    port = int(agent.address.rpartition(":")[2])
    folder = Folder(tmp_path, {"mode": "node", "hubble": {"node": {"port": port}}})
    folder.project("hubble", _secret(ours))
    arguments, environment = folder.command(only(folder.rendered, "Pod")["spec"]["containers"][0])
    ended = run(*arguments[:-1], "--seconds=1", settings=environment)
    assert ended.returncode == 1
    assert "server-name" in ended.stdout
    agent.stop()


@pytest.mark.parametrize("store", [{}, {"store": {"type": "emptyDir"}}], ids=["pvc", "empty-dir"])
def test_the_exporter_runs_and_answers_its_probes(tmp_path: Path, store: dict[str, Any]) -> None:
    """Mode relay: with the arguments of the Deployment it becomes ready; at its end its position is on the volume."""
    relay = Relay("cilium v1.19.4")
    values = {"hubble": {"address": relay.start()}, "config": {"log": {"level": "debug"}}}
    folder = Folder(tmp_path, merged(values, store))
    (container,) = pod(folder.rendered)["containers"]
    arguments, environment = folder.command(container)
    # The tests' own default of the store would override the file.
    with Process(
        *arguments, settings={**environment, "HUBBLE_EGRESS_KNOWN__STORE": "sqlite"}, own_port=False
    ) as exporter:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            url = exporter.url + container[probe]["httpGet"]["path"]
            eventually(lambda url=url: get(url)[0] == 200, f"{probe} succeeds")  # type: ignore[misc]
        assert exporter.end(signal.SIGTERM) == 0
    assert (tmp_path / "state" / "position.json").exists()
    relay.stop()


def test_a_renewed_secret_is_used_without_a_restart(tmp_path: Path, ours: Authority) -> None:
    """The kubelet exchanges the whole volume; the authority is another one afterwards, and the stream goes on."""
    (tmp_path / "pki2").mkdir()
    theirs = Authority(tmp_path / "pki2", "renewed")
    agent = TlsServer(_flows, ours.server(_AGENT), clients=ours.pem)
    port = int(agent.address.rpartition(":")[2])
    folder = Folder(
        tmp_path,
        {
            "mode": "node",
            "cluster": {"name": "east"},
            "hubble": {"node": {"port": port}},
            "config": {"hubble": {"check-interval": "100ms", "backoff-min": "10ms", "backoff-max": "50ms"}},
        },
    )
    folder.project("hubble", _secret(ours))
    arguments, environment = folder.command(pod(folder.rendered)["containers"][0])
    with Process(*arguments, settings=environment, own_port=False) as exporter:
        eventually(lambda: value_of(exporter.metrics(), _CONNECTED) == 1, "it is connected")
        agent.stop()
        eventually(lambda: value_of(exporter.metrics(), _CONNECTED) == 0, "the agent is gone")
        agent = TlsServer(_flows, theirs.server(_AGENT), clients=theirs.pem, port=port)
        folder.project("hubble", _secret(theirs))
        eventually(lambda: value_of(exporter.metrics(), _CONNECTED) == 1, "it is connected again")
    agent.stop()
