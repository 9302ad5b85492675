"""One stack for all tests of this folder, and what its programs said where one fails."""

from collections.abc import Generator, Iterator

import pytest

from tests.e2e.stack import Stack, running
from tests.e2e.told import told_twice

_STACK = pytest.StashKey[Stack]()


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Stack]:
    """The demo, Prometheus and Alertmanager, from the first test that needs them to the end."""
    with running(tmp_path_factory.mktemp("e2e")) as started:
        pytestconfig.stash[_STACK] = started
        yield started


@pytest.fixture(scope="package")
def told(stack: Stack) -> Stack:
    """The stack when everything has happened twice."""
    return told_twice(stack)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the ends of the logs with the first failure: what comes after it has the same."""
    report = yield
    stack = item.config.stash.get(_STACK, None)
    if report.failed and stack is not None:
        report.sections.append(("what the programs said", stack.last_words()))
        del item.config.stash[_STACK]
    return report
