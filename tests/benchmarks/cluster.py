"""What it costs to follow a cluster with 5,000 policies, measured in a process of its own.

The row `cluster` of `make bench`; run as a process, `python -m tests.benchmarks.cluster KUBECONFIG` prints one JSON
object.
"""

import gc
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import trustme
import yaml

from exporter import log
from exporter.expectations.expectations import Expectations
from exporter.expectations.kinds import KINDS, kept
from exporter.expectations.settings import ExpectationsSettings, KubernetesSettings
from exporter.expectations.sources import Sources
from exporter.log import Level, LogSettings
from tests.benchmarks.policies import policies
from tests.benchmarks.report import Figures
from tests.benchmarks.session import Session, say
from tests.expectations.fake_api import CORE, CUSTOM, FakeApi
from tests.programs import environment, eventually

POLICIES, NAMESPACES, SERVICES = 5_000, 250, 5_000
_MIB = 1024 * 1024


def cluster(session: Session) -> Figures:
    """Follow an API server with 5,000 policies, 5,000 services and 250 namespaces, and see one policy change."""
    say(f"cluster: {POLICIES} policies, {SERVICES} services, {NAMESPACES} namespaces over TLS")
    api, authority, context = _filled(), trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(session.folder / "ca.crt"))
    api.start(context)
    try:
        kubeconfig = api.kubeconfig(session.folder, session.folder / "ca.crt")
        command = [sys.executable, "-m", "tests.benchmarks.cluster", kubeconfig]
        done = subprocess.run(command, env=environment(), check=True, stdout=subprocess.PIPE, text=True)
    finally:
        api.stop()
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _filled() -> FakeApi:
    api = FakeApi()
    of_kind = {kind.name: kind.resource for kind in KINDS if kind.resource in {**CORE, **CUSTOM}}
    for text in policies(POLICIES):
        policy = yaml.load(text, yaml.CSafeLoader)
        metadata = policy["metadata"]
        api.put(of_kind[policy["kind"]], metadata["name"], metadata.get("namespace", ""), spec=policy["spec"])
    for number in range(NAMESPACES):
        name = f"team-{number:03}"
        api.put("namespaces", name, labels={"kubernetes.io/metadata.name": name, "team": name})
    for number in range(SERVICES):
        name = f"service-{number:04}"
        labels = {"app.kubernetes.io/name": name}
        api.put("services", name, f"team-{number // 20:03}", labels, spec={"selector": labels, "clusterIP": "10.0.0.1"})
    return api


def _followed(kubeconfig: str) -> dict[str, float]:
    kubernetes = KubernetesSettings(enabled=True, kubeconfig=kubeconfig)
    settings = ExpectationsSettings(kubernetes=kubernetes)
    expectations = Expectations(settings)
    before, began = _resident(), time.process_time()
    sources = Sources(settings, follow=True)
    live = sources.cluster
    assert live
    for watcher in live.watchers:
        threading.Thread(target=watcher.work, daemon=True).start()
    eventually(lambda: all(state.is_settled for state in live.states.values()), "all lists")
    listed, with_lists = time.process_time() - began, _resident()
    read = _cpu(lambda: _replace(sources, expectations))
    with_rules = _resident()
    kind, key = next((kind, key) for kind, of in live.held.all().items() if kind.has_rules for key in of)
    changed: dict[str, object] = {"metadata": {}, "spec": {"podSelector": {}, "policyTypes": ["Egress"]}}
    live.held.put(kind, key, kept(kind, kind.versions[0], changed, key))
    again = _cpu(lambda: _replace(sources, expectations))
    assert len(expectations.policies) == POLICIES
    sources.stop()
    return {
        "cluster_list_s": listed,
        "cluster_read_s": read,
        "cluster_change_s": again,
        "cluster_held_mib": (with_lists - before) / _MIB,
        "cluster_mib": (with_rules - before) / _MIB,
    }


def _replace(sources: Sources, expectations: Expectations) -> None:
    assert sources.cluster
    assert sources.cluster.look()
    expectations.replace(sources.combined())


def _cpu(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _resident() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    log.configure(LogSettings(level=Level.ERROR))
    print(json.dumps(_followed(sys.argv[1])))  # noqa: T201
