"""What a running exporter takes from settings that are read again."""

import pytest

from exporter.settings import Settings
from exporter.settings.fields import fields
from exporter.settings.layers import load
from exporter.settings.reloading import RELOADABLE, merge


def read(**variables: str) -> Settings:
    """Settings from the environment: `LOG__LEVEL="debug"`."""
    environment = {f"HUBBLE_EGRESS_{name}": text for name, text in variables.items()}
    return load(Settings, config_file=None, environment=environment, flags={})


def test_every_reloadable_setting_exists() -> None:
    """The list names settings, each once."""
    assert set(RELOADABLE) <= {field.path for field in fields(Settings)}
    assert len(RELOADABLE) == len(set(RELOADABLE))


@pytest.mark.parametrize(
    ("variables", "changed", "waiting"),
    [
        ({}, (), ()),
        ({"LOG__LEVEL": "debug"}, ("log.level",), ()),
        ({"SOURCES__EXCLUDE_NAMESPACES": "ops"}, ("sources.exclude-namespaces",), ()),
        ({"DESTINATIONS__RESOLVERS__PORTS": "5353"}, ("destinations.resolvers.ports",), ()),
        ({"DESTINATIONS__CIDR_NAMES": "203.0.113.0/24=pay"}, ("destinations.cidr-names",), ()),
        ({"WEB__LISTEN_ADDRESS": ":1"}, (), ("web.listen-address",)),
        ({"DESTINATIONS__POD_CACHE": "5", "LOG__FORMAT": "json"}, ("log.format",), ("destinations.pod-cache",)),
    ],
)
def test_merge(variables: dict[str, str], changed: tuple[str, ...], waiting: tuple[str, ...]) -> None:
    """What may change is taken, what may not is named and left as it is."""
    wanted = read(**variables)
    merged = merge(Settings(), wanted)
    assert (merged.changed, merged.waiting) == (changed, waiting)
    assert merge(merged.settings, wanted).changed == ()
    assert merge(merged.settings, Settings()).waiting == ()
    assert merge(merged.settings, wanted).waiting == waiting


def test_a_setting_that_is_removed_has_its_default_again() -> None:
    """What the file does not say any more is as if it had never said it."""
    merged = merge(read(LOG__LEVEL="debug", SOURCES__INCLUDE_NAMESPACES="shop"), Settings())
    assert merged.settings == Settings()
