"""Log lines and their rate limit."""

import io
import json
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from exporter.log import Format, Level, LogSettings, RateLimit, configure, logger


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Logging as it was before, when the test is over."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def _written(level: Level, format_: Format, stream: io.StringIO) -> str:
    configure(LogSettings(level=level, format=format_), stream)
    logger().info("flow_counted", destination="api.example.com", number=3)
    return stream.getvalue()


def test_json() -> None:
    """A JSON line holds the event, its level, its UTC time and its values, and is one line."""
    text = _written(Level.INFO, Format.JSON, io.StringIO())
    line = json.loads(text)
    assert text.count("\n") == 1
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "flow_counted", "level": "info", "destination": "api.example.com", "number": 3}


def test_auto_off_a_terminal() -> None:
    """Off a terminal `auto` is JSON."""
    assert json.loads(_written(Level.INFO, Format.AUTO, io.StringIO()))["event"] == "flow_counted"


def test_auto_on_a_terminal() -> None:
    """On a terminal `auto` is for people, with colours."""
    text = _written(Level.INFO, Format.AUTO, Terminal())
    assert "flow_counted" in text
    assert "\x1b[" in text
    assert not text.startswith("{")


def test_console_off_a_terminal() -> None:
    """The console format in a file has no colours."""
    text = _written(Level.INFO, Format.CONSOLE, io.StringIO())
    assert "flow_counted" in text
    assert "destination=api.example.com" in text
    assert "\x1b[" not in text


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (Level.DEBUG, ["d", "i", "w", "e"]),
        (Level.INFO, ["i", "w", "e"]),
        (Level.WARN, ["w", "e"]),
        (Level.ERROR, ["e"]),
    ],
)
def test_levels(level: Level, expected: list[str]) -> None:
    """What is below the level is not written."""
    stream = io.StringIO()
    configure(LogSettings(level=level, format=Format.JSON), stream)
    log = logger()
    log.debug("d")
    log.info("i")
    log.warning("w")
    log.error("e")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == expected


def test_exceptions_stay_on_their_line() -> None:
    """An exception is part of its JSON line, traceback and all."""
    stream = io.StringIO()
    configure(LogSettings(format=Format.JSON), stream)
    try:
        json.loads("{")
    except ValueError:
        logger().exception("thread_died")
    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue())["exception"].startswith("Traceback")
    assert "JSONDecodeError" in stream.getvalue()


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Read it."""
        return self.now


def test_rate_limit() -> None:
    """A fault passes once per interval, and then says how many repeats were held back."""
    clock = Clock()
    limit = RateLimit(60.0, clock=clock)
    assert limit.admit("dns") == 0
    clock.now += 59.9
    assert [limit.admit("dns") for _ in range(3)] == [None, None, None]
    clock.now += 0.1
    assert limit.admit("dns") == 3
    assert limit.admit("dns") is None
    clock.now += 60
    assert limit.admit("dns") == 1


def test_rate_limit_by_key() -> None:
    """One fault does not hold back another."""
    limit = RateLimit(60.0, clock=Clock())
    assert limit.admit("a") == 0
    assert limit.admit("b") == 0
    assert limit.admit("a") is None


def test_rate_limit_bound() -> None:
    """A fault that invents keys starts the table over instead of growing it."""
    limit = RateLimit(60.0, most_keys=2, clock=Clock())
    assert [limit.admit(key) for key in ("a", "b", "a", "c", "a")] == [0, 0, None, 0, 0]


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.floats(0, 100)), max_size=60), st.integers(1, 4))
def test_rate_limit_property(steps: list[tuple[str, float]], most_keys: int) -> None:
    """Never fails, and never holds a fault back for longer than its interval."""
    clock = Clock()
    limit = RateLimit(60.0, most_keys, clock)
    last: dict[str, float] = {}
    for key, pause in steps:
        clock.now += pause
        held = limit.admit(key)
        assert held is not None or clock.now - last[key] <= 60.0
        if held is not None:
            last[key] = clock.now
