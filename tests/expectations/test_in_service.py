"""The exporter with expectations: what it counts, and what it does when their files change."""

import json
from pathlib import Path

import pytest

from tests.programs import Process, eventually, run, value_of

REFUSED = Path(__file__).parent.parent / "scenarios" / "dns-refused" / "flows.jsonl"
FLOWS = str(Path(__file__).parent.parent / "scenarios" / "fqdn" / "flows.jsonl")
PREFIX = "hubble_egress_exporter_expectation_"
ALLOW = """\
allow:
  - workloads: ["*/*"]
    to: [{matchPattern: "**.example.com"}]
    owner: team
    reason: it is ours
"""
MORE = """\
  - workloads: [shop/other]
    to: [{entity: world}]
    owner: team
    reason: nobody else
"""


def test_recorded_flows_are_looked_up(tmp_path: Path) -> None:
    """Every connection is looked up, distinct ones count by their answer, and rules by their kind."""
    file = tmp_path / "allow.yaml"
    file.write_text(ALLOW)
    metrics = run("replay", "--once", "--expectations.files", str(file), FLOWS).stdout
    answers = {
        line.partition('"')[2].partition('"')[0]: int(float(line.rpartition(" ")[2]))
        for line in metrics.splitlines()
        if line.startswith(f"{PREFIX}evaluations_total")
    }
    assert answers.keys() == {"expected", "expected_wide", "undecided", "unexpected", "not_covered"}
    assert sum(answers.values()) > 0
    assert answers["not_covered"] == 0
    assert value_of(metrics, f'{PREFIX}rules{{kind="Allowlist",source="allowlist"}}') == 1
    assert value_of(metrics, f'{PREFIX}rules{{kind="NetworkPolicy",source="policies"}}') == 0
    assert value_of(metrics, f"{PREFIX}last_reload_successful") == 1


def test_refused_names_are_looked_up(tmp_path: Path) -> None:
    """A query that policy refused is a contact to the name that was asked, at whatever port it would have been."""
    file = tmp_path / "allow.yaml"
    refused = json.loads(REFUSED.read_text().splitlines()[0])["flow"]["l7"]["dns"]["query"].rstrip(".")
    for name, answer in ((refused, "expected"), ("other.example", "unexpected")):
        entry = f"{{workloads: ['*/*'], to: [{{matchName: {name}}}], ports: [443/TCP], owner: team, reason: it}}"
        file.write_text(f"allow: [{entry}]\n")
        metrics = run("replay", "--once", "--expectations.files", str(file), str(REFUSED)).stdout
        assert value_of(metrics, f'{PREFIX}evaluations_total{{answer="{answer}"}}') == 1


def test_without_files_nothing_is_asked() -> None:
    """Who names no files pays for none."""
    metrics = run("replay", "--once", FLOWS).stdout
    assert value_of(metrics, f'{PREFIX}evaluations_total{{answer="expected"}}') == 0
    assert value_of(metrics, f'{PREFIX}fields_not_evaluated{{field="toGroups"}}') == 0


def test_files_that_change_while_it_runs(tmp_path: Path) -> None:
    """A changed file is read, a broken one never replaces it, and the metrics say both."""
    file = tmp_path / "allow.yaml"
    file.write_text(ALLOW)
    rules = f'{PREFIX}rules{{kind="Allowlist",source="allowlist"}}'
    flags = ("--web.listen-address=127.0.0.1:0", "--expectations.check-interval=1s")
    with Process("replay", f"--expectations.files={file}", *flags, FLOWS) as exporter:
        assert value_of(exporter.metrics(), rules) == 1
        file.write_text(ALLOW + MORE)
        eventually(lambda: value_of(exporter.metrics(), rules) == 2, "a second rule")
        file.write_text(ALLOW + "  - nothing: here\n")
        eventually(lambda: value_of(exporter.metrics(), f"{PREFIX}last_reload_successful") == 0, "a refusal")
        assert value_of(exporter.metrics(), rules) == 2
        (refused,) = exporter.events("expectations_refused")
        assert "allow[1].nothing: no key of an entry" in refused["fault"]
        file.write_text(ALLOW)
        eventually(lambda: value_of(exporter.metrics(), rules) == 1, "the mended file")
        assert value_of(exporter.metrics(), f"{PREFIX}last_reload_successful") == 1


@pytest.mark.parametrize("command", [("check-config",), ("replay", "--once", FLOWS)])
def test_broken_file_at_the_start(command: tuple[str, ...], tmp_path: Path) -> None:
    """It is bad input: said with file, line and field, exit code 2."""
    file = tmp_path / "policies.yaml"
    file.write_text("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a}\nspec: {egress: 1}\n")
    ended = run(command[0], "--expectations.files", str(file), *command[1:])
    assert ended.returncode == 2
    assert f"{file}:4:7: spec: there must be one of endpointSelector and nodeSelector" in ended.stderr
