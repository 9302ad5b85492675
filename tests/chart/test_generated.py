"""What follows from the chart is what it gives: README, copies of the dashboards, plain manifests."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import generate
from deploy.helm import CHART, render
from deploy.plain import manifests
from deploy.values_table import rows, with_table
from exporter.build import build
from tests.chart.hardening import RECOMMENDED, faults
from tests.chart.rendering import objects
from tests.chart.schemas import validate

_ROOT = Path(__file__).resolve().parents[2]
_VALUES = (CHART / "values.yaml").read_text(encoding="utf-8")


def test_the_files_are_what_the_chart_gives() -> None:
    """Else `make manifests` was forgotten, or a file was changed by hand."""
    assert generate.differing(_ROOT) == []


def test_check_names_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed file, a missing one and one that should not be; writing mends all of them."""
    for folder in ("dashboards", "deploy/chart", "deploy/manifests"):
        shutil.copytree(_ROOT / folder, tmp_path / folder)
    plain = tmp_path / "deploy" / "manifests"
    (plain / "old.yaml").write_text("")
    (plain / "service.yaml").write_text("")
    (tmp_path / "deploy" / "chart" / "dashboards" / "hubble-egress-overview.json").unlink()
    assert generate.main(["--check"], tmp_path) == 1
    assert [line.partition(" ")[0] for line in capsys.readouterr().err.splitlines()] == [
        "deploy/chart/dashboards/hubble-egress-overview.json",
        "deploy/manifests/old.yaml",
        "deploy/manifests/service.yaml",
    ]
    assert generate.main([], tmp_path) == 0
    assert generate.main(["--check"], tmp_path) == 0


def test_every_value_is_described() -> None:
    """In the README, once; a value without a comment is an error."""
    paths = [row.path for row in rows(_VALUES)]
    assert len(paths) == len(set(paths))
    assert all(row.meaning.endswith((".", "?", "…)")) or "`" in row.meaning for row in rows(_VALUES))
    with pytest.raises(ValueError, match=r"^web\.silent has no comment"):
        rows("web:\n  # -- One.\n  said: 1\n  silent: 2\n")
    with pytest.raises(ValueError, match="no place"):
        with_table("# A README\n", _VALUES)


def test_a_comment_of_several_lines_is_one_sentence() -> None:
    """Lines that follow belong to it; a gap ends it."""
    assert [
        row.meaning for row in rows("# -- One\n# two.\na: 1\n\n# no\nb: # -- x\n  # -- Three | four.\n  c: {}\n")
    ] == [
        "One two.",
        "Three | four.",
    ]


def test_plain_manifests_are_complete_and_hardened() -> None:
    """Every file is named by its kustomization, and nothing of Helm is left in them."""
    texts = manifests()
    for folder in ("", "prometheus-operator/"):
        files = {
            path.removeprefix(folder)
            for path in texts
            if path.startswith(folder) and path.count("/") == folder.count("/")
        }
        assert set(yaml.safe_load(texts[f"{folder}kustomization.yaml"])["resources"]) == files - {"kustomization.yaml"}
    assert not [path for path, text in texts.items() if "helm" in text.lower()]
    plain = [one for path, text in texts.items() if "kustomization" not in path for one in yaml.safe_load_all(text)]
    for document in plain:
        validate(document, "1.30")
    wanted = {f"{kind}: no label app.kubernetes.io/managed-by" for kind in {one["kind"] for one in plain}}
    wanted |= {f"Namespace: no label app.kubernetes.io/{name}" for name in RECOMMENDED[1:]}
    assert set(faults(plain)) == wanted


def test_the_chart_is_of_the_version_of_the_exporter() -> None:
    """Its application is what pyproject.toml builds."""
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == build().version


def test_dashboards_are_for_grafanas_sidecar() -> None:
    """One ConfigMap each, with label and folder; what is in it is the file, letter for letter."""
    boards = [
        one for one in objects({"dashboards": {"enabled": True}}) if "grafana_dashboard" in one["metadata"]["labels"]
    ]
    files = {path.name: path.read_text(encoding="utf-8") for path in (_ROOT / "dashboards").glob("*.json")}
    assert {name: json.loads(text) for one in boards for name, text in one["data"].items()} == {
        name: json.loads(text) for name, text in files.items()
    }
    assert {one["metadata"]["annotations"]["grafana_folder"] for one in boards} == {"Hubble egress"}
    assert all(len(json.dumps(one)) < 250_000 for one in boards), "kubectl apply keeps a copy in an annotation"
    named = yaml.safe_load((_ROOT / "dashboards" / "kustomization.yaml").read_text())["configMapGenerator"]
    assert {file for one in named for file in one["files"]} == files.keys()


def test_the_notes_say_where_the_answer_of_helm_test_is() -> None:
    """Helm looks for its log in the namespace of the release only."""
    beside, apart = (render(values)["templates/NOTES.txt"] for values in ({}, {"namespaceOverride": "other"}))
    assert "helm test hubble-egress-exporter --namespace hubble-egress --logs\n" in beside
    assert "helm test hubble-egress-exporter --namespace hubble-egress\n" in apart
    assert "kubectl --namespace other logs hubble-egress-exporter-preflight\n" in apart
    assert "preflight" not in render({"test": {"enabled": False}})["templates/NOTES.txt"]


def test_the_notes_say_that_pages_are_closed() -> None:
    """By which secret."""
    assert (
        "Secret web-logins says who may" in render({"web": {"configSecretName": "web-logins"}})["templates/NOTES.txt"]
    )
    assert "says who may" not in render()["templates/NOTES.txt"]


def test_the_notes_warn_of_what_is_lost() -> None:
    """An emptyDir, a memory for each node, the folder of the agent's socket, no network policy."""
    installations: dict[str, dict[str, Any]] = {
        "default": {},
        "empty": {"store": {"type": "emptyDir"}},
        "node": {"mode": "node"},
        "socket": {"mode": "node", "hubble": {"node": {"transport": "socket"}}},
        "open": {"networkPolicy": {"enabled": False}},
    }
    notes = {name: render(values)["templates/NOTES.txt"] for name, values in installations.items()}
    assert "WARNING" not in notes["default"]
    assert "emptyDir" in notes["empty"]
    assert "Each node has a memory of its own" in notes["node"]
    assert "agent's API" in notes["socket"]
    assert "may reach everything" in notes["open"]


def test_the_notes_say_what_is_left_to_do() -> None:
    """Labels without which some Prometheus sees no monitor are asked for; where nothing is left, that is said."""
    monitored: dict[str, Any] = {"monitor": {"enabled": True}}
    assert "monitor.labels.release" in render(monitored)["templates/NOTES.txt"]
    monitored["monitor"]["labels"] = {"release": "monitoring"}
    assert "monitor.labels.release" not in render(monitored)["templates/NOTES.txt"]
    asked = {
        **monitored,
        "image": {"registry": "registry.example"},
        "config": {"destinations": {"cluster-cidrs": ["10.0.0.0/8"]}},
        "dashboards": {"enabled": True},
        "expectations": {"configMaps": ["policies"]},
        "prometheusRule": {
            "enabled": True,
            "labels": {"release": "monitoring"},
            "grafanaUrl": "https://grafana.example",
        },
    }
    assert render(asked)["templates/NOTES.txt"].endswith("What is left to do: nothing that the values tell of.\n")
