"""What triage writes fits a terminal and is safe on it, and its exit code never says more than was seen."""

import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from tests.triage.lines import NODE, Run, pod, query, to_dns


def test_columns_of_a_headline(run: Run) -> None:
    """Headlines fit 100 columns, with names as long as OpenShift has them."""
    long = pod(
        "cluster-samples-operator-7bf8c9648f-r7bs2", "openshift-cluster-samples-operator", "cluster-samples-operator"
    )
    assert max(map(len, run.text(to_dns(0, src=long), form="table").splitlines())) <= 100


def test_columns_of_escapes(run: Run) -> None:
    """Lines fit 100 columns although escapes are longer than the characters they stand for."""
    out = run.text(query(0, "\u202e" * 120 + ".example.com.", verdict="DROPPED"), form="table")
    assert max(len(one) for one in out.splitlines() if "matchName" not in one) <= 100


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_control_characters(run: Run, form: str) -> None:
    """C1 (a CSI in one character), DEL, and what turns the direction of text never reach a terminal raw."""
    out = run.text(query(0, "a\u009b31mx\u202e\u007f.example.com.", verdict="DROPPED"), form=form)
    assert not {one for one in out if one != "\n" and unicodedata.category(one) in ("Cc", "Cf")}


def test_exit_code_of_a_pipe() -> None:
    """`triage ... | head -1` does not end with 0, which would say that nothing is broken."""
    flows = Path(__file__).parent / "scenarios/dns-blocked/flows.jsonl"
    reader, writer = os.pipe()
    os.close(reader)
    code = subprocess.run(
        [sys.executable, "-m", "exporter", "triage", str(flows)], stdout=writer, check=False
    ).returncode
    os.close(writer)
    assert code != 0


def test_exit_code_when_no_flow_was_seen(run: Run) -> None:
    """Lost events without a flow do not end with 0: where no flow was seen, nothing is known to be whole."""
    lost = {"lost_events": {"source": "HUBBLE_RING_BUFFER", "num_events_lost": "5"}, "node_name": NODE}
    run.text(lost)
    assert run.code != 0
