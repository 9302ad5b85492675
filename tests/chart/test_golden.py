"""Three typical installations, as they are: a change of a template shows in the diff of its files.

`EXPORTER_GOLDEN=write make test` writes them.
"""

import os
from pathlib import Path

import pytest
import yaml

from deploy.helm import CHART, render

_GOLDEN = Path(__file__).parent / "golden"
_NAMES = ("relay", "node", "try")
_COMPARED_ELSEWHERE = {"templates/prometheusrule.yaml", "templates/dashboards.yaml"}
"""Their sources are compared with what is rendered, and are long."""


@pytest.mark.parametrize("name", _NAMES)
def test_an_installation_is_what_it_was(name: str) -> None:
    """Objects and notes, in one file."""
    values = yaml.safe_load((CHART / "ci" / f"{name}-values.yaml").read_text(encoding="utf-8"))
    parts = {path: text for path, text in render(values).items() if path not in _COMPARED_ELSEWHERE}
    text = "".join(f"# {path}\n{part}\n" for path, part in parts.items())
    file = _GOLDEN / f"{name}.txt"
    if os.environ.get("EXPORTER_GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
