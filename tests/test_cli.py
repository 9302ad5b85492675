"""The commands as a person starts them: what they print, where they print it, and with which exit code they end."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.settings import Settings
from exporter.settings.fields import fields
from tests.programs import Process, environment, eventually, free_port, get, run, value_of

FLOWS = Path(__file__).parent / "scenarios" / "tcp-connection" / "flows.jsonl"
COUNTED = 'hubble_egress_exporter_flows_total{outcome="counted"}'
COMMANDS = ("run", "demo", "replay", "preflight", "check-config")


def test_version() -> None:
    """Names the program, its version, commit and Python."""
    ended = run("--version")
    assert ended.returncode == 0
    assert ended.stdout.startswith("hubble-egress-exporter 0.1.0 (commit ")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_complete(command: str) -> None:
    """Every setting is a flag of every command that has settings, with its meaning and default."""
    text = run(command, "--help").stdout
    words = " ".join(text.split())
    for setting in fields(Settings):
        assert setting.flag in text
        assert " ".join(setting.description.replace("`", "").split()[:4]) in words


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("fly",), "invalid choice: 'fly'"),
        (("run", "--web.listen-adress", ":1"), "did you mean --web.listen-address?"),
        (("run", "--web.listen-address", "nowhere"), "--web.listen-address: 'nowhere' is no listen address"),
        (("run", "--config.file", "/nonexistent.yaml"), "/nonexistent.yaml"),
        (("replay",), "the following arguments are required: FILE"),
        (("replay", "--speed", "0", "x"), "'0' is no speed"),
        (("replay", "--once", "/nonexistent.jsonl"), "/nonexistent.jsonl: No such file or directory"),
        (("replay", "--once", "/"), "/: Is a directory"),
        (("replay", "--once", str(FLOWS), "/nonexistent.jsonl"), "/nonexistent.jsonl: No such file or directory"),
    ],
)
def test_bad_use(arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2, a line that says what is wrong, nothing on standard output and no traceback."""
    ended = run(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_bad_settings_have_a_place(tmp_path: Path) -> None:
    """File and line of the fault, and what was probably meant."""
    file = tmp_path / "settings.yaml"
    file.write_text("web:\n  listen-adress: ':1'\n")
    ended = run("check-config", "--config.file", str(file))
    assert ended.returncode == 2
    assert f"{file}:2" in ended.stderr
    assert "listen-address" in ended.stderr


def test_layers(tmp_path: Path) -> None:
    """A flag wins over the environment, which wins over the file; `check-config` reads all three."""
    file = tmp_path / "settings.yaml"
    file.write_text("metrics:\n  destinations-per-workload: 0\n")
    variable = {"HUBBLE_EGRESS_METRICS__DESTINATIONS_PER_WORKLOAD": "0"}
    arguments = ("check-config", "--config.file", str(file))
    assert run(*arguments).returncode == 2
    assert run(*arguments, settings=variable).returncode == 2
    ended = run(*arguments, "--metrics.destinations-per-workload", "1", settings=variable)
    assert (ended.returncode, ended.stdout) == (0, "the settings are valid\n")


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "it is empty"), (b"\n \n", "all lines are blank"), (b"{\n42\n", ":1: invalid_json: ")],
)
def test_a_file_without_a_usable_line(tmp_path: Path, content: bytes, why: str) -> None:
    """Exit code 1, and why; nothing is printed that could be taken for metrics."""
    file = tmp_path / "flows.jsonl"
    file.write_bytes(content)
    ended = run("replay", "--once", str(file))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"{file}: no usable line among" in ended.stderr
    assert why in ended.stderr


def test_one_bad_file_does_not_lose_the_others(tmp_path: Path) -> None:
    """The good ones are counted and printed, and the exit code still tells."""
    (tmp_path / "bad.jsonl").write_text("no flow\n")
    ended = run("replay", "--once", str(tmp_path / "bad.jsonl"), str(FLOWS))
    assert ended.returncode == 1
    assert value_of(ended.stdout, COUNTED) == 1


def test_replay_once_prints_metrics_only() -> None:
    """Standard output is an exposition and nothing else."""
    ended = run("replay", "--once", str(FLOWS))
    assert ended.returncode == 0
    assert all(line.startswith(("#", "hubble_egress_", "process_", "python_")) for line in ended.stdout.splitlines())
    assert value_of(ended.stdout, COUNTED) == 1


