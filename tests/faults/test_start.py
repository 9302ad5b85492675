"""What is wrong where the exporter starts: one clear line each, and the exit code that CONFIGURATION.md promises."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hubble.relay import Relay
from tests.known.files import NOBODY
from tests.programs import Process, eventually, free_port, get, run, value_of

_OWNER = NOBODY if os.geteuid() == 0 else os.geteuid()
# Root without a capability has the rights of its files, and no others'.
_DEPRIVED = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder that the exporter may read and not write."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, _OWNER, -1)
    folder.chmod(0o555)
    return folder


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[Path]:
    """An agent's socket, on which somebody listens."""
    path = tmp_path / "hubble.sock"
    relay = Relay("v1.19.4")
    relay.start(f"unix:{path}")
    os.chown(path, _OWNER, -1)
    path.chmod(0)
    yield path
    relay.stop()


def test_a_socket_of_others(socket: Path) -> None:
    """It runs and is not ready, and says what to change; as soon as the socket may be opened it reads."""
    with Process("run", "--hubble.address", f"unix://{socket}", before=_DEPRIVED) as process:
        eventually(lambda: bool(process.events("stream_disconnected")), "a line of the log")
        line = process.events("stream_disconnected")[0]
        assert (line["level"], line["reason"]) == ("warning", "permission_denied")
        assert str(socket) in line["detail"]
        assert line["hint"].startswith("this user may not open the socket")
        assert get(f"{process.url}/-/ready")[0] == 503
        assert get(f"{process.url}/-/healthy")[0] == 200
        socket.chmod(0o777)
        eventually(lambda: get(f"{process.url}/-/ready")[0] == 200, "the socket to be tried again")
        assert process.end(signal.SIGTERM) == 0


def test_preflight_of_a_socket_of_others(socket: Path) -> None:
    """`preflight` ends with 1 and says the same."""
    ended = run("preflight", "--hubble.address", f"unix://{socket}", before=_DEPRIVED)
    assert ended.returncode == 1
    assert "permission_denied" in ended.stdout
    assert "this user may not open the socket" in ended.stdout


def test_a_store_that_may_not_be_written(theirs: Path) -> None:
    """It goes on without a memory, and says so; where the position is kept is said, too."""
    arguments = ("--known.store", "sqlite", "--known.file", f"{theirs}/known.db")
    address, position = f"127.0.0.1:{free_port()}", ("--hubble.position-file", f"{theirs}/position")
    with Process("run", "--hubble.address", address, *arguments, *position, before=_DEPRIVED) as process:
        eventually(lambda: bool(process.events("store_degraded")), "a line of the log")
        line = process.events("store_degraded")[0]
        assert (line["level"], line["reason"]) == ("error", "read_only")
        assert f"{theirs}/known.db" in line["detail"]
        assert "let the exporter write to the file and its folder, or name another known.file" in line["detail"]
        eventually(lambda: value_of(process.metrics(), "hubble_egress_exporter_store_degraded") == 1, "the metric")
        assert process.end(signal.SIGTERM) == 0
        (line,) = process.events("position_not_saved")
        assert f"{theirs}/position: cannot be written: Permission denied" in line["detail"]


def test_looking_into_a_store_that_is_not_there(theirs: Path) -> None:
    """`known` ends with 2: the file that was named is bad input."""
    ended = run("known", "list", "--known.store", "sqlite", "--known.file", f"{theirs}/known.db", before=_DEPRIVED)
    assert ended.returncode == 2
    assert f"{theirs}/known.db: there is no such file, or it cannot be seen" in ended.stderr


def test_a_recording_that_may_not_be_written(theirs: Path) -> None:
    """`demo --dump` ends with 1, and leaves nothing."""
    ended = run("demo", "--dump", f"{theirs}/demo.jsonl", before=_DEPRIVED)
    assert (ended.returncode, list(theirs.iterdir())) == (1, [])
    assert "Permission denied" in ended.stderr


def test_a_certificate_that_is_missing(tmp_path: Path) -> None:
    """Certificates may come later: it runs, is not ready, and tries again; `preflight` ends with 1."""
    arguments = ("--hubble.address", f"127.0.0.1:{free_port()}", "--hubble.tls.enabled", "true")
    missing = tmp_path / "ca.crt"
    said = f"hubble.tls.ca-file {missing}: cannot be read: No such file or directory"
    with Process("run", *arguments, "--hubble.tls.ca-file", str(missing)) as process:
        eventually(lambda: bool(process.events("stream_disconnected")), "a line of the log")
        line = process.events("stream_disconnected")[0]
        assert (line["reason"], line["detail"]) == ("tls_file", said)
        assert get(f"{process.url}/-/ready")[0] == 503
        assert process.end(signal.SIGTERM) == 0
    ended = run("preflight", *arguments, "--hubble.tls.ca-file", str(missing))
    assert ended.returncode == 1
    assert said in ended.stdout
    assert "ok  TLS" not in ended.stdout


def test_a_certificate_of_the_pages_that_is_missing(tmp_path: Path) -> None:
    """Without it the pages would be open, or closed for all: the start ends with 2."""
    web = tmp_path / "web.yml"
    web.write_text("tls_server_config:\n  cert_file: tls.crt\n  key_file: tls.key\n")
    ended = run("run", "--web.config.file", str(web))
    assert ended.returncode == 2
    assert f"{web}:2:14: tls_server_config.cert_file: cannot be read: No such file or directory" in ended.stderr


def test_policies_that_may_not_be_read(tmp_path: Path) -> None:
    """What is expected must not be half known: the start ends with 2."""
    policy = tmp_path / "policy.yaml"
    policy.touch()
    os.chown(policy, _OWNER, -1)
    policy.chmod(0)
    ended = run("run", "--expectations.files", str(policy), before=_DEPRIVED)
    assert ended.returncode == 2
    assert f"{policy}: cannot be read: Permission denied" in ended.stderr


def test_a_root_that_is_read_only() -> None:
    """Nothing needs to be written but what the settings name: the demo runs to its end, and its start is as ever."""
    mounts = "mount --make-rprivate / && mount -o remount,bind,ro / "
    before = ("unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh")
    if os.geteuid() != 0 or run("--version", before=before).returncode != 0:
        pytest.skip("no root can be made read-only here")
    ended = run("demo", "--once", before=before)
    assert ended.returncode == 0
    assert "hubble_egress_connections_total{" in ended.stdout
    refused = run("demo", "--dump", "/demo.jsonl", before=before)
    assert refused.returncode == 1
    assert "Read-only file system" in refused.stderr
