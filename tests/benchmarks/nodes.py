"""Node mode: fifty exporters that share one Valkey or Redis server, as that server sees them.

The row `nodes` of `make bench`. Two processes with one thread each, beside the server on two cores, have twenty-five
exporters' worth of pipelines, judging and stores each, every store with a connection of its own; see `node_stores` for
whom they watch. Their hour is told as fast as they can: counts and bytes per minute are those of their own time.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from exporter.known.interface import Fact, Mark, What, WorkloadKey, seen
from tests.benchmarks.node_stores import NODES, PODS
from tests.benchmarks.processes import cpu_seconds
from tests.benchmarks.report import Figures
from tests.benchmarks.session import InvalidMeasurementError, Session, median, say
from tests.flows import BASE
from tests.known.valkey_server import ValkeyServer, valkey_store
from tests.programs import environment

PROCESSES = 2
MINUTES = 60
_ROUNDS = 5
_MANY = 10_000
_IN_SCRIPTS = ("hget", "hset", "hdel", "hlen", "unlink", "incrby", "expire")


class Used(NamedTuple):
    """What the server did meanwhile."""

    seconds: float
    cpu: float
    commands: int
    calls: Mapping[str, int]
    received: int
    sent: int


class Exporters:
    """The processes; each answers a line of JSON to each line."""

    def __init__(self, port: int) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.node_stores", str(port), str(PROCESSES)]
        self._processes = [
            subprocess.Popen(
                [*command, str(number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment(),
                text=True,
            )
            for number in range(PROCESSES)
        ]

    def tell(self, *words: object) -> list[dict[str, Any]]:
        """Let all do something at once; returns what each says when it is done."""
        return self._told(self._processes, words)

    def tell_first(self, *words: object) -> dict[str, Any]:
        """Let the first process do something while the others wait."""
        return self._told(self._processes[:1], words)[0]

    def end(self) -> None:
        """End them."""
        for process in self._processes:
            process.kill()
            process.communicate()

    @staticmethod
    def _told(processes: Sequence["subprocess.Popen[str]"], words: Sequence[object]) -> list[dict[str, Any]]:
        for process in processes:
            assert process.stdin
            print(*words, file=process.stdin, flush=True)
        lines = [process.stdout.readline() for process in processes if process.stdout]
        if not all(lines):
            raise InvalidMeasurementError("a process with exporters has died")
        return [json.loads(line) for line in lines]


def nodes(session: Session) -> Figures:
    """Let fifty exporters learn, go on for an hour, start anew, and lose their connections."""
    if not any(map(shutil.which, ("redis-server", "valkey-server"))):
        say("nodes: left out, for neither redis-server nor valkey-server is installed")
        return {}
    say(f"nodes: {NODES} exporters of {PODS} pods each in {PROCESSES} processes, {MINUTES} minutes of their time")
    with ValkeyServer(session.folder) as server, _exporters(server.port) as exporters:
        empty = _dataset(server)
        exporters.tell("pass", 5)
        told, hour = _measured(server, lambda: exporters.tell("pass", MINUTES))
        entries = valkey_store(server.port).size().entries
        held, buffers = _dataset(server) - empty, int(server.ask("INFO", "memory")["mem_clients_normal"])
        connections = int(server.ask("INFO", "clients")["connected_clients"]) - 1
        if connections != NODES or any(one["degraded"] for one in told):
            raise InvalidMeasurementError(f"{connections} connections, {told}")
        waits = sorted(wait for one in told for wait in one["merges"])
        per_exporter_minute = NODES * MINUTES
        return {
            "nodes_commands_per_exporter_minute": hour.commands / per_exporter_minute,
            "nodes_merges_per_exporter_minute": hour.calls["evalsha"] / per_exporter_minute,
            "nodes_facts_per_exporter_minute": sum(one["written"] for one in told) / per_exporter_minute,
            "nodes_commands_per_s": hour.commands / hour.seconds,
            "nodes_server_us_per_command": 1e6 * hour.cpu / hour.commands,
            "nodes_server_ms_per_exporter_minute": 1e3 * hour.cpu / per_exporter_minute,
            "nodes_received_kib_per_exporter_minute": hour.received / per_exporter_minute / 1024,
            "nodes_sent_kib_per_exporter_minute": hour.sent / per_exporter_minute / 1024,
            "nodes_facts": entries,
            "nodes_server_bytes_per_fact": held / entries,
            "nodes_connections_per_exporter": connections / NODES,
            "nodes_server_kib_per_connection": buffers / 1024 / connections,
            "nodes_merge_ms_p50": 1e3 * waits[len(waits) // 2],
            "nodes_merge_ms_p99": 1e3 * waits[len(waits) * 99 // 100],
            **_starts(server, exporters),
            **_reconnects(server, exporters),
            **_whole(server),
        }


@contextmanager
def _exporters(port: int) -> Iterator[Exporters]:
    exporters = Exporters(port)
    try:
        yield exporters
    finally:
        exporters.end()


def _starts(server: ValkeyServer, exporters: Exporters) -> Figures:
    """One exporter that starts reads what it meets; then all of them do, at once."""
    one, alone = _measured(server, lambda: exporters.tell_first("start", 1))
    all_of_them, together = _measured(server, lambda: exporters.tell("start", NODES // PROCESSES))
    waits = sorted(wait for told in all_of_them for wait in told["loads"])
    return {
        "nodes_start_reads": len(one["loads"]),
        "nodes_start_kib": alone.sent / 1024,
        "nodes_start_ms": 1e3 * sum(one["loads"]),
        "nodes_start_server_ms": 1e3 * together.cpu / NODES,
        "nodes_storm_s": together.seconds,
        "nodes_storm_load_ms_p99": 1e3 * waits[len(waits) * 99 // 100],
    }


def _reconnects(server: ValkeyServer, exporters: Exporters) -> Figures:
    """The server hangs up on all, and each asks something."""
    server.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    _, again = _measured(server, lambda: exporters.tell("ask"))
    _, asked = _measured(server, lambda: exporters.tell("ask"))
    return {"nodes_reconnect_server_ms": 1e3 * (again.cpu - asked.cpu) / NODES}


def _whole(server: ValkeyServer) -> Figures:
    """What touches everything, or much: the hourly look at all facts, and one workload with very many of them."""
    store, crowd = valkey_store(server.port), WorkloadKey("east", "kube-system", "agent")
    entries, looked = _measured(server, lambda: [store.expire(0), store.size().entries][1])
    kinds = (What.POD, What.START)
    pods = [Fact(crowd, Mark(what, f"agent-{pod:05} {pod}"), seen(BASE)) for what in kinds for pod in range(_MANY // 2)]
    store.merge(pods)
    waits, cpus, bytes_ = list[float](), list[float](), 0
    for _ in range(_ROUNDS):
        _, used = _measured(server, lambda: store.load(crowd))
        waits.append(used.seconds)
        cpus.append(used.cpu)
        bytes_ = used.sent
    _, written = _measured(server, lambda: store.merge(pods))
    store.close()
    return {
        "nodes_expire_s_per_100k": 1e5 * looked.seconds / entries,
        "nodes_large_load_ms": 1e3 * median(waits),
        "nodes_large_load_server_ms": 1e3 * median(cpus),
        "nodes_large_load_kib": bytes_ / 1024,
        "nodes_server_us_per_fact": 1e6 * written.cpu / _MANY,
    }


def _dataset(server: ValkeyServer) -> int:
    return int(server.ask("INFO", "memory")["used_memory_dataset"])


def _measured(server: ValkeyServer, work: Callable[[], Any]) -> tuple[Any, Used]:
    """What came of work, and what the server did for it; asking for that is a few commands of the server, too."""
    before, began = _state(server), time.perf_counter()
    answer = work()
    seconds, after = time.perf_counter() - began, _state(server)
    calls = {name: number - before[3].get(name, 0) for name, number in after[3].items()}
    # What scripts call is no command that anybody sent, and two of the four questions here fall between the counts.
    commands = sum(number for name, number in calls.items() if name not in _IN_SCRIPTS) - 2
    return answer, Used(seconds, after[0] - before[0], commands, calls, after[1] - before[1], after[2] - before[2])


def _state(server: ValkeyServer) -> tuple[float, int, int, dict[str, int]]:
    stats, commands = server.ask("INFO", "stats"), server.ask("INFO", "commandstats")
    calls = {name.removeprefix("cmdstat_"): int(of["calls"]) for name, of in commands.items()}
    return (
        cpu_seconds(server.pid),
        int(stats["total_net_input_bytes"]),
        int(stats["total_net_output_bytes"]),
        calls,
    )
