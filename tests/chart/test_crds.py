"""Custom resources against the schemas of their owners: Cilium, the Prometheus Operator, cert-manager."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.chart.matrix import allowed, merged
from tests.chart.rendering import Object, objects
from tests.chart.schemas import CUSTOM
from tests.programs import required

pytestmark = pytest.mark.skipif(
    os.environ.get("EXPORTER_PROOF") != "yes", reason="installs 39 MB of schemas: `make proof` runs it"
)
_FILES = Path(__file__).parent / "crds"
_MONITORED = {"monitor": {"enabled": True}, "prometheusRule": {"enabled": True}}
Validate: TypeAlias = Callable[[list[Object]], list[str]]


@pytest.fixture(scope="module", name="validate")
def _validate(tmp_path_factory: pytest.TempPathFactory) -> Validate:
    """What the schemas have against objects, in a line each."""
    node, npm = required("node"), required("npm")
    folder = tmp_path_factory.mktemp("crds") / "crds"
    shutil.copytree(_FILES, folder)
    subprocess.run([npm, "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True, timeout=300)

    def validate(found: list[Object]) -> list[str]:
        ended = subprocess.run(
            [node, "validate.mjs"],
            cwd=folder,
            check=True,
            timeout=300,
            input=json.dumps(found),
            capture_output=True,
            text=True,
        )
        return ended.stdout.splitlines()

    return validate


def test_the_schemas_take_what_is_rendered(validate: Validate) -> None:
    """Every different object of all combinations."""
    distinct = {
        json.dumps(one, sort_keys=True)
        for values in allowed().values()
        for one in objects(merged(values, _MONITORED))
        if one["kind"] in CUSTOM
    }
    found = [json.loads(one) for one in distinct]
    assert {one["kind"] for one in found} == CUSTOM
    assert validate(found) == []


def test_the_schemas_find_what_is_wrong(validate: Validate) -> None:
    """A misspelt key that makes a rule empty, a port that is a number, and a missing list."""
    policy = next(one for one in objects({"mode": "node"}) if one["kind"] == "CiliumNetworkPolicy")
    policy["spec"]["egress"].append({"toFQDNs": [{"matchNames": "example.com"}]})
    port = next(one for one in objects({"mode": "node"}) if one["kind"] == "CiliumNetworkPolicy")
    port["spec"]["egress"][0]["toPorts"][0]["ports"][0]["port"] = 53
    monitor = next(one for one in objects(_MONITORED) if one["kind"] == "ServiceMonitor")
    del monitor["spec"]["endpoints"]
    said = validate([policy, port, monitor])
    assert len(said) == 3
    assert all(part in line for part, line in zip(("matchName", "port", "endpoints"), said, strict=True))
