"""Write the dashboards' JSON.

python -m dashboards.generate            write the files
python -m dashboards.generate --check    write nothing; name the files that differ and exit with 1
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import egress_overview, exporter_health, workload_triage

FOLDER: Final = Path(__file__).resolve().parent
BUILDERS: Final = (egress_overview.build, workload_triage.build, exporter_health.build)


def generated() -> dict[str, str]:
    """The text of each file, by its name."""
    boards = [build().build() for build in BUILDERS]
    # Sorted, so that a change of ours is the only one in the diff.
    encoder = JSONEncoder(indent=2, sort_keys=True, ensure_ascii=False)
    return {f"{board.uid}.json": encoder.encode(board) + "\n" for board in boards}


def differing(folder: Path) -> list[str]:
    """Names of the files in `folder` that are not what the builders give."""
    wanted = generated()
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.generate", description="Write the dashboards' JSON.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file differs")
    if parser.parse_args(arguments).check:
        stale = differing(FOLDER)
        for name in stale:
            sys.stderr.write(f"dashboards/{name} is not what its builder gives: run `make dashboards`\n")
        return 1 if stale else 0
    for name, text in generated().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
