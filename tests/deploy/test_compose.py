"""The compose file: what it mounts is what its programs read; pinned, hardened, and for this machine only."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.programs import ROOT, required

DEPLOY = ROOT / "deploy"
_COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
_SERVICES: dict[str, dict[str, Any]] = _COMPOSE["services"]
_EACH = pytest.mark.parametrize("name", _SERVICES)


def _mounts(name: str) -> Iterator[tuple[Path, str]]:
    """The files and folders that a service sees, and where."""
    for volume in _SERVICES[name].get("volumes", []):
        source, target, *mode = volume.split(":")
        if source.startswith("."):
            assert mode == ["ro"], volume
            yield (DEPLOY / source).resolve(), target
        else:
            assert source in _COMPOSE["volumes"]


def test_what_there_is() -> None:
    """The exporter, and everything that one would put around it."""
    assert _SERVICES.keys() == {"exporter", "prometheus", "alertmanager", "grafana"}
    assert _SERVICES["exporter"]["command"][0] == "demo"


@_EACH
def test_images_are_pinned(name: str) -> None:
    """Every image has a version, and whoever runs it may give another, or a digest."""
    found = re.fullmatch(r"\$\{[A-Z]+_IMAGE:-([a-z/-]+):(v?\d+\.\d+\.\d+)\}", _SERVICES[name]["image"])
    assert found, _SERVICES[name]["image"]


@_EACH
def test_they_may_little(name: str) -> None:
    """A read-only root, no capabilities, bounded memory, and ports that only this machine reaches."""
    service = _SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"\d+m", service["mem_limit"])
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@_EACH
def test_what_is_mounted_exists(name: str) -> None:
    """A source that is missing would become an empty folder."""
    assert all(source.exists() for source, _ in _mounts(name))


def _laid_out(name: str, root: Path) -> None:
    """What the service sees, in a folder."""
    for source, target in _mounts(name):
        place = root / target.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, place)


def _flag(name: str, flag: str) -> str:
    (value,) = (part.partition("=")[2] for part in _SERVICES[name]["command"] if part.startswith(f"--{flag}="))
    return str(value)


def test_prometheus_finds_rules_and_targets(tmp_path: Path) -> None:
    """The shipped configuration is valid where it is mounted: it finds the rules, and its targets are the services."""
    _laid_out("prometheus", tmp_path)
    config = tmp_path / _flag("prometheus", "config.file").lstrip("/")
    ended = subprocess.run(
        [required("promtool"), "check", "config", str(config)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    rules = sorted(path.name for path in (DEPLOY / "chart/rules").glob("*.yaml"))
    assert all(rule in ended.stdout for rule in rules)
    read = yaml.safe_load(config.read_text())
    lists = [
        *(one for job in read["scrape_configs"] for one in job["file_sd_configs"]),
        *(one for manager in read["alerting"]["alertmanagers"] for one in manager["file_sd_configs"]),
    ]
    targets = [
        target
        for one in lists
        for file in one["files"]
        for group in yaml.safe_load((config.parent / file).read_text())
        for target in group["targets"]
    ]
    ports = {service: _SERVICES[service]["ports"][0].rpartition(":")[2] for service in ("exporter", "alertmanager")}
    assert sorted(targets) == sorted(f"{service}:{port}" for service, port in ports.items())
    assert _SERVICES["exporter"]["command"][-1] == f":{ports['exporter']}"


def test_alertmanager_reads_its_file(tmp_path: Path) -> None:
    """The shipped routes are valid where they are mounted."""
    _laid_out("alertmanager", tmp_path)
    config = tmp_path / _flag("alertmanager", "config.file").lstrip("/")
    amtool = [required("amtool"), "check-config", str(config)]
    ended = subprocess.run(amtool, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_grafana_finds_data_and_dashboards(tmp_path: Path) -> None:
    """One default Prometheus, which is the service, and all our dashboards, the first page among them."""
    _laid_out("grafana", tmp_path)
    provisioning = tmp_path / "etc/grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/hubble-egress.yaml").read_text())["datasources"]
    port = _SERVICES["prometheus"]["ports"][0].rpartition(":")[2]
    assert (source["type"], source["url"], source["isDefault"]) == ("prometheus", f"http://prometheus:{port}", True)
    (provider,) = yaml.safe_load((provisioning / "dashboards/hubble-egress.yaml").read_text())["providers"]
    dashboards = tmp_path / provider["options"]["path"].lstrip("/")
    uids = {json.loads(path.read_text())["uid"] for path in dashboards.rglob("*.json")}
    assert uids == {"hubble-egress-overview", "hubble-egress-workload", "hubble-egress-exporter"}
    home = _SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (tmp_path / home.lstrip("/")).is_file()
