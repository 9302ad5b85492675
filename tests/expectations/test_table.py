"""The answers of the table, each worked out by hand from the documentation of its kind.

A row can be asked by hand: write its manifests to a file and call
`hubble-egress-exporter expectations explain <the row's arguments> FILE`.
"""

from collections import Counter
from pathlib import Path

import pytest

from exporter.expectations.interface import Expectation
from tests.expectations.rows import Row, asked, cases, rows
from tests.programs import run

ROWS = list(rows())
KINDS = frozenset(
    {
        *("toEndpoints", "toEntities", "toServices", "toCIDR", "toCIDRSet", "cidrGroup", "toFQDNs", "toPorts"),
        *("egressDeny", "enableDefaultDeny", "endpointSelector", "nodeSelector", "podSelector", "namespaceSelector"),
        *("ipBlock", "ports", "policyTypes", "isolation", "ServiceEntry", "notEvaluated", "documents"),
    }
)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_answer(row: Row, tmp_path: Path) -> None:
    """A contact has the answer that the documentation gives it."""
    assert asked(row, tmp_path) == row.answer


def test_table_is_large_enough() -> None:
    """Every kind of selector has several rows, and every answer occurs."""
    about = Counter(row.about for row in ROWS)
    assert len(ROWS) >= 200
    assert about.keys() == KINDS
    assert min(about.values()) >= 5
    assert {row.answer for row in ROWS} == set(Expectation)


def test_command_gives_the_answer_first(tmp_path: Path) -> None:
    """The first line of the command is the answer alone, and its exit code is 0 whatever the answer."""
    file = tmp_path / "manifests.yaml"
    by_answer = {row.answer: row for row in ROWS}
    for answer, row in by_answer.items():
        file.write_text(row.case.manifests)
        ended = run("expectations", "explain", *row.arguments, str(file))
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.splitlines()[0] == answer


def test_cases_have_rows() -> None:
    """No case is there for nothing."""
    assert all(case.rows for case in cases())
