"""What triage says of the demo's story: five things are broken, and all that only looks alarming is not."""

import json
from pathlib import Path

import pytest

from exporter.cli import main


def test_story(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two hours and a lap of a small shop: each breakage under its own cause, and nothing else."""
    recording = str(tmp_path / "demo.jsonl")
    assert main(["demo", "--dump", recording]) == 0
    assert main(["triage", "--format", "json", recording]) == 1
    report = json.loads(capsys.readouterr().out)
    assert {
        f"{workload['namespace']}/{workload['workload']}": [finding["cause"] for finding in workload["findings"]]
        for workload in report["workloads"]
    } == {
        "ops/backup": ["infrastructure"],
        "shop/invoice": ["dns_tcp_blocked"],
        "shop/mailer": ["egress_denied_after_dns"],
        "shop/report": ["query_refused"],
        "shop/wishlist": ["dns_blocked"],
    }
    assert all(
        policy["checked"]
        for workload in report["workloads"]
        for finding in workload["findings"]
        for policy in finding["suggestion"]["policies"]
    )
