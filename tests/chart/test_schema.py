"""The schema knows every value, refuses what it does not know, and what cannot work."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from deploy.helm import CHART, Refused, render
from tests.chart.refusals import REFUSED

_SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
_VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
_FREE = {"config", "global"}
"""Blocks that the chart passes on: the exporter refuses what it does not know."""


def _closed(values: dict[str, Any], schema: dict[str, Any], above: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each block of values that is no map of the user's, with its schema."""
    if schema.get("properties"):
        yield above, schema
        for name, value in values.items():
            if isinstance(value, dict):
                yield from _closed(value, schema["properties"].get(name, {}), f"{above}.{name}".lstrip("."))


_BLOCKS = dict(_closed(_VALUES, _SCHEMA, ""))


@pytest.mark.parametrize("path", _BLOCKS)
def test_a_block_knows_its_values_and_nothing_else(path: str) -> None:
    """Nothing in values.yaml that the schema does not know, and the other way round; a misspelt key is refused."""
    values: dict[str, Any] = _VALUES
    for name in filter(None, path.split(".")):
        values = values[name]
    assert values.keys() == _BLOCKS[path]["properties"].keys() - _FREE.difference(values)
    wrong: dict[str, Any] = {"misspelt": 1}
    for name in reversed(list(filter(None, path.split(".")))):
        wrong = {name: wrong}
    with pytest.raises(Refused, match="additional properties 'misspelt' not allowed"):
        render(wrong)


def test_only_objects_of_kubernetes_and_maps_of_names_are_open() -> None:
    """All blocks with values of their own are closed."""
    assert {
        "",
        "image",
        "hubble.node.socket",
        "hubble.tls.certManager.issuerRef",
        "store.valkey.tls",
        "prometheusRule.thresholds",
        "networkPolicy.webhook",
    } <= _BLOCKS.keys()
    assert all(schema.get("additionalProperties") is False for schema in _BLOCKS.values())


def test_ports_of_services_may_differ_from_those_of_pods() -> None:
    """Only what is reached by an allowed name has one port; by others a service may stand between."""
    named = {"names": ["hook.example"], "port": 8443}
    render({"webhook": {"url": "https://hook.example:8443/"}, "networkPolicy": {"flavor": "cilium", "webhook": named}})
    render({"webhook": {"url": "http://hook/"}, "networkPolicy": {"webhook": {"podLabels": {"a": "b"}, "port": 8080}}})


def test_a_digest_wins_over_the_tag() -> None:
    """Whatever the tag is then: the digest names one image."""
    digest = f"sha256:{'a' * 64}"
    pod = render({"image": {"tag": "latest", "digest": digest}})["templates/deployment.yaml"]
    assert f"hubble-egress-exporter@{digest}" in pod


@pytest.mark.parametrize(
    "interval", ["1m", "60s", "15s", "500ms", "60000ms", "1m0s", "30s500ms", "0m59s1000ms", "010s"]
)
def test_the_rules_take_a_minute_and_less(interval: str) -> None:
    """However it is written; without the rules an installation may scrape as it likes."""
    render({"monitor": {"enabled": True, "interval": interval}, "prometheusRule": {"enabled": True}})
    render({"monitor": {"enabled": True, "interval": "2m"}})


@pytest.mark.parametrize(("values", "said"), REFUSED, ids=[json.dumps(values) for values, _ in REFUSED])
def test_what_cannot_work_is_refused_by_name(values: dict[str, Any], said: str) -> None:
    """Before anything is installed; the message names the value."""
    with pytest.raises(Refused) as refusal:
        render(values)
    assert said in str(refusal.value)
