"""Every value of values.yaml does something, and none of them breaks what it stands in."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from deploy.helm import CHART, Refused, in_words, render
from deploy.values_table import rows
from tests.chart.choices import CHOSEN, EVERYTHING, INSTALLATIONS
from tests.chart.matrix import merged
from tests.chart.rendering import Object, config_of, objects, only

_TEXT = (CHART / "values.yaml").read_text(encoding="utf-8")
_VALUES: dict[str, Any] = yaml.safe_load(_TEXT)


def _other(path: str, default: object) -> object:
    if path in CHOSEN:
        return CHOSEN[path]
    if path.endswith("idrs"):
        return ["198.51.100.0/24"]
    if isinstance(default, bool):
        return not default
    if isinstance(default, int | float):
        return default + 7
    return {"other": "other"} if isinstance(default, dict) else [{"name": "other"}] if default == [] else "other"


def _at(path: str, value: object) -> dict[str, Any]:
    for name in reversed(path.split(".")):
        value = {name: value}
    assert isinstance(value, dict)
    return value


def _value(path: str) -> object:
    return _given(_VALUES, path)


def _given(values: Mapping[str, Any], path: str) -> object:
    value: Any = values
    for name in path.split("."):
        value = value.get(name, {})
    return value


def _rendered(values: Mapping[str, Any]) -> dict[str, str]:
    """What is installed; notes are no part of it."""
    return {path: text for path, text in render(values).items() if path.endswith(".yaml")}


_PATHS = [row.path for row in rows(_TEXT)]


@pytest.mark.parametrize("path", [path for path in _PATHS if path != "replicas"])
def test_a_value_has_an_effect(path: str) -> None:
    """Another one gives another rendering of some installation; `replicas` can have one value only."""
    changed = _at(path, _other(path, _value(path)))
    for values in INSTALLATIONS:
        try:
            after = _rendered(merged(values, changed))
        except Refused:
            continue
        if after != _rendered(values):
            return
    pytest.fail(f"{path} does nothing")


_BLANK_IN: tuple[Mapping[str, Any], ...] = ({}, EVERYTHING, merged(EVERYTHING, {"mode": "node"}))
_THRESHOLDS = "prometheusRule.thresholds"


@pytest.mark.parametrize("path", [_THRESHOLDS, *(path for path in _PATHS if isinstance(_value(path), dict | list))])
def test_a_block_may_be_empty(path: str) -> None:
    """As it is when somebody leaves its name in a file, and nothing below it; also with all turned on that reads it."""
    for values in ({"mode": "node"}, *_BLANK_IN):
        assert objects(merged(values, _at(path, None)))


@pytest.mark.parametrize("path", [path for path in _PATHS if not isinstance(_value(path), dict | list)])
def test_a_value_may_be_blank(path: str) -> None:
    """A name with nothing behind it renders, or is refused in words; never does a template break on it."""
    for values in _BLANK_IN:
        try:
            assert objects(merged(values, _at(path, None)))
        except Refused as refusal:
            if not in_words(refusal):
                raise


def _numbers(value: object) -> Iterator[object]:
    """Numbers and keys that are numbers, where somebody wrote the text 123."""
    if isinstance(value, dict):
        for key, inside in value.items():
            yield from (key,) if key == 123 else ()
            yield from _numbers(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from _numbers(inside)
    elif value == 123:
        yield value


_LISTS: dict[str, Any] = {
    "expectations": {"configMaps": ["123"]},
    "networkPolicy": {
        "dns": {"resolvers": [{"namespace": "123"}]},
        "scrapers": [{"namespace": "123"}],
    },
}


@pytest.mark.parametrize("number", range(len(INSTALLATIONS)))
def test_a_text_that_looks_like_a_number_stays_one(number: int) -> None:
    """Namespaces, secrets and keys may be called 123; all that may be are, at once."""
    values = INSTALLATIONS[number]
    changed: dict[str, Any] = merged(values, _LISTS)
    for path in _PATHS:
        if not isinstance(_value(path), str) or path in CHOSEN or path.startswith("image."):
            continue
        # What is empty stays so, unless it is a name: it would turn something on.
        if _given(values, path) or _value(path) or path.endswith(("Override", "namespace")):
            changed = merged(changed, _at(path, "123"))
    rendered = objects(changed)
    assert list(_numbers(rendered)) == []
    assert list(_numbers(yaml.safe_load(_config(rendered)))) == []


def _config(rendered: list[Object]) -> str:
    """The exporter's file, whatever its ConfigMap is called."""
    (text,) = (one["data"]["config.yaml"] for one in rendered if "config.yaml" in one.get("data", {}))
    return str(text)


def test_large_numbers_are_written_as_numbers() -> None:
    """Helm reads all numbers as floating ones, and would write a million as 1e+06."""
    rendered = objects(
        {
            "monitor": {"enabled": True, "sampleLimit": 1_000_000},
            "podSecurityContext": {"runAsUser": 1_000_700_000},
            "config": {"metrics": {"series": 1_000_000}},
        }
    )
    assert only(rendered, "ServiceMonitor")["spec"]["sampleLimit"] == 1_000_000
    assert only(rendered, "Pod")["spec"]["securityContext"]["runAsUser"] == 1_000_700_000
    assert "series: 1000000" in config_of(rendered)
