"""One file, overridden by the environment, overridden by flags."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.log import Level
from exporter.settings import Settings
from exporter.settings.faults import SettingsError
from exporter.settings.fields import SettingField, fields
from exporter.settings.layers import load

KNOWN = fields(Settings)


@pytest.mark.parametrize(
    "text", [None, "", "# only a comment\n", "---\n", "~", "\ufeff", "web:\n", "destinations: {resolvers: }"]
)
def test_no_settings(load_from: Callable[..., Any], text: str | None) -> None:
    """No file, an empty file and empty blocks leave every default."""
    assert load_from(text) == Settings()


def test_file(load_from: Callable[..., Any]) -> None:
    """A file sets blocks within blocks, lists, maps and durations."""
    settings = load_from(
        "web: {listen-address: '127.0.0.1:80', timeout: 1m30s}\n"
        "destinations:\n  resolvers: {ports: [53], labels: []}\n  cidr-names:\n    10.0.0.0/8: office\n"
    )
    assert settings.web.listen_address == "127.0.0.1:80"
    assert settings.web.timeout == 90
    assert settings.destinations.resolvers.ports == (53,)
    assert settings.destinations.resolvers.labels == ()
    assert settings.destinations.cidr_names == {"10.0.0.0/8": "office"}


def test_precedence(load_from: Callable[..., Any]) -> None:
    """The environment overrides the file, flags override both, and what a layer leaves out stays."""
    settings = load_from(
        "web: {max-scrapes: 1, timeout: 1s}\nlog: {level: debug}",
        {"HUBBLE_EGRESS_WEB__TIMEOUT": "2s", "HUBBLE_EGRESS_LOG__LEVEL": "warn"},
        {"log.level": ["error"]},
    )
    assert (settings.web.max_scrapes, settings.web.timeout, settings.log.level) == (1, 2.0, Level.ERROR)


def test_lists_and_maps_replace(load_from: Callable[..., Any]) -> None:
    """A list or a map of a higher layer replaces the one below as a whole, and an empty one empties it."""
    settings = load_from(
        "sources: {include-namespaces: [shop]}\ndestinations: {cidr-names: {10.0.0.0/8: office}}",
        {"HUBBLE_EGRESS_SOURCES__INCLUDE_NAMESPACES": ""},
        {"destinations.cidr-names": ["fd00::/8=plant"]},
    )
    assert settings.sources.include_namespaces == ()
    assert settings.destinations.cidr_names == {"fd00::/8": "plant"}


def test_lists_and_maps_as_text(load_from: Callable[..., Any]) -> None:
    """Lists and maps are separated by commas in variables and flags, and flags may be repeated."""
    settings = load_from(
        None,
        {"HUBBLE_EGRESS_DESTINATIONS__CIDR_NAMES": "10.0.0.0/8=office, fd00::/8 = a=b,"},
        {"destinations.resolvers.ports": ["53", "54, 55"], "sources.include-namespaces": []},
    )
    assert settings.destinations.cidr_names == {"10.0.0.0/8": "office", "fd00::/8": "a=b"}
    assert settings.destinations.resolvers.ports == (53, 54, 55)


@pytest.mark.parametrize("text", ["on", "null", "0123", "1:30", "2024-01-01", "1e3", "0x10", "~", "a=b"])
def test_same_text_in_all_layers(load_from: Callable[..., Any], text: str) -> None:
    """A text means itself in every layer; only `null` and `~` are nothing in the file."""
    variable, flag = {"HUBBLE_EGRESS_HUBBLE__ADDRESS": text}, {"hubble.address": [text]}
    quoted = f'"{text}"' if text in ("null", "~") else text
    loaded = (load_from(f"hubble: {{address: {quoted}}}"), load_from(None, variable), load_from(None, None, flag))
    assert {settings.hubble.address for settings in loaded} == {text}


def test_anchors(load_from: Callable[..., Any]) -> None:
    """Anchors, aliases and merge keys work; a key of the block itself goes before a merged one."""
    settings = load_from(
        "hubble: &times {address: &relay 'relay:80', backoff-min: 2s, backoff-max: 9s}\n"
        "sources: {include-namespaces: &names [shop, bank], exclude-namespaces: *names}\n"
    )
    assert settings.sources.exclude_namespaces == ("shop", "bank")
    settings = load_from(
        "destinations:\n  cidr-names: &names {10.0.0.0/8: office}\n"
        "  resolvers: {<<: [{ports: [54], labels: []}, {ports: [55]}], labels: [k8s:app=dns]}\n"
    )
    assert settings.destinations.resolvers.ports == (54,)
    assert settings.destinations.resolvers.labels == ("k8s:app=dns",)


def test_higher_layer_mends_lower(load_from: Callable[..., Any]) -> None:
    """A value is judged where it is in force: one that is overridden is not looked at."""
    assert load_from("web: {timeout: never}", None, {"web.timeout": ["1s"]}).web.timeout == 1


def test_all_layers_report_together(message_of: Callable[..., str]) -> None:
    """The faults of all layers are in one message, the lines of the file first."""
    environment = {"HUBBLE_EGRESS_DEMO__SPEED": "fast", "HUBBLE_EGRESS_WEB__PORT": "1"}
    assert message_of("demo: {seed: -1, sed: 1}", environment, {"web.timeout": ["x"], "logg.level": ["info"]}) == (
        "config.yaml:1:14: demo.seed: '-1' is too small; the least is 0\n"
        "config.yaml:1:18: demo.sed: unknown setting; the nearest is demo.seed\n"
        "HUBBLE_EGRESS_WEB__PORT: unknown variable; remove it\n"
        "--logg.level: unknown flag; the nearest is --log.level\n"
        "--web.timeout: 'x' is no duration; write 500ms, 60s, 5m or 1h30m\n"
        "HUBBLE_EGRESS_DEMO__SPEED: 'fast' is no number"
    )


@given(
    field=st.sampled_from([field for field in KNOWN if not field.is_secret]),
    text=st.text(st.characters(exclude_categories=["C"]), max_size=20),
)
def test_property_any_text_is_settings_or_one_line(field: SettingField, text: str) -> None:
    """Whatever a variable or a flag says is a setting or a message, and the same for both; secrets are no flags."""
    outcomes = []
    for environment, flags in (({field.variable: text}, {}), ({}, {field.path: [text]})):
        try:
            outcomes.append(load(Settings, config_file=None, environment=environment, flags=flags).model_dump_json())
        except SettingsError as error:
            outcomes.append(str(error).replace(field.variable, field.flag))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    "text",
    [
        'sources: {include-namespaces: ["\\ud800"]}',
        'destinations: {cidr-names: {10.0.0.0/8: "\\udfff"}}',
    ],
)
def test_half_a_character(load_from: Callable[..., Any], text: str) -> None:
    """What cannot be written in UTF-8 cannot be sent to Hubble, and is a fault at its place."""
    with pytest.raises(SettingsError, match="holds half of a character"):
        load_from(text)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "web:\n"])
def test_an_empty_file_is_no_reload(tmp_path: Path, text: str) -> None:
    """While it runs, a file that had settings a moment ago is not taken for one that wants none."""
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    assert load(Settings, config_file=str(file), environment={}, flags={}) == Settings()
    with pytest.raises(SettingsError, match=r"settings\.yaml: holds no setting: is it being written\?"):
        load(Settings, config_file=str(file), environment={}, flags={}, again=True)