def test_replay_serves() -> None:
    """Without --once the result is served; a file needs no connection to be ready, and SIGTERM ends it with 0."""
    with Process("replay", str(FLOWS)) as process:
        eventually(lambda: value_of(process.metrics(), COUNTED) == 1, "the flow to be counted")
        assert get(f"{process.url}/-/ready") == (200, "ready\n")
        assert str(FLOWS) in get(process.url)[1]
        assert process.end(signal.SIGTERM) == 0


def test_replay_of_a_hopeless_file_ends(tmp_path: Path) -> None:
    """A file without a usable line ends the serving replay too, with exit code 1."""
    (tmp_path / "bad.jsonl").write_text("no flow\n")
    with Process("replay", str(tmp_path / "bad.jsonl")) as process:
        assert process.wait() == 1


def test_unreachable_observer() -> None:
    """Alive, not ready, one line, no exit: Hubble may come later. A signal still ends it with 0."""
    address = f"127.0.0.1:{free_port()}"
    arguments = ("--hubble.address", address, "--hubble.backoff-min", "1ms", "--hubble.backoff-max", "1ms")
    with Process("run", *arguments) as process:
        refused = 'hubble_egress_exporter_connects_total{code="UNAVAILABLE",reason="connection_refused"}'
        eventually(lambda: value_of(process.metrics(), refused) >= 3, "three attempts")
        assert get(f"{process.url}/-/healthy") == (200, "healthy\n")
        assert get(f"{process.url}/-/ready")[0] == 503
        assert value_of(process.metrics(), "hubble_egress_exporter_connected") == 0
        assert len(process.events("stream_disconnected")) == 1
        assert process.end(signal.SIGINT) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_demo(number: signal.Signals) -> None:
    """Says where everything is, counts, and ends in order."""
    with Process("demo", "--demo.speed", "1000") as process:
        eventually(lambda: value_of(process.metrics(), COUNTED) > 20, "flows of the story")
        assert get(f"{process.url}/-/ready")[0] == 200
        said = "".join(process.stdout)
        assert f"{process.url}/metrics" in said
        assert f"landing page  {process.url}/" in said
        assert process.end(number) == 0
        assert "Traceback" not in "".join(process.stderr)


def test_demo_once_is_the_same_each_time() -> None:
    """Two runs give byte-identical product families, with every kind of destination, drops and DNS in them."""
    first, second = (
        [line for line in run("demo", "--once").stdout.splitlines() if line.startswith("hubble_egress_")]
        for _ in range(2)
    )
    product = [line for line in first if not line.startswith("hubble_egress_exporter_")]
    assert product == [line for line in second if not line.startswith("hubble_egress_exporter_")]
    text = "\n".join(product)
    for kind in ("entity", "identity", "fqdn", "cidr", "world"):
        assert f'destination_kind="{kind}"' in text
    for reason in ("policy_denied", "policy_deny", "dns_denied", "l7_denied", "no_egress_gateway"):
        assert f'reason="{reason}"' in text


def test_only_the_demo_loads_the_demo() -> None:
    """What thousands of exporters would hold in memory for nothing is not there when the command line is."""
    told = "import sys, exporter.cli; print(*({'exporter.demo.story', 'grpc_health.v1'} & {*sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", told], env=environment(), capture_output=True, text=True, check=True)
    assert loaded.stdout == "\n"


def test_port_in_use() -> None:
    """One clear line, exit code 1, no traceback."""
    with Process("replay", str(FLOWS)) as process:
        ended = run("replay", str(FLOWS), "--web.listen-address", process.url.removeprefix("http://"))
        assert ended.returncode == 1
        complaints = [line for line in ended.stderr.splitlines() if line.startswith("hubble-egress-exporter: ")]
        assert len(complaints) == 1
        assert "something else listens there" in complaints[0]
        assert "Traceback" not in ended.stderr


