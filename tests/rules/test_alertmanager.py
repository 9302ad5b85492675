"""The shipped example of Alertmanager tells the right people, once, and is silent about what follows from another."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.programs import DEADLINE, eventually, free_port, get
from tests.rules.catalogue import Catalogue, exported
from tests.rules.inhibitions import PATH, chosen, config, faults, repeats
from tests.rules.reading import alerts, rules_of, shipped
from tests.rules.versions import VERSIONS, tool

KNOWN = Catalogue(exported(), rules_of(shipped()))
ROUTES = [
    ("alertname=HubbleEgressUnexpectedDestinationPersistent severity=critical source_namespace=shop", "shop-pager"),
    ("alertname=HubbleEgressUnexpectedDestinationActive severity=warning source_namespace=shop-eu", "shop-tickets"),
    ("alertname=HubbleEgressUnexpectedDestinationSeen severity=info source_namespace=shop", "shop-chat"),
    ("alertname=HubbleEgressUnexpectedDestinationSeen severity=info source_namespace=workshop", "platform-chat"),
    ("alertname=HubbleEgressDNSBlocked severity=warning source_namespace=billing", "platform-tickets"),
    ("alertname=HubbleEgressExporterAbsent severity=critical", "platform-pager"),
    ("alertname=HubbleEgressExporterCoverageUnknown severity=info namespace=shop", "platform-chat"),
    ("alertname=HubbleEgressExporterDown severity=warning", "platform-tickets"),
]


def _run(version: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool("amtool", version), *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("version", VERSIONS)
def test_it_is_valid(version: str) -> None:
    """`amtool check-config` takes it."""
    check = _run(version, "check-config", str(PATH))
    assert check.returncode == 0, check.stdout + check.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_each_alert_reaches_its_people(version: str) -> None:
    """By namespace to the team that owns it, by severity to a pager, a queue or a chat; the rest to the platform."""
    for labels, receiver in ROUTES:
        test = _run(version, "config", "routes", "test", f"--config.file={PATH}", *labels.split())
        assert test.stdout.strip() == receiver, labels


def test_what_was_seen_is_told_once() -> None:
    """Nothing but a page is repeated while a destination is listed, and nothing later than Alertmanager remembers."""
    thresholds = {rule.record: rule.text for rule in rules_of(shipped())}
    listed = float(thresholds["hubble_egress:threshold_seen_seconds"].removeprefix("vector(").removesuffix(")"))
    remembered = 120 * 3600
    for severity, receiver, seconds in repeats(config()["route"]):
        assert seconds < remembered, receiver
        assert seconds > listed or severity == "critical", receiver


def test_messages_are_grouped_by_whom_they_are_about() -> None:
    """One message tells of one alert of one workload of one cluster."""
    expected = {"alertname", "cluster", "source_namespace", "source_workload"}
    assert expected <= set(config()["route"]["group_by"])


def test_addresses_are_placeholders() -> None:
    """No receiver leads to anybody, and each is used."""
    receivers = {receiver["name"]: receiver["webhook_configs"] for receiver in config()["receivers"]}
    urls = [hook["url"] for hooks in receivers.values() for hook in hooks]
    assert [url for url in urls if ".example/" not in url] == []
    assert set(receivers) == {receiver for _, receiver, _ in repeats(config()["route"])}


@pytest.mark.parametrize("rule", config()["inhibit_rules"], ids=lambda rule: rule["source_matchers"][0])
def test_inhibition(rule: dict[str, Any]) -> None:
    """An alert silences no stronger one, and only by labels that both have."""
    assert list(faults(rule, alerts(), KNOWN)) == []


SEEN, ACTIVE, PERSISTENT = (f"HubbleEgressUnexpectedDestination{what}" for what in ("Seen", "Active", "Persistent"))


@pytest.mark.parametrize(
    ("source", "target", "equal", "said"),
    [
        (f'alertname="{ACTIVE}"', f'alertname="{PERSISTENT}"', ["cluster"], "no stronger"),
        (f'alertname="{ACTIVE}"', 'alertname=~"HubbleEgressUnexpected.+"', ["cluster"], "itself"),
        (f'alertname="{ACTIVE}"', f'alertname=~"{SEEN}|HubbleEgressNoSuch"', ["cluster"], "2 alerts, and 1"),
        (f'alertname="{ACTIVE}"', f'alertname="{SEEN}"', ["reason"], "no label reason"),
    ],
)
def test_bad_inhibitions(source: str, target: str, equal: list[str], said: str) -> None:
    """What is wrong with an inhibition is found."""
    rule = {"source_matchers": [source], "target_matchers": [target], "equal": equal}
    assert any(said in fault for fault in faults(rule, alerts(), KNOWN))


CONTACT = {
    "source_namespace": "shop",
    "source_workload": "checkout",
    "destination_kind": "world",
    "scope": "public",
    "destination": "paste.example",
    "destination_port": "443",
    "protocol": "tcp",
    "verdict": "forwarded",
}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_strongest_speaks(version: str, tmp_path: Path) -> None:
    """A real Alertmanager silences the weaker alerts of the same contact, and no alert of another one."""
    other = {**CONTACT, "destination": "other.example"}
    dropped = {**other, "verdict": "dropped"}
    sent = [(SEEN, CONTACT), (ACTIVE, CONTACT), (PERSISTENT, CONTACT), (SEEN, other), (ACTIVE, dropped)]
    with _alertmanager(version, tmp_path) as url:
        _post(f"{url}/api/v2/alerts", [{"labels": {"alertname": name, **labels}} for name, labels in sent])
        expected = {(ACTIVE, "paste.example"), (SEEN, "paste.example")}
        # What silences is known a moment after it has come.
        eventually(lambda: expected <= _silent(url), "alerts that are silent")
        assert _silent(url) == expected


@contextmanager
def _alertmanager(version: str, folder: Path) -> Iterator[str]:
    url = f"http://127.0.0.1:{free_port()}"
    with subprocess.Popen(
        [
            tool("prometheus-alertmanager", version),
            f"--config.file={PATH}",
            f"--storage.path={folder}",
            f"--web.listen-address={url.removeprefix('http://')}",
            "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            eventually(lambda: server.poll() is not None or _is_ready(url), "an Alertmanager that is ready")
            yield url
        finally:
            server.kill()


def _is_ready(url: str) -> bool:
    try:
        return get(f"{url}/-/ready")[0] == 200
    except OSError:
        return False


def _post(url: str, content: object) -> None:
    request = Request(url, json.dumps(content).encode(), {"Content-Type": "application/json"})  # noqa: S310, our own
    with urlopen(request, timeout=DEADLINE) as answer:  # noqa: S310, the same
        assert answer.status == 200


def _silent(url: str) -> set[tuple[str, str]]:
    found = json.loads(get(f"{url}/api/v2/alerts")[1])
    labels = [alert["labels"] for alert in found if alert["status"]["inhibitedBy"]]
    return {(alert["alertname"], alert["destination"]) for alert in labels}


def test_alerts_are_chosen_by_name() -> None:
    """Matchers are read as Alertmanager reads them."""
    names = ["HubbleEgressA", "HubbleEgressB", "Other"]
    assert chosen(['alertname=~"HubbleEgress(A|B)"'], names) == {"HubbleEgressA", "HubbleEgressB"}
    assert chosen(['alertname="Other"'], names) == {"Other"}
    assert chosen(['severity="info"'], names) == set()
