"""The image as a container: no root, no capability, no disk to write to, and little memory."""

import subprocess
from pathlib import Path

from tests.image.conftest import Image
from tests.image.running import Container
from tests.image.tools import HARDENED
from tests.programs import eventually

_PYTHON = ("--entrypoint", "/opt/hubble-egress-exporter/bin/python")


def _python(image: Image, code: str, *given: str) -> subprocess.CompletedProcess[str]:
    command = image.tools.podman("run", "--rm", *HARDENED, *given, *_PYTHON, image.tag, "-c", code)
    # Who is ended for its memory leaves a file `oom` where podman was started.
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=image.tools.folder)


def test_the_demo_is_scraped(image: Image) -> None:
    """The demo runs within 256 MiB, is ready, and has connections, drops and findings of its story to show."""
    with Container(image, "demo") as container:
        for family in ("connections_total", "drops_total", "new_destinations_total"):
            eventually(lambda sample=f"hubble_egress_{family}{{": sample in container.get("/metrics"), family)  # type: ignore[misc]
        exposition = container.get("/metrics")
        assert 'hubble_egress_exporter_build_info{commit="0123456789ab"' in exposition
        assert "hubble_egress_exporter_connected 1" in exposition
        assert container.get("/-/ready")
        settings = container.inspect()["HostConfig"]
        assert (settings["ReadonlyRootfs"], settings["Memory"]) == (True, 256 << 20)
        assert container.stop() == 0


def test_it_may_nothing(image: Image) -> None:
    """User and group are 65532, there is no capability and no way to one, and nothing can be written anywhere."""
    code = (
        "import os\n"
        "lines = open('/proc/self/status').read().splitlines()\n"
        "print(*(line for line in lines if line.split(':')[0] in ('Uid', 'Gid', 'CapEff', 'CapBnd', 'NoNewPrivs')))\n"
        "for folder in ('/', '/tmp', '/opt/hubble-egress-exporter', '/var/lib/hubble-egress-exporter', '/etc'):\n"
        "    try:\n"
        "        open(folder + '/x', 'w')\n"
        "    except OSError as error:\n"
        "        print(folder, error.strerror)\n"
    )
    lines = _python(image, code).stdout.splitlines()
    status = " ".join(lines[0].split())
    assert "Uid: 65532 65532 65532 65532" in status
    assert "Gid: 65532 65532 65532 65532" in status
    assert "CapEff: 0000000000000000 CapBnd: 0000000000000000" in status
    assert "NoNewPrivs: 1" in status
    assert len(lines) == 6
    assert all(line.endswith(("Read-only file system", "Permission denied")) for line in lines[1:])


def test_no_shell_is_needed(image: Image, tmp_path: Path) -> None:
    """With nothing but empty files in place of every shell the demo is told to its end."""
    empty = tmp_path / "empty"
    empty.touch()
    covered = [part for shell in ("dash", "bash") for part in ("--volume", f"{empty}:/usr/bin/{shell}:ro")]
    command = image.tools.podman("run", "--rm", *HARDENED, *covered, image.tag, "demo", "--once")
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert "hubble_egress_connections_total{" in told.stdout


def test_its_memory_is_limited(image: Image) -> None:
    """Who takes more than it was given is ended by the kernel: the limit of the other tests is real."""
    assert _python(image, "bytearray(400 << 20)[::4096]").returncode == 137
