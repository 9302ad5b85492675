"""What deploy/ has, made ready to run here: nothing changes but addresses and the times of grouping."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from tests.programs import ROOT

_WAITS = {"group_wait": "5s", "group_interval": "5s"}
"""Long enough for an alert that makes others silent: it comes with them, and not after them, as in a real group."""


def laid_out(folder: Path, exporter: str, alertmanager: str, receiver: str) -> None:
    """Copy deploy/ into `folder` and write there who is where."""
    shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    targets = folder / "deploy" / "prometheus" / "targets"
    for name, address in (("exporters", exporter), ("alertmanagers", alertmanager)):
        (targets / f"{name}.yaml").write_text(yaml.safe_dump([{"targets": [address]}]))
    config = folder / "deploy" / "alertmanager" / "alertmanager.yml"
    config.write_text(yaml.safe_dump(hurried(yaml.safe_load(config.read_text()), receiver)))


def hurried(config: dict[str, Any], receiver: str) -> dict[str, Any]:
    """The same routes, inhibitions and receivers; each of these posts to us at its own path, and nobody waits long."""
    receivers = [
        {**one, "webhook_configs": [{**hook, "url": f"{receiver}/{one['name']}"} for hook in one["webhook_configs"]]}
        for one in config["receivers"]
    ]
    return {**config, "receivers": receivers, "route": _hurried_route({**_WAITS, **config["route"]})}


def _hurried_route(route: dict[str, Any]) -> dict[str, Any]:
    below = {"routes": [_hurried_route(one) for one in route["routes"]]} if "routes" in route else {}
    return {**route, **below, **{key: wait for key, wait in _WAITS.items() if key in route}}
