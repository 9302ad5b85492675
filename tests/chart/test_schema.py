"""The schema knows every value, refuses what it does not know, and what cannot work."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from deploy.helm import CHART, Refused, render
from tests.chart.matrix import merged

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


_VALKEY = {"store": {"type": "valkey", "valkey": {"address": "valkey:6379"}}}
_REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"replicas": 2}, "'/replicas': value must be 1"),
    ({"replicas": 0}, "'/replicas'"),
    ({"mode": "both"}, "'/mode'"),
    ({"image": {"tag": "latest"}}, "'/image/tag'"),
    ({"image": {"digest": "sha256:1"}}, "'/image/digest'"),
    ({"hubble": {"tls": {"mode": False}}}, "'/hubble/tls/mode'"),
    ({"hubble": {"tls": {"mode": "existingSecret"}}}, "'/hubble/tls/existingSecret/name'"),
    ({"hubble": {"tls": {"mode": "certManager"}}}, "issuerRef/name'"),
    ({"hubble": {"tls": {"serverName": "relay.example"}}}, "hubble.tls.mode is disabled"),
    ({"hubble": {"address": "hubble-relay"}}, "'/hubble/address'"),
    ({"mode": "node", "hubble": {"address": "relay:80"}}, "'/hubble/address'"),
    ({"hubble": {"node": {"transport": "socket"}}}, "'/hubble/node/transport'"),
    ({"mode": "node", "store": {"type": "pvc"}}, "'/store/type'"),
    ({"store": {"type": "emptyDir", "pvc": {"existingClaim": "mine"}}}, "'/store/type'"),
    ({"store": {"type": "emptyDir", "valkey": {"address": "valkey:6379"}}}, "'/store/type'"),
    ({"store": {"type": "valkey"}}, "'/store/valkey/address'"),
    ({"store": {"pvc": {"accessMode": "ReadWriteMany"}}}, "'/store/pvc/accessMode'"),
    ({"config": {"hubble": {"address": "relay:80"}}}, "config.hubble.address"),
    ({"mode": "node", "config": {"hubble": {"address": "relay:80"}}}, "config.hubble.address"),
    ({"config": {"known": {"store": "memory"}, "web": {"listen-address": ":1"}}}, "known.store config.web.listen"),
    ({"expectations": {"files": {"shop.txt": ""}}}, "'/expectations/files'"),
    ({"webhook": {"url": "hook.example"}}, "'/webhook/url'"),
    ({"monitor": {"scheme": "https"}}, "'/web/configSecretName'"),
    ({"monitor": {"relabelings": [{"targetLabel": "node"}]}}, "targetLabel'"),
    ({"monitor": {"interval": "thirty"}}, "'/monitor/interval'"),
    ({"prometheusRule": {"alertLabels": {"severity": "info"}}}, "'/prometheusRule/alertLabels'"),
    ({"prometheusRule": {"thresholds": {"fanout": "100"}}}, "'/prometheusRule/thresholds/fanout'"),
    ({"prometheusRule": {"thresholds": {"usual_quantile": 1.5}}}, "'/prometheusRule/thresholds/usual_quantile'"),
    ({"prometheusRule": {"thresholds": {"started_seconds": 600}}}, "'/prometheusRule/thresholds/started_seconds'"),
    ({"networkPolicy": {"nodeCidrs": ["0.0.0.0/0"]}}, "'/networkPolicy/nodeCidrs'"),
    (_VALKEY, "networkPolicy.valkey.podLabels"),
    ({"webhook": {"url": "https://hook.example"}}, "networkPolicy.webhook.podLabels"),
    (merged(_VALKEY, {"networkPolicy": {"valkey": {"names": ["valkey.example"]}}}), "only networkPolicy.flavor cilium"),
    ({"expectations": {"kubernetes": {"enabled": True}}}, "networkPolicy.kubeApiServer.cidrs"),
    ({"mode": "node", "networkPolicy": {"flavor": "kubernetes"}}, "networkPolicy.nodeCidrs"),
    ({"extraArgs": ["log.level=debug"]}, "'/extraArgs/0'"),
    ({"livenessProbe": {"httpGet": {}}}, "'/livenessProbe'"),
    ({"terminationGracePeriodSeconds": 5}, "'/terminationGracePeriodSeconds'"),
]


@pytest.mark.parametrize(("values", "said"), _REFUSED, ids=[json.dumps(values) for values, _ in _REFUSED])
def test_what_cannot_work_is_refused_by_name(values: dict[str, Any], said: str) -> None:
    """Before anything is installed; the message names the value."""
    with pytest.raises(Refused) as refusal:
        render(values)
    assert said in str(refusal.value)
