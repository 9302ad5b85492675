"""A real Prometheus over what we expose: its own engine says what a series is worth that left and came back."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from exporter.metrics.exposition import Exposition
from exporter.metrics.families import CONNECTIONS, PRODUCT
from exporter.metrics.settings import MetricsSettings
from exporter.metrics.store import Store
from tests.programs import Process, eventually, free_port, get, required

NOW = 1_767_603_600
DAY = 86_400
SERIES = 'hubble_egress_connections_total{source_workload="backup"}'
DAILY = ("ops", "backup", "fqdn", "public", "offsite.example", "22", "tcp", "forwarded")
HOURLY = ("ops", "cron", "fqdn", "public", "hourly.example", "443", "tcp", "forwarded")


@contextmanager
def prometheus(folder: Path, config: str) -> Iterator[str]:
    """A server over the blocks in `folder`; its base URL."""
    (folder / "prometheus.yml").write_text(config)
    url = f"http://127.0.0.1:{free_port()}"
    with subprocess.Popen(
        [
            required("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=50y",
            f"--web.listen-address={url.removeprefix('http://')}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            eventually(lambda: server.poll() is not None or _is_ready(url), "a Prometheus that is ready")
            yield url
        finally:
            server.kill()


def _is_ready(url: str) -> bool:
    try:
        return get(f"{url}/-/ready")[0] == 200
    except OSError:
        return False


def ask(url: str, query: str, at: float | None = None) -> list[dict[str, Any]]:
    """What an instant query answers."""
    parameters = {"query": query} | ({"time": str(at)} if at else {})
    found: list[dict[str, Any]] = json.loads(get(f"{url}/api/v1/query?{urlencode(parameters)}")[1])["data"]["result"]
    return found


def _scraped(store: Store, at: int) -> Iterator[str]:
    """The samples of a scrape, with its time behind each."""
    text = "".join(Exposition(store).render(nullcontext(), openmetrics=True))
    return (f"{line} {at}" for line in text.splitlines() if line.startswith("hubble_egress_connections_total"))


def test_a_daily_event_is_seen_by_increase(tmp_path: Path) -> None:
    """Each day one connection: the series leaves an hour later, comes back at its value, and `increase()` sees it.

    Scrapes every minute, as Prometheus would make them, three days long; the engine that answers is its own.
    """
    store, samples = Store(PRODUCT, MetricsSettings()), list[str]()
    for minute in range(3 * 24 * 60):
        at = NOW + minute * 60
        for second in range(60):
            store.tick((at + second) * 10**9)
        if minute % (24 * 60) == 60:
            store.add(CONNECTIONS, DAILY, 1)
        if minute % 50 == 0:
            store.add(CONNECTIONS, HOURLY, 1)
        samples += _scraped(store, at + 60)
    # OpenMetrics wants the samples of one series together.
    samples.sort(key=lambda line: (line.rpartition(" ")[0].rpartition(" ")[0], int(line.rpartition(" ")[2])))
    text = "# TYPE hubble_egress_connections counter\n" + "\n".join(samples) + "\n# EOF\n"
    (tmp_path / "scrapes.txt").write_text(text)
    imported = [required("promtool"), "tsdb", "create-blocks-from", "openmetrics", "scrapes.txt", "data"]
    subprocess.run(imported, cwd=tmp_path, check=True, capture_output=True)

    seen = [int(line.rpartition(" ")[2]) for line in samples if '"backup"' in line]
    gaps = [later - earlier for earlier, later in pairwise(seen) if later - earlier > 60]
    assert len(gaps) == 2, "the series left twice"
    assert store.families[CONNECTIONS].resumed == 2

    with prometheus(tmp_path, "global: {scrape_interval: 1m}\n") as url:
        end = NOW + 3 * DAY
        (value,) = ask(url, SERIES, NOW + 2 * DAY + 2 * 3600)
        assert value["value"][1] == "3"
        # A day and an hour hold the end of yesterday's series, at 2, and the beginning of today's, at 3.
        (today,) = ask(url, f"increase({SERIES}[25h])", NOW + 2 * DAY + 3600 + 1200)
        assert float(today["value"][1]) == pytest.approx(1, abs=0.1)
        (all_days,) = ask(url, f"increase({SERIES}[3d])", end)
        assert float(all_days["value"][1]) == pytest.approx(2, abs=0.1)
        (busy,) = ask(url, 'increase(hubble_egress_connections_total{source_workload="cron"}[2d])', end)
        assert float(busy["value"][1]) == pytest.approx(2 * 24 * 60 / 50, rel=0.02)


@pytest.mark.skipif("EXPORTER_PROOF" not in os.environ, reason="takes a minute: `make proof` runs it")
def test_every_scrape_under_load_succeeds(tmp_path: Path) -> None:
    """Scraped every second for nearly a minute, while thousands of flows a second arrive, it always answers."""
    with Process("demo", "--demo.speed", "2000") as process:
        target = process.url.removeprefix("http://")
        config = (
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            f"scrape_configs: [{{job_name: egress, static_configs: [{{targets: ['{target}']}}]}}]\n"
        )
        with prometheus(tmp_path, config) as url:
            eventually(lambda: _number(url, "count_over_time(up[2m])") >= 55, "55 scrapes")
            assert _number(url, "min_over_time(up[2m])") == 1
            assert _number(url, "sum(increase(hubble_egress_exporter_flows_total[30s]))") > 10_000


def _number(url: str, query: str) -> float:
    return sum(float(one["value"][1]) for one in ask(url, query))
