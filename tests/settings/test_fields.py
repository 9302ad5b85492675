"""What the program knows about its own settings."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from exporter.settings import Settings
from exporter.settings.fields import SettingField, Shape, effective, fields
from exporter.settings.names import nearest, nearest_path, path_of_variable, variable_of

KNOWN = fields(Settings)


def test_names() -> None:
    """A setting has one name in four spellings, however deep its block."""
    labels = next(field for field in KNOWN if field.path == "destinations.resolvers.labels")
    assert labels.flag == "--destinations.resolvers.labels"
    assert labels.variable == "HUBBLE_EGRESS_DESTINATIONS__RESOLVERS__LABELS"
    assert (labels.block, labels.keys) == ("destinations.resolvers", ("destinations", "resolvers", "labels"))


@pytest.mark.parametrize("field", KNOWN, ids=lambda field: field.path)
def test_every_setting(field: SettingField, load_from: Callable[..., Any]) -> None:
    """Every setting has a description, a name that is its own, and a default that can be written into the file."""
    assert field.description.endswith(".")
    assert path_of_variable(variable_of(field.path)) == field.path
    nested = "".join(f"{'  ' * depth}{key}:\n" for depth, key in enumerate(field.path.split(".")))
    assert load_from(f"{nested[:-1]} {field.default}\n") == Settings()


@pytest.mark.parametrize(
    ("path", "words", "default", "shape"),
    [
        ("log.level", "one of debug, info, warn, error", "info", Shape.ONE),
        ("web.listen-address", "text", ":9968", Shape.ONE),
        ("web.max-scrapes", "number", "4", Shape.ONE),
        ("demo.speed", "number", "20", Shape.ONE),
        ("connections.tcp-window", "duration", "1m", Shape.ONE),
        ("destinations.cluster-domains", "list of text", "[cluster.local, clusterset.local]", Shape.LIST),
        ("destinations.resolvers.ports", "list of numbers", "[53, 5353]", Shape.LIST),
        ("destinations.cidr-names", "map", "{}", Shape.MAP),
    ],
)
def test_types_and_defaults(path: str, words: str, default: str, shape: Shape) -> None:
    """Types are in words and defaults as one writes them in the file."""
    field = next(field for field in KNOWN if field.path == path)
    assert (field.type, field.default, field.shape, field.is_secret) == (words, default, shape, False)


def test_other_kinds(cluster: type[BaseModel]) -> None:
    """Kinds that no setting has yet are described too."""
    described = {field.path: (field.type, field.default, field.is_secret) for field in fields(cluster)}
    assert described == {
        "cluster": ("text", "", False),
        "webhook.token": ("text", "null", True),
        "webhook.token-file": ("text", "null", False),
        "webhook.url": ("text", "null", False),
        "webhook.retry": ("true or false", "true", False),
        "webhook.pause": ("duration", "null", False),
    }


def test_effective(load_from: Callable[..., Any]) -> None:
    """The settings in force are texts by path, as one writes them in the file."""
    assert effective(Settings()) == {field.path: field.default for field in KNOWN}
    settings = load_from("web: {timeout: 90s}\ndestinations: {cidr-names: {10.0.0.0/8: office}}\ndemo: {speed: 0.5}")
    values = effective(settings)
    assert (values["web.timeout"], values["demo.speed"]) == ("90s", "0.5")
    assert values["destinations.cidr-names"] == "{10.0.0.0/8: office}"


def test_settings_are_frozen() -> None:
    """Settings do not change once they are read, and take nothing they do not know."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings().web = Settings().web  # type: ignore[misc] # that is the point
    with pytest.raises(ValidationError, match="Extra inputs"):
        Settings.model_validate({"wep": {}})


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("web.timeot", "web.timeout"),
        ("wep.timeout", "web.timeout"),
        ("max-scrapes", "web.max-scrapes"),
        ("demo.tcp-window", "connections.tcp-window"),
        ("destinations.qqq", None),
        ("web.port", None),
        ("", None),
    ],
)
def test_nearest_path(path: str, near: str | None) -> None:
    """The nearest path is sought in its block, then as a whole, then in other blocks; a shared start counts little."""
    assert nearest_path(path, [field.path for field in KNOWN]) == near


def test_nearest() -> None:
    """The nearest of some names is the most alike one, and none where all are far."""
    assert nearest("chek-config", ("run", "check-config", "demo")) == "check-config"
    assert nearest("qqq", ("run", "demo")) is None
