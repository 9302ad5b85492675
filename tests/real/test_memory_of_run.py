"""The command `run` with a memory: what is new is announced once, whatever becomes of the process and of its store."""

import hashlib
import hmac
import json
import os
import signal
import subprocess
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it has no types
import pytest

from exporter.known.interface import What
from exporter.known.sqlite import SqliteStore
from tests.faults.counts import processed_in
from tests.faults.traffic import chance_of
from tests.findings.receiver import Receiver
from tests.known.files import asked, set_aside
from tests.known.stores import API, fact
from tests.known.valkey_server import ValkeyServer
from tests.programs import ROOT, Process, eventually, get, value_of
from tests.real.agent import Agent

SCHEMA: dict[str, Any] = json.loads((ROOT / "exporter" / "findings" / "schema.json").read_text())
PROOF = os.environ.get("CI") == "true" or os.environ.get("EXPORTER_PROOF") == "yes"
KILLS = 20 if PROOF else 5
_STORE = "hubble_egress_exporter_store"
_NEWS = (
    'hubble_egress_new_destinations_total{source_namespace="shop",source_workload="checkout",destination_kind="fqdn",'
    'scope="public",novelty="destination",expectation="not_covered",context="steady"}'
)
_NEWS_OF_ADDRESS = _NEWS.replace('novelty="destination"', 'novelty="address_reused"')
_DENIED = (
    '{destination="world",destination_kind="world",destination_port="4444",protocol="tcp",scope="public",'
    'source_namespace="shop",source_workload="checkout",verdict="dropped"}'
)


@pytest.fixture
def agent() -> Iterator[Agent]:
    """What the exporters listen to."""
    with Agent() as serving:
        yield serving


class Remembering(Process):
    """The command `run` that arms a workload after a second of flows."""

    def __init__(self, agent: Agent, *arguments: str, settings: dict[str, str] | None = None) -> None:
        learning = ("min-age=1s", "quiet=1s", "starts=0")
        super().__init__(
            "run",
            *(f"--hubble.{each}" for each in (f"address={agent.address}", "backoff-min=10ms", "backoff-max=20ms")),
            *(f"--known.learning.{each}" for each in learning),
            "--findings.per-workload=100000",
            "--web.last-scrape=0s",
            *arguments,
            settings=settings,
        )

    @property
    def found(self) -> list[str]:
        """As what the destinations are remembered that it has announced in its log."""
        return [str(line["known_as"]) for line in self.events("finding")]

    def announces(self, name: str) -> None:
        """Return when that was announced: it judges in order, so all that came before it was judged too."""
        eventually(lambda: name in self.found, f"a finding of {name}")

    def own(self, name: str) -> float:
        """A metric of its store."""
        return value_of(self.metrics(), f"{_STORE}_{name}")

    def is_degraded(self, value: int) -> None:
        """Return when it says so, 1, or no more, 0."""
        eventually(lambda: self.own("degraded") == value, f"degraded to be {value}")


def in_file(file: Path) -> tuple[str, ...]:
    """The store in a file."""
    return ("--known.store=sqlite", f"--known.file={file}")


def test_announced_once_everywhere(agent: Agent, tmp_path: Path) -> None:
    """A new destination is one event of the log, one line of the file, one signed document posted, and counted once."""
    file, secret = tmp_path / "findings.jsonl", "correct horse"
    agent.arms()
    agent.goes(3, "leak.example", "198.51.100.7")
    for seconds in (4, 5, 6):
        agent.goes(seconds, "leak.example", "198.51.100.7")
    with Receiver() as receiver:
        arguments = (*in_file(tmp_path / "known.db"), f"--findings.file.path={file}")
        settings = {
            "HUBBLE_EGRESS_FINDINGS__WEBHOOK__URL": receiver.url,
            "HUBBLE_EGRESS_FINDINGS__WEBHOOK__SECRET": secret,
        }
        with Remembering(agent, *arguments, settings=settings) as process:
            eventually(lambda: bool(receiver.requests), "a post")
            eventually(lambda: value_of(process.metrics(), _NEWS) == 1, "the new destination to be counted")
            delivered = "hubble_egress_exporter_findings_total"
            text = process.metrics()
            assert [
                value_of(text, f'{delivered}{{detector="new_destination",outcome="delivered",sink="{sink}"}}')
                for sink in ("log", "file")
            ] == [1, 1]
            assert process.end(signal.SIGTERM) == 0
        (event,) = process.events("finding")
        (request,) = receiver.requests
    (line,) = file.read_text().splitlines()
    document = json.loads(line)
    jsonschema.validate(document, SCHEMA, format_checker=jsonschema.FormatChecker())
    assert request.body.decode() == line
    assert request.headers["X-Hubble-Egress-Signature"] == (
        f"sha256={hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()}"
    )
    assert (event["id"], event["level"], event["summary"]) == (document["id"], "warning", document["summary"])
    assert document["summary"] == (
        "shop/checkout reached leak.example (198.51.100.7) at 443/tcp for the first time; "
        "nobody has declared what this workload may reach."
    )
    assert (document["context"], document["state"], document["degraded"]) == ("steady", "armed", False)
    assert document["source"] == {
        "cluster": "demo",
        "namespace": "shop",
        "workload": "checkout",
        "pod": "checkout-7c9d5f6b8-x2x7q",
        "node": "demo/node-1",
    }


