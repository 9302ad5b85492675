"""Names in the environment and on the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporter.settings import Settings
from exporter.settings.layers import load


@pytest.mark.parametrize(
    "variable",
    ["HUBBLE_EGRESS_EXPORTER_SERVICE_HOST", "HUBBLE_EGRESS_PORT_80_TCP", "HUBBLE_EGRESS_", "WEB__TIMEOUT", "HOME"],
)
def test_foreign_variables(load_from: Callable[..., Any], variable: str) -> None:
    """Variables without `__` or without the prefix are none of ours, whatever Kubernetes injects."""
    assert load_from(None, {variable: "tcp://10.0.0.1:80"}) == Settings()


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("HUBBLE_EGRESS_WEB__LISTEN_ADRESS", "the nearest is HUBBLE_EGRESS_WEB__LISTEN_ADDRESS"),
        ("HUBBLE_EGRESS_web__timeout", "the nearest is HUBBLE_EGRESS_WEB__TIMEOUT"),
        ("HUBBLE_EGRESS_WEB__LISTEN__ADDRESS", "the nearest is HUBBLE_EGRESS_WEB__LISTEN_ADDRESS"),
        ("HUBBLE_EGRESS__WEB__TIMEOUT", "the nearest is HUBBLE_EGRESS_WEB__TIMEOUT"),
        ("HUBBLE_EGRESS_RESOLVERS__PORTS", "the nearest is HUBBLE_EGRESS_DESTINATIONS__RESOLVERS__PORTS"),
        ("HUBBLE_EGRESS_CONFIG__FIEL", "the nearest is HUBBLE_EGRESS_CONFIG__FILE"),
        ("HUBBLE_EGRESS_DEMO__QQQ", "remove it"),
    ],
)
def test_unknown_variable(message_of: Callable[..., str], variable: str, hint: str) -> None:
    """An unknown variable with `__` in its name is an error that says the nearest valid name."""
    assert message_of(None, {variable: "1"}) == f"{variable}: unknown variable; {hint}"


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("web.listen_address", "the nearest is --web.listen-address"),
        ("listen-address", "the nearest is --web.listen-address"),
        ("config.fil", "the nearest is --config.file"),
        ("qqq", "remove it"),
    ],
)
def test_unknown_flag(message_of: Callable[..., str], path: str, hint: str) -> None:
    """An unknown flag is an error that says the nearest valid one."""
    assert message_of(None, None, {path: ["1"]}) == f"--{path}: unknown flag; {hint}"


@pytest.mark.parametrize(
    ("path", "texts", "fault"),
    [
        ("web.timeout", ["1s", "2s"], "given 2 times; it takes one value, give it once"),
        ("destinations.cidr-names", ["10.0.0.0/8"], "'10.0.0.0/8' is no entry of a map; write KEY=VALUE,KEY=VALUE"),
        ("destinations.cidr-names", ["a=1,b=2", "a=3"], "'a' is given twice; remove one"),
        ("destinations.resolvers.ports", ["53", "dns"], "'dns' is no whole number"),
        ("web.listen-address", [""], "'' is no listen address; write HOST:PORT, :PORT or [V6]:PORT"),
        ("hubble.address", [""], "'' is too short; write at least 1 character(s)"),
        ("hubble.address", ["a\nb" * 50, "b"], "given 2 times; it takes one value, give it once"),
        ("demo.seed", ["9" * 5000], f"'{'9' * 59}… is too large"),
    ],
)
def test_bad_flag(message_of: Callable[..., str], path: str, texts: list[str], fault: str) -> None:
    """A bad value is named with its flag."""
    assert message_of(None, None, {path: texts}) == f"--{path}: {fault}"


def test_config_file_by_name(tmp_path: Path) -> None:
    """The file is named by argument, else by flag, else by variable; an empty variable names none."""
    for seed in (1, 2, 3):
        (tmp_path / f"{seed}.yaml").write_text(f"demo: {{seed: {seed}}}")
    one, two, three = (str(tmp_path / f"{seed}.yaml") for seed in (1, 2, 3))
    environment, flags = {"HUBBLE_EGRESS_CONFIG__FILE": three}, {"config.file": [two]}
    assert load(Settings, config_file=one, environment=environment, flags=flags).demo.seed == 1
    assert load(Settings, config_file=None, environment=environment, flags=flags).demo.seed == 2
    assert load(Settings, config_file=None, environment=environment, flags={}).demo.seed == 3
    empty = {"HUBBLE_EGRESS_CONFIG__FILE": ""}
    assert load(Settings, config_file=None, environment=empty, flags={}) == Settings()
