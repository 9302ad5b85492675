"""CONFIGURATION.md is made from the settings and holds what it says."""

from collections.abc import Callable
from typing import Any

import pytest

from exporter.settings import Settings
from exporter.settings.bounds import Bound, bounds
from exporter.settings.fields import SettingField, Shape, fields
from exporter.settings.reference import EXAMPLE, configuration_markdown
from exporter.settings.reloading import RELOADABLE

TEXT = configuration_markdown()


@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: field.path)
def test_every_setting_is_described(field: SettingField) -> None:
    """Every setting is one row: name, type, default, meaning, and a mark if it can be changed by a reload."""
    mark = " ↻" if field.path in RELOADABLE else ""
    assert f"| `{field.path}` | {field.type} | `{field.default}` | {field.description}{mark} |" in TEXT


def test_sections() -> None:
    """Every block is a section, blocks in blocks too."""
    headings = [line.removeprefix("## ") for line in TEXT.splitlines() if line.startswith("## ")]
    assert headings[:5] == ["Names", "Example", "Values", "Exit codes", "Signals"]


def test_example(load_from: Callable[..., Any]) -> None:
    """The example is a valid file."""
    assert f"```yaml\n{EXAMPLE}```" in TEXT
    assert load_from(EXAMPLE).destinations.cidr_names == {"203.0.113.0/24": "payment-provider"}


@pytest.mark.parametrize(
    ("environment", "flags"),
    [
        ({"HUBBLE_EGRESS_WEB__LISTEN_ADDRESS": "127.0.0.1:9968"}, {}),
        ({}, {"web.listen-address": ["127.0.0.1:9968"]}),
    ],
)
def test_names(load_from: Callable[..., Any], environment: dict[str, str], flags: dict[str, list[str]]) -> None:
    """The spellings in the table of names are the ones that work."""
    file = load_from('web: {listen-address: "127.0.0.1:9968"}')
    assert load_from(None, environment, flags) == file
    assert all(f"{variable}={text}" in TEXT for variable, text in environment.items())
    assert all(f"--{path}={texts[0]}" in TEXT for path, texts in flags.items())


@pytest.mark.parametrize(
    ("description", "unit", "bytes_each"),
    [
        ("Pods (entries, about 300 B each) remembered.", "entries", 300),
        ("Endpoints (entries, about 1.5 KiB each).", "entries", 1536),
        ("Longest line (bytes) of a file.", "bytes", 1),
    ],
)
def test_bound(description: str, unit: str, bytes_each: int) -> None:
    """Unit and size of a bound stand in its description."""
    field = SettingField(("a", "pod_cache"), "number", "10", description, Shape.ONE, is_secret=False)
    assert bounds([field]) == [Bound("a.pod-cache", unit, 10, bytes_each)]


def test_bounds_of_the_settings() -> None:
    """Every cache and window of entries is in the table, and nothing whose description gives no size."""
    paths = {bound.path for bound in bounds(fields(Settings))}
    assert {"connections.window", "destinations.pod-cache", "hubble.endpoint-cache"} <= paths
    assert {field.path for field in fields(Settings) if field.path.endswith("-cache")} <= paths
    assert "web.max-scrapes" not in paths
    assert "| `connections.window` | entries | 60,000 | 250 | 14 MiB |" in TEXT
