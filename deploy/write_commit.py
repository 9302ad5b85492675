"""Build hook: wheel and sdist carry the commit that they were built from."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from exporter.build import read_head


class CommitHook(BuildHookInterface[Any]):
    """Adds `exporter/commit.txt` when the build runs in a checkout; an sdist has it already."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the file; an editable install reads the checkout itself and needs none."""
        commit = read_head(Path(self.root) / ".git")
        if version != "editable" and commit:
            with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
                file.write(commit + "\n")
            build_data["force_include"][file.name] = "exporter/commit.txt"
