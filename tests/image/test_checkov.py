"""What Checkov says of the chart's renderings: what the chart's README lists with a reason, and not a word more."""

import json
import re
from pathlib import Path

import pytest
import yaml

from deploy.helm import CHART
from tests.chart.matrix import Values, merged
from tests.chart.rendering import objects
from tests.image.linters import said
from tests.programs import ROOT

_CHOSEN = {"CKV_K8S_11", "CKV_K8S_15", "CKV_K8S_43"}
"""What only who installs can decide: a limit of CPU, when to pull, the digest."""
_ENDS_BY_ITSELF = {"CKV_K8S_8", "CKV_K8S_9"}
_NO_POLICY_THAT_IT_KNOWS, _TOKEN, _USER = "CKV2_K8S_6", "CKV_K8S_38", "CKV_K8S_40"
_STRICT: Values = {
    "image": {"digest": f"sha256:{'a' * 64}", "pullPolicy": "Always"},
    "resources": {"limits": {"cpu": "1"}},
    "test": {"enabled": False},
}
_NODES: Values = {"mode": "node", "networkPolicy": {"flavor": "kubernetes", "nodeCidrs": ["192.168.7.0/24"]}}
_SOCKET: Values = {"mode": "node", "hubble": {"node": {"transport": "socket"}}}


def _typical(name: str) -> Values:
    values: Values = yaml.safe_load((CHART / "ci" / f"{name}-values.yaml").read_text(encoding="utf-8"))
    return values


def _by_default(kind: str, *further: str) -> set[str]:
    """What is found in a workload and in the pod of `helm test`."""
    of_both = {f"{check} {each}" for check in _CHOSEN for each in (kind, "Pod")}
    return of_both | {f"{check} Pod" for check in _ENDS_BY_ITSELF} | set(further)


_NO_POLICY = f"{_NO_POLICY_THAT_IT_KNOWS} Pod"
_INSTALLATIONS: dict[str, tuple[Values, set[str]]] = {
    "default": ({}, _by_default("Deployment")),
    "relay": (_typical("relay"), _by_default("Deployment", _NO_POLICY)),
    "node": (_typical("node"), _by_default("DaemonSet", _NO_POLICY, f"{_TOKEN} DaemonSet")),
    "socket": (_SOCKET, _by_default("DaemonSet", _NO_POLICY)),
    "try": (_typical("try"), _by_default("Deployment", _NO_POLICY)),
    "openshift": (_typical("openshift"), _by_default("Deployment", f"{_USER} Deployment", f"{_USER} Pod")),
    "strict relay": (_STRICT, set()),
    "strict nodes": (merged(_STRICT, _NODES), set()),
}
"""Values, and the checks that fail, each with the kind of what it fails for."""


def _failed(folder: Path) -> set[str]:
    """Check and kind of each failure in a folder of manifests."""
    arguments = ("--framework", "kubernetes", "--directory", str(folder), "--skip-download", "--output", "json")
    report = json.loads(said("checkov", *arguments)[1])
    assert report["summary"]["passed"] > 80
    assert report["summary"]["parsing_errors"] == 0
    # A skip within an object would hide there what belongs into the table.
    assert report["summary"]["skipped"] == 0
    return {f"{one['check_id']} {one['resource'].partition('.')[0]}" for one in report["results"]["failed_checks"]}


@pytest.mark.parametrize("name", _INSTALLATIONS)
def test_an_installation(name: str, tmp_path: Path) -> None:
    """Each fails what it is expected to fail, no more and no less; what a strict one sets, leaves nothing."""
    values, expected = _INSTALLATIONS[name]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(objects(values)))
    assert _failed(tmp_path) == expected


def test_the_manifests() -> None:
    """Those for people without Helm are as the default."""
    assert _failed(ROOT / "deploy/manifests") == {f"{check} Deployment" for check in _CHOSEN}


def _reasons() -> dict[str, str]:
    """The reason of each check, as the table in the chart's README has it."""
    lines = (CHART / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| `CKV")]
    return {check: row[-1] for row in rows for check in re.findall(r"`(CKV\w+)`", row[0])}


def test_each_has_its_reason() -> None:
    """The chart's README has a reason for whatever is found, and for nothing else."""
    found = {one.partition(" ")[0] for _, expected in _INSTALLATIONS.values() for one in expected}
    assert _reasons().keys() == found
    assert all(len(reason.split()) >= 5 for reason in _reasons().values())
