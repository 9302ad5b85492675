"""The rows of the table: what is in the files under `table/`, and how one is asked."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from exporter.destinations.scopes import Scopes
from exporter.expectations.asked import labels_from, port_from, subject_from, target_from
from exporter.expectations.evaluator import Evaluator
from exporter.expectations.files import load_files
from exporter.expectations.question import Question

TABLE = Path(__file__).parent / "table"
TODAY = date(2027, 1, 1)


class Case(NamedTuple):
    """Manifests, and the rows that are asked of them."""

    file: str
    title: str
    manifests: str
    rows: tuple[dict[str, Any], ...]


class Row(NamedTuple):
    """One question and the answer worked out by hand."""

    case: Case
    number: int
    about: str
    answer: str
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.case.file}: {self.case.title} [{self.number}] {' '.join(self.arguments)}"


def cases() -> Iterator[Case]:
    """All cases of all files."""
    for path in sorted(TABLE.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text()):
            yield Case(path.stem, case["title"], case["manifests"], tuple(case["rows"]))


def rows() -> Iterator[Row]:
    """All rows."""
    for case in cases():
        for number, row in enumerate(case.rows):
            options = ("from", "labels", "to", "to-labels", "port")
            arguments = [text for name in options if name in row for text in (f"--{name}", str(row[name]))]
            yield Row(case, number, row["about"], row["answer"], tuple(arguments))


def asked(row: Row, folder: Path) -> str:
    """What the evaluator answers."""
    file = folder / "manifests.yaml"
    file.write_text(row.case.manifests)
    read = load_files([str(file)])
    options = dict(zip(row.arguments[::2], row.arguments[1::2], strict=True))
    question = Question(
        subject_from(options["--from"], labels_from(options.get("--labels")), read.objects),
        target_from(options["--to"], labels_from(options.get("--to-labels")), read.objects, Scopes()),
        *port_from(options["--port"]),
    )
    return Evaluator(read.policies).answer(question, TODAY).expectation.value
