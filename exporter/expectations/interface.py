"""What this stage is asked, and what it answers."""

from datetime import date
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Expectation(StrEnum):
    """Whether somebody declared a contact. The order is that of `answer`: the first that holds wins."""

    EXPECTED = "expected"
    EXPECTED_WIDE = "expected_wide"
    UNDECIDED = "undecided"
    UNEXPECTED = "unexpected"
    NOT_COVERED = "not_covered"

    # Keys of every count: the enum's own hash is written in Python.
    __hash__ = str.__hash__


class Match(IntEnum):
    """Whether something holds, when what is needed to tell may be missing.

    `min` is and, `max` is or: the logic of Kleene's three values.
    """

    NO = 0
    UNKNOWN = 1
    YES = 2


NO, UNKNOWN, YES = Match.NO, Match.UNKNOWN, Match.YES


class SourceKind(StrEnum):
    """Where a rule comes from."""

    ALLOWLIST = "allowlist"
    POLICIES = "policies"
    FLOWS = "flows"


class PolicyRef(NamedTuple):
    """A policy by its name, and where it stands; a policy that only a flow names has no file."""

    source: SourceKind
    kind: str
    namespace: str
    name: str
    file: str = ""
    line: int = 0

    @property
    def title(self) -> str:
        """Kind and name, without its place."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    def __str__(self) -> str:
        return f"{self.title}{_place(self.file, self.line)}"


class RuleRef(NamedTuple):
    """A rule of a policy; `section` is `egress`, `egressDeny`, `specs[1].egress` or `allow`."""

    policy: PolicyRef
    section: str
    number: int
    line: int = 0

    def __str__(self) -> str:
        rule = f" {self.section}[{self.number}]" if self.section else ""
        return f"{self.policy.title}{rule}{_place(self.policy.file, self.line)}"


class Answer(NamedTuple):
    """Whether a contact was declared, and by what.

    `rule` is what allowed or denied it; without one, `policies` are those that cover the workload, or that leave
    the answer open, and `missing` says what would be needed to tell.
    """

    expectation: Expectation
    rule: RuleRef | None = None
    denied: bool = False
    policies: tuple[PolicyRef, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class NotEvaluated(NamedTuple):
    """A field of a policy that could change its answers and that we do not evaluate."""

    field: str
    path: str
    line: int


NEVER = date.max


def _place(file: str, line: int) -> str:
    return f" ({file}:{line})" if file else ""