def _timestamps(process: Process) -> dict[str, float]:
    """The three timestamps of the denied contact."""
    text = process.metrics()
    return {
        name: value_of(text, f"hubble_egress_unexpected_destination_{name}_timestamp_seconds{_DENIED}")
        for name in ("first_seen", "active_since", "last_seen")
    }


def test_ended_and_started_again(agent: Agent, tmp_path: Path) -> None:
    """After an orderly end nothing known is announced again, and what is unexpected goes on from the store."""
    agent.arms()
    agent.goes(3, "leak.example", "198.51.100.7")
    agent.is_kept_from(4, "198.51.100.66", 4444)
    expected = dict.fromkeys(("first_seen", "active_since", "last_seen"), (agent.begin_ns + 4_000_000_000) / 1e9)
    with Remembering(agent, *in_file(tmp_path / "known.db")) as process:
        eventually(lambda: _timestamps(process) == pytest.approx(expected, rel=0, abs=0.001), "what is unexpected")
        process.announces("198.51.100.66")
        assert process.found == ["leak.example", "198.51.100.66"]
        assert process.end(signal.SIGTERM) == 0
    with Remembering(agent, *in_file(tmp_path / "known.db")) as process:
        agent.goes(5, "marker.example", "198.51.100.8")
        process.announces("marker.example")
        assert process.found == ["marker.example"]
        eventually(
            lambda: _timestamps(process) == pytest.approx(expected, rel=0, abs=0.001), "what is unexpected, again"
        )


def test_silent_after_a_restart(agent: Agent, tmp_path: Path) -> None:
    """What is unexpected is exported after a restart although its workload, and everybody else, says nothing more."""
    agent.arms()
    agent.is_kept_from(4, "198.51.100.66", 4444)
    expected = dict.fromkeys(("first_seen", "active_since", "last_seen"), (agent.begin_ns + 4_000_000_000) / 1e9)
    with Remembering(agent, *in_file(tmp_path / "known.db")) as process:
        process.announces("198.51.100.66")
        assert process.end(signal.SIGTERM) == 0
    with Agent() as silent, Remembering(silent, *in_file(tmp_path / "known.db")) as process:
        eventually(
            lambda: _timestamps(process) == pytest.approx(expected, rel=0, abs=0.001), "what is unexpected, again"
        )
        assert process.found == []


def test_killed_at_any_moment(agent: Agent, tmp_path: Path) -> None:
    """Whatever was announced before a kill is never announced again, and a kill costs one finding at most."""
    chance, file, lines = chance_of(3), tmp_path / "known.db", tmp_path / "findings.jsonl"
    arguments = (*in_file(file), f"--findings.file.path={lines}")
    agent.arms()
    told = 0
    for kill in range(KILLS):
        with Remembering(agent, *arguments) as process:
            wanted = 0 if kill % 5 == 4 else chance.randrange(1, 60)
            for _ in range(80):
                told += 1
                agent.goes(3 + told / 1000, f"leak-{told}.example", f"198.51.{told // 250}.{told % 250}")
            eventually(lambda: len(process.found) >= wanted, f"{wanted} findings")  # noqa: B023
            for _ in range(chance.randrange(100_000)):
                pass
            assert process.end(signal.SIGKILL) == -signal.SIGKILL
        _is_whole(file)
    with Remembering(agent, *arguments) as process:
        agent.goes(500, "marker.example", "198.51.100.8")
        process.announces("marker.example")
        assert process.end(signal.SIGTERM) == 0
    _is_whole(file)
    announced = Counter(json.loads(line)["destination"]["known_as"] for line in lines.read_text().splitlines())
    assert announced.total() == len(announced), announced.most_common(3)
    assert set(announced) <= {"marker.example", *(f"leak-{number}.example" for number in range(1, told + 1))}
    assert len(announced) >= told + 1 - KILLS
    assert {f"443/tcp leak-{number}.example" for number in range(1, told + 1)} <= _destinations(file)


