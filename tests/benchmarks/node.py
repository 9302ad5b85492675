"""What an exporter takes on one node: the command `run` with the chart's settings of mode `node`, and one node's flows.

Three hours of a quiet node are played as fast as they are taken, then both speeds in life's own time, then three
minutes of a busy node. TLS is off, for our server speaks none.
"""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from exporter.hubble.pb.flow import flow_pb2
from tests.benchmarks.mix import Mix
from tests.benchmarks.processes import Exporter, Scraper
from tests.benchmarks.reels import Reel, write_reels
from tests.benchmarks.report import Figures
from tests.benchmarks.server import Server
from tests.benchmarks.session import SEED, InvalidMeasurementError, Session, say, soon
from tests.chart.matrix import merged
from tests.chart.rendering import config_of, objects
from tests.known.valkey_server import ValkeyServer
from tests.programs import eventually

_WORKLOADS, _NODE = 750, "bench/node-07"
"""Two pods each on fifty nodes: thirty on this one."""
_QUIET, _BUSY = 10, 500
"""Flows per second."""
_HISTORY = 100_000
"""Flows that are played faster than life, of each speed."""
_LIVE_SECONDS = 30
"""Measured at a time: as long as from one scrape to the next, and from one look at the server to the next."""
_VALUES: Mapping[str, Any] = {"mode": "node", "hubble": {"tls": {"mode": "disabled"}}}


def node(session: Session) -> Figures:
    """Memory and CPU of an exporter, with each kind of memory of destinations that mode `node` has."""
    reel = _reel(session.folder)
    figures = _measured(session.folder, reel, "sqlite", {})
    if not any(map(shutil.which, ("redis-server", "valkey-server"))):
        say("node: no redis-server, so nothing is known of that store")
        return figures
    with ValkeyServer(session.folder) as server:
        where = {"type": "valkey", "valkey": {"address": f"127.0.0.1:{server.port}"}}
        values = {"store": where, "networkPolicy": {"valkey": {"cidrs": ["127.0.0.1/32"]}}}
        return {**figures, **_measured(session.folder, reel, "valkey", values)}


def _measured(folder: Path, reel: Reel, store: str, values: Mapping[str, Any]) -> Figures:
    config = _config(folder / store, values)
    with Server() as server, Exporter(server.address, f"--config.file={config}", f"--known.store={store}") as exporter:
        server.called()
        idle = _cost(exporter, lambda: time.sleep(_LIVE_SECONDS))
        start = exporter.memory()
        at = _HISTORY
        server.play(reel, 0, at)
        _received(exporter, at)
        quiet = _cost(exporter, lambda: _live(server, reel, at, _QUIET))
        at += _QUIET * _LIVE_SECONDS
        after_quiet = exporter.memory()
        busy = _cost(exporter, lambda: _live(server, reel, at, _BUSY))
        server.play(reel, at + _BUSY * _LIVE_SECONDS)
        _received(exporter, reel.count)
        end, series = exporter.memory(), exporter.series()
    say(f"node, {store}: {start['Rss']:.0f}, {after_quiet['Rss']:.0f}, {end['Rss']:.0f} MiB")
    say(f"node, {store}: {idle:.1f}, {quiet:.1f}, {busy:.1f} ms of CPU a second")
    return {
        f"node_{store}_start_mib": start["Rss"],
        f"node_{store}_quiet_mib": after_quiet["Rss"],
        f"node_{store}_end_mib": end["Rss"],
        f"node_{store}_end_pss_mib": end["Pss"],
        f"node_{store}_peak_mib": end["VmHWM"],
        f"node_{store}_idle_ms": idle,
        f"node_{store}_quiet_ms": quiet,
        f"node_{store}_busy_ms": busy,
        f"node_{store}_series": series,
    }


def _config(folder: Path, values: Mapping[str, Any]) -> Path:
    """The chart's file, with its volume in a folder of ours."""
    folder.mkdir()
    file = folder / "config.yaml"
    file.write_text(config_of(objects(merged(_VALUES, values))).replace("/var/lib/hubble-egress-exporter", str(folder)))
    return file


def _reel(folder: Path) -> Reel:
    """What the agent sends of one node, with the fields that we ask for: first at one speed, then at the other."""
    quiet, busy = _HISTORY + _QUIET * _LIVE_SECONDS, _BUSY * _LIVE_SECONDS + _HISTORY
    say(f"node: writing {quiet + busy} flows of one node ...")
    began = soon() - round((quiet / _QUIET + busy / _BUSY) * 1e9)
    flows = islice(Mix(SEED, _WORKLOADS, per_second=_QUIET, node=_NODE).flows(began), quiet + busy)
    return write_reels(folder, "node", faster(flows, quiet, _BUSY / _QUIET))[1]


def faster(flows: Iterable[flow_pb2.Flow], begin: int, factor: float) -> Iterator[flow_pb2.Flow]:
    """The same flows, whose time passes faster from number `begin` on."""
    turned = 0
    for number, flow in enumerate(flows):
        at = flow.time.ToNanoseconds()
        if number == begin:
            turned = at
        elif number > begin:
            flow.time.FromNanoseconds(turned + round((at - turned) / factor))
        yield flow


def _live(server: Server, reel: Reel, first: int, per_second: int) -> None:
    """One flow after the other in even steps; in life they come in clusters, which costs less."""
    server.pace(reel, range(first, first + per_second * _LIVE_SECONDS), size=1, interval=1 / per_second)


def _cost(exporter: Exporter, during: Callable[[], None]) -> float:
    """Milliseconds of CPU time a second, one scrape in so long included."""
    began, used = time.monotonic(), exporter.cpu
    during()
    scraper = Scraper(exporter.url)
    scraper.scrape()
    scraper.close()
    return (exporter.cpu - used) / (time.monotonic() - began) * 1e3


def _received(exporter: Exporter, flows: int) -> None:
    eventually(lambda: exporter.flows() >= flows, f"{flows} flows", seconds=120)
    if exporter.flows() != flows:
        raise InvalidMeasurementError(f"{exporter.flows()} flows were received, and {flows} sent")
