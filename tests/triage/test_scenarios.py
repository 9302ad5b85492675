"""Every folder here is one story of broken or sound name resolution, and what triage must say of it.

By hand: `cd tests/triage/scenarios/NAME && hubble-egress-exporter triage [--policies policies.yaml] flows.jsonl`. In
`expected.yaml`, `resembles` are causes that it could be mistaken for.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.cli import main
from exporter.detectors.interface import Cause
from exporter.triage.table import WIDTH

FOLDERS = sorted(path for path in (Path(__file__).parent / "scenarios").iterdir() if path.is_dir())
QUIET = [folder for folder in FOLDERS if folder.name.startswith("quiet-")]
CONFUSED = {
    *(("dns_blocked", "dns_tcp_blocked"), ("dns_blocked", "resolver_ingress_blocked")),
    *(("dns_blocked", "query_refused"), ("dns_blocked", "upstream_blocked"), ("dns_blocked", "infrastructure")),
    *(("dns_blocked", "visibility_missing"), ("query_refused", "search_suffix_refused")),
    *(("query_refused", "upstream_refused"), ("query_refused", "unanswered"), ("nxdomain", "search_suffix_refused")),
    *(("unanswered", "resolver_ingress_blocked"), ("unanswered", "proxy_error"), ("unanswered", "servfail")),
    *(("servfail", "upstream_blocked"), ("egress_denied_after_dns", "stale_address")),
    *(("egress_denied_after_dns", "infrastructure"), ("egress_denied_after_dns", "autopath")),
    *(("egress_denied_after_dns", "visibility_missing"), ("egress_denied_after_dns", "name_not_covered")),
    *(("name_not_covered", "port_not_covered"), ("name_not_covered", "cname_not_covered")),
    *(("name_not_covered", "autopath"), ("name_not_covered", "stale_address"), ("name_not_covered", "still_world")),
    *(("stale_address", "still_world"), ("still_world", "autopath"), ("still_world", "visibility_missing")),
    ("cname_not_covered", "autopath"),
}
"""Pairs of causes that are easily taken for each other."""


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("HUBBLE_EGRESS_"):
            monkeypatch.delenv(name)


def expected_of(folder: Path) -> dict[str, Any]:
    """What triage must say."""
    expected: dict[str, Any] = yaml.safe_load((folder / "expected.yaml").read_text())
    return expected


def sentence_of(folder: Path) -> str:
    """The behaviour that the folder shows."""
    return (folder / "expected.yaml").read_text().splitlines()[0].removeprefix("# ")


def arguments_of(folder: Path, *flags: str) -> list[str]:
    """The command line that reads the folder."""
    policies = ["--policies", str(folder / "policies.yaml")] if (folder / "policies.yaml").exists() else []
    return ["triage", *policies, *flags, str(folder / "flows.jsonl")]


def found_in(report: dict[str, Any]) -> dict[str, Any]:
    """The report as `expected.yaml` writes it."""
    workloads = {}
    for workload in report["workloads"]:
        findings = {}
        for finding in workload["findings"]:
            policies = finding["suggestion"]["policies"]
            assert all(policy["checked"] for policy in policies), finding["suggestion"]
            findings[finding["cause"]] = {
                "confidence": finding["confidence"],
                "count": finding["count"],
                "names": sorted(finding["names"]),
                "destinations": finding["destinations"],
                "policies": [policy["kind"] for policy in policies],
            }
        name = f"{workload['namespace']}/{workload['workload']}"
        workloads[name] = {"dns_visible": workload["dns_visible"], "findings": findings}
    return {"workloads": workloads, "intended_blocks": report["intended_blocks"]}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_scenario(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Triage says exactly what is expected, and its exit code says whether anything is broken."""
    code = main(arguments_of(folder, "--format", "json"))
    output, errors = capsys.readouterr()
    assert errors == "", sentence_of(folder)
    expected = expected_of(folder)
    found = found_in(json.loads(output))
    assert found == {key: expected[key] for key in found}, sentence_of(folder)
    assert code == (1 if expected["workloads"] else 0)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal all that is prose fits 100 columns, and each cause is named."""
    main(arguments_of(folder))
    output = capsys.readouterr().out
    assert max(map(len, output.splitlines())) <= WIDTH
    causes = {cause for workload in expected_of(folder)["workloads"].values() for cause in workload["findings"]}
    assert {cause.value for cause in Cause if f"  {cause.value}, " in output} == causes
    assert ("Nothing is broken" in output) == (not causes)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_scenario_is_complete(folder: Path) -> None:
    """A scenario has its files and one sentence, and is short enough to be read."""
    assert {path.name for path in folder.iterdir()} - {"policies.yaml"} == {"flows.jsonl", "expected.yaml"}
    assert re.fullmatch(r"[A-Z].{20,}\.", sentence_of(folder))
    assert len((folder / "flows.jsonl").read_text().splitlines()) <= 40
    assert bool(expected_of(folder)["workloads"]) == (folder not in QUIET)


def test_every_cause_has_a_scenario() -> None:
    """No cause is without a story that shows it."""
    shown = {
        cause
        for folder in FOLDERS
        for workload in expected_of(folder)["workloads"].values()
        for cause in workload["findings"]
    }
    assert shown == {cause.value for cause in Cause}


def test_every_confusable_pair_has_a_scenario() -> None:
    """Of each pair of causes that are easily confused there is a story of one that could be taken for the other."""
    told = set()
    for folder in FOLDERS:
        expected = expected_of(folder)
        for workload in expected["workloads"].values():
            told |= {frozenset((cause, other)) for cause in workload["findings"] for other in expected["resembles"]}
    assert {frozenset(pair) for pair in CONFUSED} - told == set()


def test_there_are_enough_quiet_scenarios() -> None:
    """What is no breakage is told at least as carefully as what is one."""
    assert len(QUIET) >= 12
    assert len({sentence_of(folder) for folder in FOLDERS}) == len(FOLDERS)
