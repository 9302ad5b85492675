"""`python -m tests.month`: play months to something that finds new destinations, and print what came of it."""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module

from tests.month.harness import UnderTest, play, table
from tests.month.simulator import Month

_UNDER_TEST = "tests.month.engine:Exporter"


def main(arguments: list[str]) -> int:
    """Exit code 1 when a month does not hold the criteria."""
    parser = argparse.ArgumentParser(prog="python -m tests.month", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="how many months")
    parser.add_argument("--first-seed", type=int, default=0, help="the seed of the first one")
    parser.add_argument("--without-dns", action="store_true", help="no DNS flow is seen, and no name")
    parser.add_argument("--restart", action="store_true", help="restart what is tested in the middle of the month")
    parser.add_argument("--under-test", default=_UNDER_TEST, help="MODULE:CALLABLE that makes what is tested")
    chosen = parser.parse_args(arguments)
    factory, results = _factory(chosen.under_test), []
    for seed in range(chosen.first_seed, chosen.first_seed + chosen.seeds):
        results.append(play(Month(seed, dns=not chosen.without_dns), factory, restart=chosen.restart))
        print(table(results[-1:]), flush=True)  # noqa: T201, the command's answer
    return 0 if all(result.passes for result in results) else 1


def _factory(name: str) -> Callable[[], UnderTest]:
    module, _, attribute = name.partition(":")
    made: Callable[[], UnderTest] = getattr(import_module(module), attribute)
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
