"""`make bench`: take the rows that are named, or all, and print one table. See CONTRIBUTING.md."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks.cluster import cluster
from tests.benchmarks.cpu import cpu
from tests.benchmarks.expecting import expectations
from tests.benchmarks.memory import memory
from tests.benchmarks.node import node
from tests.benchmarks.nodes import nodes
from tests.benchmarks.report import Figures, invalid, table
from tests.benchmarks.scraping import scrape
from tests.benchmarks.session import InvalidMeasurementError, Session
from tests.benchmarks.story import filtered, ready
from tests.benchmarks.visibility import visible

ROWS: dict[str, Callable[[Session], Figures]] = {
    "cpu": cpu,
    "scrape": scrape,
    "rss": memory,
    "visible": visible,
    "ready": ready,
    "filtered": filtered,
    "expectations": expectations,
    "cluster": cluster,
    "nodes": nodes,
    "node": node,
}


def main(names: Sequence[str]) -> int:
    """Exit code 1 when a measurement means nothing; a target that is not reached is no error."""
    unknown = set(names) - set(ROWS)
    if unknown:
        print(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}", file=sys.stderr)  # noqa: T201
        return 2
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        session = Session(Path(folder))
        try:
            for name in names or ROWS:
                figures.update(ROWS[name](session))
        except InvalidMeasurementError as error:
            print(f"invalid: {error}", file=sys.stderr)  # noqa: T201, it is a command
            return 1
    print(table(figures))  # noqa: T201, the command's answer
    if file := os.environ.get("BENCH_JSON"):
        Path(file).write_text(json.dumps(figures, indent=2) + "\n")
    if why := invalid(figures):
        print(f"invalid: {why}", file=sys.stderr)  # noqa: T201, it is a command
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
