"""`/api/v1/status`: the same as the landing page, as JSON, with the fields that API.md lists."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.web.api import to_json
from tests.flows import drop, pod
from tests.programs import ROOT
from tests.statuses import Shown, full

_ROW = re.compile(r"^\| `(?P<field>[^`]+)` \| (?P<type>[a-z ]+) \| (?P<meaning>.+) \|$", re.MULTILINE)
_TYPES: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "time": str,
    "number": (int, float),
    "bool": bool,
    "map": dict,
    "object": dict,
    "list of text": list,
}


def documented() -> dict[str, str]:
    """The fields of API.md's table, with their types."""
    document = (ROOT / "API.md").read_text()
    chapter = document.partition("\n## Status API\n")[2].partition("\n## ")[0]
    return {row["field"]: row["type"] for row in _ROW.finditer(chapter)}


def _fields(value: Any, path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401, whatever JSON holds
    kind = documented().get(path)
    if kind is not None:
        yield path, value
    if isinstance(value, dict) and kind != "map":
        for name, entry in value.items():
            yield from _fields(entry, f"{path}.{name}".removeprefix("."))
    elif isinstance(value, list) and kind != "list of text":
        for entry in value:
            yield from _fields(entry, f"{path}[]")
    elif kind is None:
        yield path, value


def _served() -> list[tuple[str, Any]]:
    return list(_fields(json.loads(to_json(full())), ""))


def test_documented_fields_are_the_served_ones() -> None:
    """Every field that is served is in API.md, and every one in API.md is served."""
    assert {path for path, _ in _served()} == set(documented())


def test_documented_types_are_the_served_ones() -> None:
    """Every field has the type that API.md says."""
    for path, value in _served():
        kind = documented()[path]
        assert isinstance(value, _TYPES[kind]), (path, value)
        if kind == "time":
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(value)), (path, value)


def test_content() -> None:
    """The document holds what the page shows."""
    document = json.loads(to_json(full()))
    assert document["headline"] == "Working: flows arrive"
    assert document["stream"]["state"] == "working"
    assert document["stream"]["nodes"] == {"connected": 1, "unavailable": 1}
    assert document["stream"]["last_fault"]["hint"].startswith("nothing listens there")
    assert document["coverage"] == {
        "state": "measured",
        "ratio": 0.88,
        "lacks_traces": False,
        "lost_events": {"hubble_ring_buffer": 1200},
        "skipped": {"invalid_protobuf": 1},
    }
    assert document["last_drops"][0] == {
        "at": "2027-01-15T08:00:00.000Z",
        "namespace": "shop",
        "workload": "cart",
        "destination": "api.example.com",
        "kind": "fqdn",
        "address": "",
        "port": "53",
        "protocol": "udp",
        "reason": "dns_denied",
        "node_name": "east/node-1",
        "times": 1,
    }
    assert {"path": "web.timeout", "value": "5s", "changed": True} in document["settings"]


def test_before_the_first_event() -> None:
    """What is not known yet is null, what is not there yet empty."""
    document = json.loads(to_json(Shown().take()))
    unknown = ("since", "newest_flow", "newest_arrival", "flows_per_second", "rate_seconds", "last_fault")
    assert [document["stream"][name] for name in unknown] == [None] * len(unknown)
    assert [document[name] for name in ("top_workloads", "last_drops", "remarks")] == [[], [], []]


@pytest.mark.parametrize("name", ["zürich", "\ud800", '"\\\n\0', "x" * 100_000])
def test_strange_names(name: str) -> None:
    """Whatever a name holds, the document is valid JSON in UTF-8."""
    body = to_json(Shown().take(drop(source=pod(name))))
    assert json.loads(body.decode())["last_drops"][0]["workload"]


def test_the_readme_shows_the_pictures() -> None:
    """The pictures that the README shows are there."""
    readme = (ROOT / "README.md").read_text()
    pictures = re.findall(r'src="([^"]+)"', readme)
    shown = ("landing-page", "landing-page-phone", "egress-overview", "workload-triage", "exporter-health")
    assert pictures == [f"dashboards/pictures/{name}.png" for name in shown]
    assert all((ROOT / Path(picture)).read_bytes().startswith(b"\x89PNG") for picture in pictures)
