"""Lint of runbooks: the chapters, and commands and queries that work."""

import io
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from exporter.expectations.files import read_files
from exporter.options import parse
from tests.rules import hubble_cli
from tests.rules.catalogue import Catalogue
from tests.rules.lint_selectors import matchers, series
from tests.rules.pages import CHAPTERS, FOLDER, Runbook, blocks, commands, files_of, queries
from tests.rules.promql import metric_names
from tests.rules.reading import Rule

OURS = "hubble-egress-exporter"
AGENTS = ("cilium_", "hubble_drop_total", "hubble_lost_events_total", "hubble_flows_processed_total", "container_")
"""Metrics of others that a person may have beside ours."""
_KEYS = {"apiVersion", "allow"}
"""Of a whole manifest, and of an allowlist; the rest is a part of one."""


def chapters(book: Runbook, _known: Catalogue) -> Iterator[str]:
    """The name as the title, and the five chapters in their order, none of them empty."""
    if book.title != f"# {book.name}":
        yield f"the title is {book.title!r}"
    if list(book.chapters) != CHAPTERS:
        yield f"the chapters are {', '.join(book.chapters)}"
    yield from (f"{name} is empty" for name, text in book.chapters.items() if not text.strip())


def diagnosis(book: Runbook, _known: Catalogue) -> Iterator[str]:
    """It begins with our own command, goes on with Hubble's, and asks Prometheus."""
    text = book.chapters.get("Diagnosis", "")
    programs = [words[0] for words in commands(text)]
    for program in (OURS, "hubble"):
        if program not in programs:
            yield f"Diagnosis has no command of {program}"
    if OURS in programs and "hubble" in programs and programs.index(OURS) > programs.index("hubble"):
        yield f"Diagnosis asks hubble before {OURS}"
    if not blocks(text, "promql"):
        yield "Diagnosis has no query"


def our_commands(book: Runbook, _known: Catalogue) -> Iterator[str]:
    """Our own parser takes every command of ours."""
    for words in commands(book.text):
        if words[0] != OURS:
            continue
        said = io.StringIO()
        try:
            with redirect_stderr(said), redirect_stdout(said):
                parse(words[1:])
        except SystemExit as ended:
            if ended.code:
                yield f"{' '.join(words)}: {said.getvalue().strip().splitlines()[-1]}"


def hubble_commands(book: Runbook, _known: Catalogue) -> Iterator[str]:
    """Hubble's own command has the flags, and takes them together."""
    for words in commands(book.text):
        if words[0] == "hubble":
            yield from (f"{' '.join(words)}: {fault}" for fault in hubble_cli.faults(words[1:]))


def promql(book: Runbook, known: Catalogue) -> Iterator[str]:
    """Queries parse, and ask for metrics and labels that are there."""
    try:
        found = list(queries(book.text))
    except ValueError as error:
        yield f"a query does not parse: {error}"
        return
    for expr in found:
        if any(name.startswith(AGENTS) for name in metric_names(expr)):
            continue
        rule = Rule(book.name, "", "", "", expr.prettify(), None)
        yield from (*series(rule, known), *matchers(rule, known))


def manifests(book: Runbook, _known: Catalogue) -> Iterator[str]:
    """YAML is YAML, and what is a manifest or an allowlist is read as the exporter reads it."""
    whole = []
    for text in blocks(book.text, "yaml"):
        try:
            documents = list(yaml.safe_load_all(text))
        except yaml.YAMLError as error:
            yield f"a block is no YAML: {str(error).splitlines()[0]}"
            continue
        if all(isinstance(document, dict) and _KEYS & set(document) for document in documents):
            whole.append(text)
    with TemporaryDirectory() as folder:
        for fault in read_files(files_of(Path(folder), whole)).faults if whole else ():
            yield f"a manifest is not valid: {fault}"


def links(book: Runbook, _known: Catalogue) -> Iterator[str]:
    """Relative links lead to a file."""
    for part in book.text.split("](")[1:]:
        target = part.partition(")")[0].partition("#")[0]
        if target and "://" not in target and not (FOLDER / target).exists():
            yield f"the link to {target} leads nowhere"


LINTS = (chapters, diagnosis, our_commands, hubble_commands, promql, manifests, links)
