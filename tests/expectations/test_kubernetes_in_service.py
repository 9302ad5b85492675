"""The exporter that follows a cluster: what its metrics, pages and exit codes say."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.expectations.watching import Watcher
from exporter.hubble.decode import Decoder
from exporter.hubble.replay import Recording
from exporter.service import Service
from exporter.settings import Settings
from tests.expectations.fake_api import TOKEN, FakeApi
from tests.programs import DEADLINE, Process, environment, eventually, get, run, value_of

FLOWS = Path(__file__).parent.parent / "scenarios" / "fqdn" / "flows.jsonl"
PREFIX = "hubble_egress_exporter_"
POLICY = {"podSelector": {}, "egress": [{"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}]}]}
ENABLED = "--expectations.kubernetes.enabled=true"


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """An API server with one policy."""
    fake = FakeApi()
    fake.put("networkpolicies", "a", "shop", spec=POLICY)
    fake.start()
    yield fake
    fake.stop()


def flags(api: FakeApi, folder: Path) -> list[str]:
    """An exporter without Hubble, which follows the cluster."""
    kubernetes = {"kubeconfig": api.kubeconfig(folder), "first-delay": "20ms", "longest-delay": "50ms"}
    return [
        *("run", "--hubble.address=127.0.0.1:1", ENABLED),
        *(f"--expectations.kubernetes.{name}={value}" for name, value in kubernetes.items()),
    ]


def test_metrics_and_page(api: FakeApi, tmp_path: Path) -> None:
    """Objects, ends of watches, times and what is not followed show in metrics and on the page; the token nowhere."""
    rules = f'{PREFIX}expectation_rules{{kind="NetworkPolicy",source="policies"}}'
    degraded = f'{PREFIX}kubernetes_degraded{{resource="networkpolicies"}}'
    with Process(*flags(api, tmp_path)) as exporter:
        eventually(lambda: value_of(exporter.metrics(), rules) == 1, "a rule")
        metrics = exporter.metrics()
        assert value_of(metrics, f'{PREFIX}kubernetes_objects{{resource="networkpolicies"}}') == 1
        assert value_of(metrics, f'{PREFIX}kubernetes_broken_objects{{resource="networkpolicies"}}') == 0
        assert value_of(metrics, f'{PREFIX}kubernetes_last_list_timestamp_seconds{{resource="services"}}') > 1e9
        assert value_of(metrics, f'{PREFIX}kubernetes_last_event_timestamp_seconds{{resource="services"}}') > 1e9
        assert value_of(metrics, degraded) == 0
        api.refused["watch", "networkpolicies"] = (403, "no")
        api.cut()
        ends = f'{PREFIX}kubernetes_watch_restarts_total{{reason="forbidden",resource="networkpolicies"}}'
        eventually(lambda: value_of(exporter.metrics(), ends) > 0, "a refusal")
        assert value_of(exporter.metrics(), degraded) == 1
        kind = "networkpolicies.networking.k8s.io (watch: forbidden)"
        said = f"Not followed in the cluster, so perhaps out of date: {kind}."
        status = f"{exporter.url}/api/v1/status"
        eventually(lambda: said in json.loads(get(status)[1])["remarks"], "a remark")
        assert said in get(f"{exporter.url}/")[1]
        assert exporter.end(signal.SIGTERM) == 0
        assert TOKEN not in "".join(exporter.stderr)


def test_end_while_the_api_server_says_nothing(api: FakeApi, tmp_path: Path) -> None:
    """Nobody waits for a list that may never come."""
    api.hold = threading.Event()
    with Process(*flags(api, tmp_path), "--expectations.kubernetes.timeout=1h") as exporter:
        assert exporter.url
        eventually(lambda: len(api.requests) == 8, "all lists")
        assert exporter.end(signal.SIGTERM) == 0


def test_dead_watcher_ends_the_process(api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an exporter is worse than none."""

    def fail(_: Watcher) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(Watcher, "_attempt", fail)
    settings = Settings.model_validate(
        {
            "expectations": {"kubernetes": {"enabled": True, "kubeconfig": api.kubeconfig(tmp_path)}},
            "web": {"listen_address": "127.0.0.1:0"},
        }
    )
    decoder = Decoder(1000)
    service = Service(settings, Recording([str(FLOWS)], decoder, longest_line=1_000_000), decoder, live=True)
    assert service.run(lambda _: None) == 1
    assert "thread is dead" in service.unhealthy()


def test_without_the_package() -> None:
    """The exporter works without the extra, and says what to install when it is asked to follow a cluster."""
    blocked = "import sys; sys.modules['lightkube'] = sys.modules['httpx2'] = None; from exporter.cli import main; "
    for arguments, code in ((["replay", "--once", str(FLOWS)], 0), (["run", ENABLED], 2)):
        command = [sys.executable, "-c", f"{blocked}sys.exit(main({arguments}))"]
        ended = subprocess.run(
            command, env=environment(), capture_output=True, text=True, timeout=DEADLINE, check=False
        )
        assert ended.returncode == code, ended.stderr
    assert "install hubble-egress-exporter[kubernetes]" in ended.stderr


def test_outside_of_a_cluster() -> None:
    """Without a kubeconfig and outside of a pod there is nothing to follow."""
    ended = run("run", ENABLED)
    assert ended.returncode == 2
    assert "/serviceaccount/token'; run in a pod with a service account token, or name a file" in ended.stderr


@pytest.mark.parametrize("command", ["run", "check-config"])
def test_kubeconfig_that_cannot_be_used(command: str, tmp_path: Path) -> None:
    """It is bad use: said by its setting, exit code 2."""
    file = tmp_path / "kubeconfig"
    for content in (None, "clusters: [\n", "{}"):
        if content is not None:
            file.write_text(content)
        ended = run(command, ENABLED, f"--expectations.kubernetes.kubeconfig={file}")
        assert ended.returncode == 2
        assert "expectations.kubernetes.kubeconfig: " in ended.stderr
        assert "Traceback" not in ended.stderr


def test_recordings_follow_no_cluster(api: FakeApi, tmp_path: Path) -> None:
    """What flows of the past were allowed, the cluster of today does not say."""
    kubeconfig = f"--expectations.kubernetes.kubeconfig={api.kubeconfig(tmp_path)}"
    assert run("replay", "--once", ENABLED, kubeconfig, str(FLOWS)).returncode == 0
    assert not api.requests
