"""Reading what an API server answers, within bounds of time and size: it may be anybody who answers in its place."""

import json
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from exporter.expectations.trouble import ApiError, Trouble, of_status

if TYPE_CHECKING:
    from httpx2 import Response

_MOST_OF_A_FAULT = 65_536
_LONGEST_PAUSE_DIGITS = 6
LONGEST_LINE = 16 * 1024 * 1024
"""An API server refuses objects of more than some MiB."""
LONGEST_PAGE = 8 * 1024 * 1024
"""What a page is read to costs a multiple of this in memory."""
_LINE_BREAK = b"\n"


def chunks(answer: "Response", seconds: float) -> Iterator[bytes]:
    """An answer as it comes.

    Raises:
        ApiError: when there is no end of it after so many seconds, however much comes.
    """
    end = time.monotonic() + seconds
    # Nothing packed was asked for, and what is packed nevertheless may be of any size.
    for chunk in answer.iter_raw():
        yield chunk
        if time.monotonic() > end:
            raise ApiError(Trouble.TIMED_OUT, "it did not come to an end in time")


def whole(parts: Iterable[bytes]) -> object:
    """The JSON of a page.

    Raises:
        ApiError: when it is too large, or no JSON.
    """
    found = bytearray()
    for part in parts:
        found += part
        if len(found) > LONGEST_PAGE:
            raise ApiError(Trouble.TOO_LARGE, f"a page has more than {LONGEST_PAGE:,} bytes")
    return parsed(found)


def lines(parts: Iterable[bytes]) -> Iterator[bytes | bytearray]:
    """The lines of a watch.

    Raises:
        ApiError: when one is too long, or has no end.
    """
    rest = bytearray()
    for part in parts:
        rest += part
        if _LINE_BREAK in part:
            *complete, rest = rest.split(_LINE_BREAK)
            yield from filter(None, complete)
        if len(rest) > LONGEST_LINE:
            raise ApiError(Trouble.UNREADABLE, f"a line has more than {LONGEST_LINE:,} bytes")
    if rest.strip():
        raise ApiError(Trouble.BROKEN_OFF, "the answer ended within a line")


def refusal(answer: "Response", seconds: float) -> ApiError:
    """What an answer of another status says: why not, and when it may be tried again."""
    found = bytearray()
    for part in chunks(answer, seconds):
        found += part
        if len(found) > _MOST_OF_A_FAULT:
            break
    try:
        said = str(mapping(json.loads(found)).get("message", ""))
    except (ValueError, RecursionError):
        said = ""
    after = answer.headers.get("Retry-After", "")
    pause = float(after) if after.isdecimal() and len(after) <= _LONGEST_PAUSE_DIGITS else 0.0
    return of_status(answer.status_code, said, pause)


def parsed(text: bytes | bytearray) -> object:
    """A value of JSON.

    Raises:
        ApiError: when it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ApiError(Trouble.UNREADABLE, f"the answer is no JSON: {error}") from None


def mapping(value: object) -> dict[str, Any]:
    """It, or an empty one in place of what is none."""
    return value if isinstance(value, dict) else {}
