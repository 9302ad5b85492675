"""An entry is asked before it is shown: it must allow the contact until it expires, and none of its neighbours.

It is read as if it stood in a file, and asked by our own evaluator, as suggestions of `triage` are.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from ipaddress import ip_address
from typing import NamedTuple

from exporter.accepting.contact import Contact
from exporter.destinations.patterns import check_name
from exporter.destinations.scopes import Scopes
from exporter.documents.faults import DocumentError
from exporter.documents.syntax import compose_text
from exporter.expectations.asked import port_from, subject_from, target_from
from exporter.expectations.cilium_peers import ENTITIES
from exporter.expectations.evaluator import Evaluator
from exporter.expectations.interface import Expectation
from exporter.expectations.manifests import read_manifests
from exporter.expectations.objects import Objects
from exporter.expectations.question import Question, Subject
from exporter.expectations.spans import span_of

_OTHER_PROTOCOL = {"tcp": "udp", "udp": "tcp", "sctp": "tcp", "icmp": "icmpv6", "icmpv6": "icmp"}
_LAST_PORT = 65535
_APART = ("host", "remote-node", "health", "ingress")
"""Entities of which none is part of another."""
_EXPECTED, _UNEXPECTED, _NOT_COVERED = Expectation.EXPECTED, Expectation.UNEXPECTED, Expectation.NOT_COVERED


class _Asked(NamedTuple):
    """One contact, and what the answer must be."""

    subject: Subject
    to: str
    protocol: str
    port: int | None
    day: date
    wanted: Expectation

    def __str__(self) -> str:
        way = self.protocol if self.port is None else f"{self.port}/{self.protocol}"
        return f"{self.subject} to {self.to} on {way}, {self.day}"


def problem_of(text: str, contact: Contact, beyond: str, today: date, expires: date) -> str:
    """What is wrong with an allowlist of this one entry; empty when nothing is. `beyond` is the domain, if it is one.

    Raises:
        ValueError: when the contact cannot be asked about.
    """
    questions = list(_questions(contact, beyond, today, expires))
    try:
        read = read_manifests([("entry", node) for node in compose_text("entry", text)])
    except DocumentError as error:
        return str(error)
    if read.faults:
        return str(read.faults[0])
    evaluator = Evaluator(read.policies)
    for asked in questions:
        answer = _answer(evaluator, asked)
        if answer is not asked.wanted:
            return f"{asked} would be {answer.value}, and must be {asked.wanted.value}"
    return ""


def expectation_of(evaluator: Evaluator, contact: Contact, today: date) -> Expectation:
    """What these policies say of the contact."""
    subject, (protocol, port) = subject_from(contact.source, None, Objects()), port_from(contact.port)
    return _answer(evaluator, _Asked(subject, contact.to, protocol, port, today, _EXPECTED))


def _answer(evaluator: Evaluator, asked: _Asked) -> Expectation:
    target = target_from(asked.to, None, Objects(), Scopes())
    return evaluator.answer(Question(asked.subject, target, asked.protocol, asked.port), asked.day).expectation


def _questions(contact: Contact, beyond: str, today: date, expires: date) -> Iterator[_Asked]:
    subject, (protocol, port) = subject_from(contact.source, None, Objects()), port_from(contact.port)
    itself = _Asked(subject, contact.to, protocol, port, today, _EXPECTED)
    yield itself
    yield itself._replace(day=expires - timedelta(days=1))
    yield itself._replace(day=expires, wanted=_UNEXPECTED)
    for other_port in () if port is None else (port % _LAST_PORT + 1,):
        yield itself._replace(port=other_port, wanted=_UNEXPECTED)
    yield itself._replace(protocol=_OTHER_PROTOCOL[protocol], wanted=_UNEXPECTED)
    for near in _near(contact.to, beyond):
        yield itself._replace(to=near, wanted=_UNEXPECTED)
    for other in (
        subject._replace(workload=f"{subject.workload}-x"),
        subject._replace(namespace=f"{subject.namespace}x"),
    ):
        yield itself._replace(subject=other, wanted=_NOT_COVERED)


def _near(to: str, beyond: str) -> Iterator[str]:
    """What is next to a destination, and is not meant."""
    if to in ENTITIES:
        yield from (entity for entity in _APART if entity != to)
        yield "other.example"
        return
    try:
        span = span_of(to)
    except ValueError:
        yield from _near_workload(to) if "/" in to else filter(_is_name, _near_name(to.rstrip("."), beyond))
        return
    whole = (1 << (32 if span.version == 4 else 128)) - 1  # noqa: PLR2004, IPv4
    for number in (span.first - 1, span.last + 1):
        if 0 <= number <= whole:
            yield str(ip_address(number.to_bytes(4 if span.version == 4 else 16, "big")))  # noqa: PLR2004, IPv4


def _near_workload(to: str) -> Iterator[str]:
    namespace, _, workload = to.partition("/")
    yield f"{namespace}/{workload}-x"
    yield f"{namespace}-x/{workload}"


def _near_name(name: str, beyond: str) -> Iterator[str]:
    mine = beyond or name
    yield f"x{mine}"
    if not beyond:
        yield f"other.{mine}"
    if "." in mine:
        yield mine.partition(".")[2]


def _is_name(text: str) -> bool:
    try:
        check_name(text)
    except ValueError:
        return False
    return True