def _destinations(file: Path) -> set[str]:
    with closing(SqliteStore(str(file), 1_000_000)) as store:
        return {mark.name for _, mark, _ in store.facts() if mark.what is What.DESTINATION}


def _is_whole(file: Path) -> None:
    if file.exists():
        assert asked(file, "PRAGMA integrity_check") == [("ok",)]
    assert set_aside(file.parent) == []


def _goes_on_without_its_store(process: Remembering, agent: Agent, reason: str, advice: str) -> None:
    """It takes flows in, is healthy, and says once what is wrong and what to do."""
    errors = f'errors_total{{reason="{reason}"}}'
    eventually(lambda: process.own("degraded") == 1 and process.own(errors) >= 1, f"the store to be {reason}")
    agent.goes(3, "leak.example", "198.51.100.7")
    eventually(lambda: processed_in(process.metrics()) == agent.told, "all flows")
    # It has failed again meanwhile, and said no more.
    eventually(lambda: process.own(errors) >= 2, "another attempt")
    assert [(line["level"], line["reason"]) for line in process.events("store_degraded")] == [("error", reason)]
    assert advice in process.events("store_degraded")[0]["detail"]
    assert get(f"{process.url}/-/healthy")[0] == 200
    assert [line for line in process.stderr if "Traceback" in line] == []


def test_no_folder_can_be_made(agent: Agent, tmp_path: Path) -> None:
    """A path that leads through a file is no reason to stop."""
    (tmp_path / "lib").touch()
    agent.arms()
    with Remembering(agent, *in_file(tmp_path / "lib" / "known.db")) as process:
        advice = "check that the path and its volume can be used, or name another known.file"
        _goes_on_without_its_store(process, agent, "other", advice)
        assert process.end(signal.SIGTERM) == 0
    assert (tmp_path / "lib").read_bytes() == b""


def test_folder_that_is_not_there(agent: Agent, tmp_path: Path) -> None:
    """A folder that is missing is made."""
    agent.arms()
    with Remembering(agent, *in_file(tmp_path / "var" / "lib" / "known.db")) as process:
        eventually(lambda: process.own("stored_entries") > 0, "facts in the store")
        assert process.own("degraded") == 0
    assert (tmp_path / "var" / "lib" / "known.db").exists()


def test_newer_schema(agent: Agent, tmp_path: Path) -> None:
    """A file of a later release is left as it is, and who starts the older one is told so."""
    file = tmp_path / "known.db"
    with closing(SqliteStore(str(file), 1_000)) as store:
        store.merge([fact(API, 1)])
    asked(file, "PRAGMA user_version = 99")
    before = file.read_bytes()
    agent.arms()
    with Remembering(agent, *in_file(file)) as process:
        advice = "has schema 99, this release knows 2; run the release that wrote it, or move it"
        _goes_on_without_its_store(process, agent, "newer_schema", advice)
        assert process.end(signal.SIGTERM) == 0
    assert file.read_bytes() == before
    assert set_aside(tmp_path) == []


