"""Write what follows from the chart and the dashboards.

python -m deploy.generate            write the files
python -m deploy.generate --check    write nothing; name the files that differ and exit with 1
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deploy.plain import manifests
from deploy.values_table import with_table

ROOT: Final = Path(__file__).resolve().parent.parent
CHART: Final = ROOT / "deploy" / "chart"
PLAIN: Final = ROOT / "deploy" / "manifests"


def generated() -> dict[Path, str]:
    """The text of each file."""
    readme, values = (CHART / "README.md").read_text(encoding="utf-8"), (CHART / "values.yaml").read_text("utf-8")
    boards = {CHART / "dashboards" / board.name: board for board in (ROOT / "dashboards").glob("*.json")}
    return {
        CHART / "README.md": with_table(readme, values),
        **{copy: board.read_text(encoding="utf-8") for copy, board in boards.items()},
        **{PLAIN / name: text for name, text in manifests().items()},
    }


def differing() -> list[Path]:
    """Files that are not what they should be, and those that should not be."""
    wanted = generated()
    found = {*(CHART / "dashboards").glob("*"), *(path for path in PLAIN.rglob("*") if path.is_file())}
    written = {path: path.read_text(encoding="utf-8") if path.exists() else None for path in wanted}
    return sorted({path for path, text in wanted.items() if written[path] != text} | (found - wanted.keys()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(prog="python -m deploy.generate", description="Write what follows from the chart.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file differs")
    if parser.parse_args(arguments).check:
        stale = differing()
        for path in stale:
            sys.stderr.write(f"{path.relative_to(ROOT)} is not what the chart gives: run `make manifests`\n")
        return 1 if stale else 0
    for path, text in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in differing():
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