def test_reference(tmp_path: Path) -> None:
    """Prints both documents; --write and --check work on the current folder; a folder that cannot be written: 1."""
    both = run("reference").stdout
    assert both == run("reference", "configuration").stdout + run("reference", "metrics").stdout
    assert run("reference", "--check", cwd=tmp_path).returncode == 1
    assert run("reference", "--write", cwd=tmp_path).returncode == 0
    assert run("reference", "--check", cwd=tmp_path).returncode == 0
    (tmp_path / "METRICS.md").unlink()
    (tmp_path / "METRICS.md").mkdir()
    ended = run("reference", "metrics", "--write", cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "METRICS.md: Is a directory" in ended.stderr


def test_a_reader_that_leaves() -> None:
    """`| head -1` ends the command without a traceback."""
    ours = subprocess.Popen(
        [sys.executable, "-m", "exporter", "replay", "--once", str(FLOWS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        text=True,
    )
    assert ours.stdout
    assert ours.stderr
    ours.stdout.close()
    assert "Traceback" not in ours.stderr.read()
    ours.stderr.close()
    assert ours.wait() == 0


@pytest.mark.parametrize(
    "arguments",
    [("check-config",), ("reference",), ("--version",), ("run", "--help"), ("demo", "--once")],
    ids=" ".join,
)
def test_nobody_reads(arguments: tuple[str, ...]) -> None:
    """A reader that left before the first word is no failure of any command, not even at its very end."""
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, "-m", "exporter", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        env=environment(),
        text=True,
        check=False,
    )
    os.close(writer)
    assert ended.returncode == 0
    assert "Exception" not in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", [("check-config",), ("reference",), ("demo", "--once")], ids=" ".join)
def test_a_full_disk(arguments: tuple[str, ...]) -> None:
    """Output that cannot be written is one clear line and exit code 1."""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "exporter", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr
    assert "No space left on device" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_replay_that_waits_for_its_input(number: signal.Signals) -> None:
    """Standard input that says nothing holds up no end: exit code 0, no complaint and no crash."""
    with Process("replay", "-", stdin=subprocess.PIPE) as process:
        assert get(f"{process.url}/-/healthy")[0] == 200
        assert process.end(number) == 0
        said = "".join(process.stderr)
    assert "Fatal" not in said
    assert "no usable line" not in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_replay_that_prints(number: signal.Signals) -> None:
    """With --once too, a signal is an end in order."""
    with Process("replay", "--once", "-", stdin=subprocess.PIPE) as process:
        eventually(lambda: bool(process.events("stream_connected")), "the file to be open")
        assert process.end(number) == 0
        assert "Traceback" not in "".join(process.stderr)


def test_a_hopeless_file_is_complained_about_once(tmp_path: Path) -> None:
    """The serving replay says it once, as --once does."""
    (tmp_path / "bad.jsonl").write_text("no flow\n")
    with Process("replay", str(tmp_path / "bad.jsonl")) as process:
        assert process.wait() == 1
        assert "".join(process.stderr).count("no usable line") == 1


def test_standard_input_that_is_closed() -> None:
    """`replay - <&-` is unreadable input: exit code 2 and one line."""
    ended = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -m exporter replay --once - <&-', sys.executable],
        capture_output=True,
        env=environment(),
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_the_demo_listens_where_the_file_says(tmp_path: Path) -> None:
    """Its careful default gives way to every layer, the file included."""
    port = free_port()
    file = tmp_path / "settings.yaml"
    file.write_text(f"web:\n  listen-address: 127.0.0.1:{port}\n")
    with Process("demo", "--config.file", str(file), own_port=False) as process:
        assert process.url == f"http://127.0.0.1:{port}"


def test_replay_at_a_speed() -> None:
    """The pace changes when flows are counted, not what is counted."""
    paced, plain = (
        [line for line in ended.stdout.splitlines() if line.startswith("hubble_egress_connections")]
        for ended in (run("replay", "--once", "--speed", "1e9", str(FLOWS)), run("replay", "--once", str(FLOWS)))
    )
    assert paced == plain != []


def test_a_slow_replay_is_ended_by_a_signal(tmp_path: Path) -> None:
    """The first flow is counted at once; the next one, a year of waiting away, holds up nothing."""
    first = FLOWS.read_text().splitlines()[0]
    file = tmp_path / "flows.jsonl"
    later = json.loads(first)
    later["flow"]["time"] = "2099-01-01T00:00:00Z"
    file.write_text(f"{first}\n{json.dumps(later)}\n")
    with Process("replay", "--speed", "1", str(file)) as process:
        eventually(lambda: value_of(process.metrics(), COUNTED) == 1, "the first flow")
        assert process.end(signal.SIGTERM) == 0