@contextmanager
def _mounted(folder: Path, options: str) -> Iterator[Path]:
    """A volume of its own, which only root can have."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("no volume can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S607, whichever there is


@contextmanager
def _not_writable(folder: Path) -> Iterator[Path]:
    """A folder that may be read only: root needs a volume for that."""
    if os.geteuid() == 0:
        with _mounted(folder, "size=1m,ro") as mounted:
            yield mounted
        return
    folder.mkdir(0o500)
    yield folder
    folder.chmod(0o700)


def test_not_writable(agent: Agent, tmp_path: Path) -> None:
    """A folder that may not be written to is no reason to stop; when it may, the memory is written."""
    agent.arms()
    with _not_writable(tmp_path / "lib") as folder, Remembering(agent, *in_file(folder / "known.db")) as process:
        advice = "let the exporter write to the file and its folder, or name another known.file"
        _goes_on_without_its_store(process, agent, "read_only", advice)
        _make_writable(folder)
        eventually(lambda: bool(process.events("store_works_again")), "a store that works")
        process.is_degraded(0)
        assert process.end(signal.SIGTERM) == 0
        assert _destinations(folder / "known.db") == {"443/tcp api.usual.example", "443/tcp leak.example"}


def _make_writable(folder: Path) -> None:
    if os.geteuid() == 0:
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)  # noqa: S607, whichever there is
    else:
        folder.chmod(0o700)


def test_full_volume(agent: Agent, tmp_path: Path) -> None:
    """A volume without room is no reason to stop; nothing is announced twice, and all is written when there is room."""
    agent.arms()
    agent.goes(2.5, "early.example", "198.51.100.9")
    with _mounted(tmp_path / "lib", "size=2m") as folder:
        with Remembering(agent, *in_file(folder / "known.db")) as process:
            process.announces("early.example")
            filler = folder / "filler"
            with filler.open("wb", buffering=0) as written, pytest.raises(OSError, match="No space left"):
                deque(map(written.write, repeat(bytes(512))), maxlen=0)
            # What the log has room for already is written without a word.
            for number in range(300):
                agent.goes(2.6 + number / 1000, f"many-{number}.example", f"198.51.101.{number % 250}")
            _goes_on_without_its_store(process, agent, "full", "make room on its volume; it is tried again")
            process.announces("leak.example")
            filler.unlink()
            process.is_degraded(0)
            assert process.end(signal.SIGTERM) == 0
        before = process.found
        with Remembering(agent, *in_file(folder / "known.db")) as process:
            agent.goes(5, "marker.example", "198.51.100.8")
            process.announces("marker.example")
            assert process.found == ["marker.example"]
            assert process.end(signal.SIGTERM) == 0
        _is_whole(folder / "known.db")
    names = ["early.example", *(f"many-{number}.example" for number in range(300)), "leak.example"]
    assert before == names


def test_two_on_one_server(tmp_path: Path) -> None:
    """Two exporters that see the same announce it once; while their server is gone both do, and once when it is back.

    The server keeps nothing on disk: what the exporters hold is all that there is.
    """
    with ValkeyServer(tmp_path) as server, Agent() as here, Agent() as there:
        arguments = ("--known.store=valkey", f"--known.valkey.address=127.0.0.1:{server.port}")
        with Remembering(here, *arguments) as one, Remembering(there, *arguments) as other:
            pair = _Pair((here, there), (one, other))
            for agent in pair.agents:
                agent.arms()
            pair.announce_once(3, 20)
            server.stop()
            for agent, process in pair:
                agent.goes(4, "meanwhile.example", "198.51.100.9")
                process.announces("meanwhile.example")
                assert [line["degraded"] for line in process.events("finding")][-1] is True
                process.is_degraded(1)
            server.start()
            for process in pair.processes:
                process.is_degraded(0)
            pair.announce_once(5, 20)
            assert [process.end(signal.SIGTERM) for process in pair.processes] == [0, 0]


class _Pair:
    """Two exporters, each with an agent of its own."""

    def __init__(self, agents: tuple[Agent, Agent], processes: tuple[Remembering, Remembering]) -> None:
        self.agents, self.processes = agents, processes

    def __iter__(self) -> Iterator[tuple[Agent, Remembering]]:
        """Each agent with the exporter that listens to it."""
        return iter(zip(self.agents, self.processes, strict=True))

    def announce_once(self, second: int, number: int) -> None:
        """Both see so many new destinations at once: each is announced by one of them, and counted by that one."""
        found, counted = self._found(), self._counted()
        names = [f"new-{second}-{place}.example" for place in range(number)]
        for place, name in enumerate(names):
            for agent in self.agents:
                agent.goes(second + place / 1000, name, f"198.51.{second}.{place}")
        # What only one of them sees, at last, shows that it has judged all that was before it.
        markers = [f"marker-{second}-{place}.example" for place in range(2)]
        for marker, (agent, _) in zip(markers, self, strict=True):
            agent.goes(second + 0.5, marker, "198.51.100.10")
        for marker, process in zip(markers, self.processes, strict=True):
            process.announces(marker)
        assert self._found() - found == Counter([*names, *markers])
        eventually(lambda: self._counted() - counted >= number + 2, "all news to be counted")
        assert self._counted() - counted == number + 2

    def _found(self) -> Counter[str]:
        return Counter(name for process in self.processes for name in process.found)

    def _counted(self) -> float:
        texts = [process.metrics() for process in self.processes]
        return sum(value_of(text, news) for text in texts for news in (_NEWS, _NEWS_OF_ADDRESS))
