"""The JSON beside the builders is what they give, and all of it is Grafana's."""

import json
from pathlib import Path

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import generate
from tests.dashboards.reading import FOLDER, UIDS, Json, dashboard


def test_the_files_are_what_the_builders_give() -> None:
    """Else `make dashboards` was forgotten, or a file was changed by hand."""
    assert generate.differing(FOLDER) == []
    assert sorted(generate.generated()) == sorted(f"{uid}.json" for uid in UIDS)


def test_check_names_what_differs_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A changed file, a missing one and one that no builder gives."""
    generate_into(tmp_path, monkeypatch)
    (tmp_path / "hubble-egress-overview.json").write_text("{}", encoding="utf-8")
    (tmp_path / "hubble-egress-exporter.json").unlink()
    (tmp_path / "old.json").write_text("{}", encoding="utf-8")
    assert generate.main(["--check"]) == 1
    named = [line.partition(" ")[0] for line in capsys.readouterr().err.splitlines()]
    assert named == [f"dashboards/{name}.json" for name in ("hubble-egress-exporter", "hubble-egress-overview", "old")]
    assert not (tmp_path / "hubble-egress-exporter.json").exists()


def test_check_is_content_with_what_was_just_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same builders give the same text."""
    generate_into(tmp_path, monkeypatch)
    assert generate.main(["--check"]) == 0


def generate_into(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the files elsewhere."""
    monkeypatch.setattr(generate, "FOLDER", folder)
    assert generate.main([]) == 0


@pytest.mark.parametrize("uid", UIDS)
def test_grafanas_own_schema_knows_every_key(uid: str) -> None:
    """Read and written by the SDK, which leaves out what it does not know."""
    assert through_the_sdk(dashboard(uid)) == dashboard(uid)


@pytest.mark.parametrize(("key", "wrong"), [("title", "titel"), ("fieldConfig", "fieldconfig"), ("gridPos", "gridpos")])
def test_a_misspelt_key_does_not_come_back(key: str, wrong: str) -> None:
    """This is how the test above finds one."""
    board = dashboard(UIDS[0])
    board["panels"][0][wrong] = board["panels"][0].pop(key)
    assert through_the_sdk(board) != board


def through_the_sdk(board: Json) -> Json:
    """Read it as a dashboard and write it again."""
    register_default_plugins()
    written: Json = json.loads(JSONEncoder().encode(Dashboard.from_json(board)))
    return written
