"""What a container may lack at its start: each is told in one clear line, and ends as CONFIGURATION.md says."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hubble.relay import Relay
from tests.image.conftest import Image
from tests.image.running import Container
from tests.image.tools import HARDENED
from tests.programs import eventually

_STATE = "/var/lib/hubble-egress-exporter"
_NOBODY_LISTENS = ("--hubble.address", "127.0.0.1:1")
_SOCKET = ("--hubble.address", "unix:///var/run/cilium/hubble.sock")


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """The agent's folder as the chart mounts it: whole, to read only, with a socket that is root's and its group's."""
    folder = tmp_path / "cilium"
    folder.mkdir()
    folder.chmod(0o755)
    relay, socket = Relay("v1.19.4"), folder / "hubble.sock"
    relay.start(f"unix:{socket}")
    os.chown(socket, 0, 0)
    socket.chmod(0o660)
    yield "--volume", f"{folder}:/var/run/cilium:ro"
    relay.stop()


def test_a_socket_of_root(image: Image, agent: tuple[str, ...]) -> None:
    """Who is neither root nor in its group is not ready, and is told what to change; `preflight` ends with 1."""
    with Container(image, "run", *_SOCKET, given=agent) as container:
        eventually(lambda: bool(container.events("stream_disconnected")), "a line of the log")
        line = container.events("stream_disconnected")[0]
        assert (line["level"], line["reason"]) == ("warning", "permission_denied")
        assert "/var/run/cilium/hubble.sock" in line["detail"]
        assert "run as its owner or in its group" in line["hint"]
        assert (container.get("/-/ready"), bool(container.get("/-/healthy"))) == ("", True)
        assert container.stop() == 0
    command = image.tools.podman("run", "--rm", *HARDENED, *agent, image.tag, "preflight", *_SOCKET)
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "this user may not open the socket" in ended.stdout


def test_a_socket_of_root_and_its_group(image: Image, agent: tuple[str, ...]) -> None:
    """With the group of the socket, as the chart gives it, the same user reads."""
    with Container(image, "run", *_SOCKET, given=(*agent, "--group-add", "0")) as container:
        eventually(lambda: "hubble_egress_exporter_connected 1" in container.get("/metrics"), "a connection")
        assert container.get("/-/ready")
        assert container.stop() == 0


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A volume that is root's, and that others may not write."""
    folder = tmp_path / "volume"
    folder.mkdir()
    folder.chmod(0o755)
    return folder


@pytest.mark.parametrize("has_volume", [False, True], ids=["read-only root", "volume of root"])
def test_a_store_that_cannot_be_written(image: Image, volume: Path, has_volume: bool) -> None:
    """`run` goes on without a memory of destinations, says which file it cannot write, and ends in order."""
    given = ("--volume", f"{volume}:{_STATE}") if has_volume else ()
    with Container(image, "run", *_NOBODY_LISTENS, given=given) as container:
        eventually(lambda: bool(container.events("store_degraded")), "a line of the log")
        line = container.events("store_degraded")[0]
        assert (line["level"], line["reason"]) == ("error", "read_only")
        assert f"{_STATE}/known.db" in line["detail"]
        assert "let the exporter write to the file and its folder" in line["detail"]
        assert "hubble_egress_exporter_store_degraded 1" in container.get("/metrics")
        assert container.stop() == 0
    assert list(volume.iterdir()) == []


def test_a_volume_of_its_group(image: Image, volume: Path) -> None:
    """On a volume of its group, as fsGroup makes one, the memory is begun."""
    os.chown(volume, 0, 65532)
    volume.chmod(0o2770)
    with Container(image, "run", *_NOBODY_LISTENS, given=("--volume", f"{volume}:{_STATE}")) as container:
        eventually((volume / "known.db").exists, "the file")
        assert container.events("store_degraded") == []
        assert container.stop() == 0
    assert (volume / "known.db").stat().st_uid == 65532


def test_a_certificate_that_is_missing(image: Image) -> None:
    """A secret that is not mounted yet is told by name, and waited for."""
    tls = ("--hubble.tls.enabled", "true", "--hubble.tls.ca-file", "/etc/hubble-tls/ca.crt")
    with Container(image, "run", *_NOBODY_LISTENS, "--known.store", "memory", *tls) as container:
        eventually(lambda: bool(container.events("stream_disconnected")), "a line of the log")
        line = container.events("stream_disconnected")[0]
        assert (line["level"], line["reason"]) == ("warning", "tls_file")
        assert line["detail"].startswith("hubble.tls.ca-file /etc/hubble-tls/ca.crt: cannot be read")
        assert line["hint"] == "correct the file; it is read again at the next attempt"
        assert container.stop() == 0


def test_settings_that_are_wrong(image: Image) -> None:
    """What no waiting mends ends with 2, and names what was meant."""
    command = image.tools.podman("run", "--rm", *HARDENED, image.tag, "run", "--hubble.adress", "127.0.0.1:1")
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "unknown flag or argument --hubble.adress; did you mean --hubble.address?" in ended.stderr
