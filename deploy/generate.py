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


def generated(root: Path) -> dict[Path, str]:
    """The text of each file."""
    chart = root / "deploy" / "chart"
    readme, values = ((chart / name).read_text(encoding="utf-8") for name in ("README.md", "values.yaml"))
    boards = {chart / "dashboards" / board.name: board for board in (root / "dashboards").glob("*.json")}
    return {
        chart / "README.md": with_table(readme, values),
        **{copy: board.read_text(encoding="utf-8") for copy, board in boards.items()},
        **{root / "deploy" / "manifests" / name: text for name, text in manifests().items()},
    }


def differing(root: Path) -> list[Path]:
    """Files that are not what they should be, and those that should not be."""
    wanted, deploy = generated(root), root / "deploy"
    folders = (*(deploy / "chart" / "dashboards").glob("*"), *(deploy / "manifests").rglob("*"))
    found = {path for path in folders if path.is_file()}
    stale = {path for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text}
    return sorted(stale | (found - wanted.keys()))


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(prog="python -m deploy.generate", description="Write what follows from the chart.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file differs")
    stale = differing(root)
    if parser.parse_args(arguments).check:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(root)} is not what the chart gives: run `make manifests`\n")
        return 1 if stale else 0
    wanted = generated(root)
    for path in stale:
        if path not in wanted:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
