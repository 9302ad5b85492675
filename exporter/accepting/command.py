"""`known accept`: makes the entry, has it asked, and prints it or writes it behind those of a file."""

import argparse
import sys
from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from exporter.accepting.check import expectation_of, problem_of
from exporter.accepting.contact import Contact, contact_of, is_covered, peers_of
from exporter.accepting.disk import contents, replace
from exporter.accepting.entry import Entry, expires_from, one_line
from exporter.accepting.file import append, policies_in
from exporter.accepting.found import finding_in
from exporter.documents.faults import printable
from exporter.expectations.asked import port_from
from exporter.expectations.evaluator import Evaluator
from exporter.expectations.interface import Expectation

_OK, _FAILED, _BAD_USE = 0, 1, 2
Complain = Callable[[object], None]


class _Made(NamedTuple):
    """The entry, the contact that it is for, and whether its workload is known to be covered already."""

    entry: Entry
    contact: Contact
    covered: bool


def run(options: argparse.Namespace, today: date, complain: Complain) -> int:
    """Accept a finding; returns the exit code.

    Raises:
        DocumentError: when the finding, or the file that the entry should stand in, cannot be used.
    """
    try:
        made = _made(options, today)
        problem = _problem(made, today)
    except ValueError as error:
        complain(printable(str(error)))
        return _BAD_USE
    if problem:
        complain(printable(f"no entry is made, for it would not be exact: {problem}"))
        return _FAILED
    if options.write is None:
        sys.stdout.write(_allowlist(made.entry, ascii_only=not _takes_unicode()))
        _warn(made, complain)
        return _OK
    try:
        return _write(options.write, made, today, complain)
    except OSError as error:
        complain(f"cannot write {options.write}: {error.strerror or error}")
        return _FAILED


def _made(options: argparse.Namespace, today: date) -> _Made:
    given = Contact(options.source or "", options.to or "", options.port or "")
    covered = False
    if options.finding is not None:
        finding = finding_in(options.finding, options.id)
        given, covered = given.or_else(contact_of(finding)), is_covered(finding) and not options.source
    missing = [flag for flag, text in zip(("--from", "--to", "--port"), given, strict=True) if not text]
    if missing:
        told = "give" if options.finding is None else "the finding does not say it; give"
        raise ValueError(f"{told} {' and '.join(missing)}{', or a finding' if options.finding is None else ''}")
    peers = peers_of(given.to, domain=options.domain)
    owner, reason = one_line(options.owner, "--owner"), one_line(options.reason, "--reason")
    protocol, port = port_from(given.port)
    way = protocol.upper() if port is None else f"{port}/{protocol.upper()}"
    entry = Entry(given.source, peers, way, owner, reason, expires_from(options.expires, today))
    return _Made(entry, given._replace(port=way), covered)


def _problem(made: _Made, today: date) -> str:
    beyond = made.entry.to[0]["matchName"] if len(made.entry.to) > 1 else ""
    return problem_of(_allowlist(made.entry), made.contact, beyond, today, made.entry.expires)


def _allowlist(entry: Entry, *, ascii_only: bool = False) -> str:
    return "".join(f"{line}\n" for line in ("allow:", *(f"  {line}" for line in entry.lines(ascii_only=ascii_only))))


def _write(file: str, made: _Made, today: date, complain: Complain) -> int:
    before = contents(file)
    answer = expectation_of(Evaluator(policies_in(file, before or b"")), made.contact, today)
    if answer is Expectation.EXPECTED:
        complain(f"{file} allows it already; nothing is written")
        return _FAILED
    appended = append(file, before or b"", list(made.entry.lines()))
    if expectation_of(Evaluator(appended.policies), made.contact, today) is not Expectation.EXPECTED:
        complain(f"{file} would not allow it; nothing is written")
        return _FAILED
    replace(file, before, appended.content)
    who, to, port = made.contact
    said = printable(f"{file}:{appended.line}: {who} may reach {to} on {port} until {made.entry.expires}")
    sys.stdout.write(f"{said}\n")
    if answer is Expectation.NOT_COVERED:
        _warn(made, complain)
    return _OK


def _warn(made: _Made, complain: Complain) -> None:
    """An allowlist says all that a workload may do: its first entry makes everything else unexpected."""
    if not made.covered:
        who = printable(made.contact.source)
        complain(f"note: with this entry all else that {who} reaches is unexpected, unless something else allows it")


def _takes_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().startswith("utf")
