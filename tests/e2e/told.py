"""How far the story is."""

from datetime import datetime

from exporter.demo.incidents import INCIDENTS
from tests.e2e.stack import Stack
from tests.programs import eventually

DEADLINE = 300.0
"""Seconds after which what has not come will not: the story takes a minute, rules and scrapes two more."""


def told_twice(stack: Stack) -> Stack:
    """Return when everything has happened twice, and every rule had the time to say something about the first."""
    last = INCIDENTS[-1].title
    eventually(lambda: _is_told(stack, last), "the end of the second lap", stack.left(DEADLINE))
    since = stack.prometheus.now()
    eventually(lambda: _all_evaluated_since(stack, since), "an evaluation of every group")
    return stack


def _is_told(stack: Stack, title: str) -> bool:
    stack.check_alive()
    return stack.story.count(title) >= 2


def _all_evaluated_since(stack: Stack, time: float) -> bool:
    stack.check_alive()
    last = [datetime.fromisoformat(group["lastEvaluation"]).timestamp() for group in stack.prometheus.groups()]
    return bool(last) and min(last) >= time
