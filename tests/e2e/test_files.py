"""The configuration that people without an operator get, and that it is this one which the stack runs."""

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.files import hurried, laid_out
from tests.programs import ROOT, required

_DEPLOY = ROOT / "deploy"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _files(folder: Path) -> dict[str, bytes]:
    suffixes = (".yaml", ".yml", ".md")
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.suffix in suffixes}


def _expressions() -> list[str]:
    files = (_DEPLOY / "chart" / "rules").glob("*.yaml")
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def test_the_configuration_is_valid() -> None:
    """Each file that it names is there, and promtool has nothing to complain about."""
    config = str(_DEPLOY / "prometheus" / "prometheus.yml")
    checked = subprocess.run(
        [required("promtool"), "check", "config", config], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stdout + checked.stderr


def test_the_scrapes_fit_the_rules() -> None:
    """In the shortest range of the rules are four scrapes at least."""
    config = yaml.safe_load((_DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    assert job["job_name"] == "hubble-egress-exporter"
    ranges = [range_ for text in _expressions() for range_ in re.findall(r"\[(\d+)([smhd])\]", text)]
    assert min(int(number) * _SECONDS[unit] for number, unit in ranges) >= 4 * int(job["scrape_interval"].rstrip("s"))


def test_what_the_stack_changes(tmp_path: Path) -> None:
    """It runs the files of the repository: only the targets are written, and Alertmanager's addresses and waits."""
    laid_out(tmp_path, "127.0.0.1:1", "127.0.0.1:2", "http://127.0.0.1:3")
    ours, theirs = _files(_DEPLOY), _files(tmp_path / "deploy")
    assert ours.keys() == theirs.keys()
    assert {name for name in ours if ours[name] != theirs[name]} == {
        "alertmanager/alertmanager.yml",
        "prometheus/targets/alertmanagers.yaml",
        "prometheus/targets/exporters.yaml",
    }


def test_what_is_hurried() -> None:
    """Routes and inhibitions stay as they are, at every depth, but for the waits of grouping."""
    deepest: dict[str, Any] = {"receiver": "team", "matchers": ['severity="info"'], "group_wait": "10m"}
    route = {"receiver": "all", "repeat_interval": "26h", "routes": [{"continue": True, "routes": [deepest]}]}
    rules = [{"source_matchers": ['severity="critical"'], "equal": ["source_workload"]}]
    chat = {"url": "http://chat.example", "send_resolved": False}
    receivers = [{"name": "all", "webhook_configs": [{"url": "http://a"}]}, {"name": "team", "webhook_configs": [chat]}]
    assert hurried({"route": route, "inhibit_rules": rules, "receivers": receivers}, "http://us") == {
        "route": {
            "receiver": "all",
            "repeat_interval": "26h",
            "group_wait": "5s",
            "group_interval": "5s",
            "routes": [{"continue": True, "routes": [{**deepest, "group_wait": "5s"}]}],
        },
        "inhibit_rules": rules,
        "receivers": [
            {"name": "all", "webhook_configs": [{"url": "http://us/all"}]},
            {"name": "team", "webhook_configs": [{**chat, "url": "http://us/team"}]},
        ],
    }
