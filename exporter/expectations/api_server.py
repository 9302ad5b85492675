"""Lists and watches of one connection to an API server, and what can go wrong with them.

The `kubernetes` package knows where the server is and who we are; answers are read as they come, for its own watch
keeps the ends of a stream from its caller and makes objects of what is a text to us.

Source: Kubernetes API concepts, "Efficient detection of changes" and "Retrieving large results sets in chunks".
"""

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.expectations.kinds import Kind
from exporter.expectations.settings import KubernetesSettings
from exporter.expectations.trouble import ApiError, Trouble, of_status

if TYPE_CHECKING:
    from kubernetes.client import Configuration
    from urllib3 import BaseHTTPResponse

_OK = 200
_MOST_OF_A_FAULT = 65_536
LONGEST_LINE = 16 * 1024 * 1024
"""An API server refuses objects of more than some MiB."""
_LINE_BREAK = b"\n"


class Page(NamedTuple):
    """A part of a list; `rest` asks for the next one."""

    items: list[object]
    version: str
    rest: str


class Event(NamedTuple):
    """One line of a watch."""

    type: str
    item: dict[str, Any]


class Session:
    """Connections to one API server: of one thread, but any may stop it. What gave up is never used again."""

    def __init__(self, configuration: "Configuration", settings: KubernetesSettings) -> None:
        from kubernetes.client import ApiClient  # noqa: PLC0415, who reads no cluster need not have it

        self._client = ApiClient(configuration)
        self._settings = settings
        self._reading: BaseHTTPResponse | None = None

    def page(self, kind: Kind, version: str, rest: str) -> Page:
        """A part of all objects of a kind.

        Raises:
            ApiError: when there is none.
        """
        asked = {"limit": str(self._settings.page_size), "continue": rest, "labelSelector": kind.selector}
        with self._answer(kind.path(version), asked, self._settings.timeout) as answer:
            body = _mapping(_parsed(answer.data))
        metadata, items = _mapping(body.get("metadata")), body.get("items")
        if not isinstance(items, list):
            raise ApiError(Trouble.UNREADABLE, "the answer is no list")
        return Page(items, str(metadata.get("resourceVersion", "")), str(metadata.get("continue") or ""))

    def watch(self, kind: Kind, version: str, since: str, seconds: int) -> Iterator[Event]:
        """What changes, until the server ends it after so many seconds; the first thing is an event of no type.

        Raises:
            ApiError: when it ends otherwise.
        """
        asked = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": since,
            "timeoutSeconds": str(seconds),
            "labelSelector": kind.selector,
        }
        with self._answer(kind.path(version), asked, seconds + self._settings.timeout) as answer:
            yield Event("", {})
            for line in _lines(answer):
                event = _mapping(_parsed(line))
                what, item = event.get("type"), _mapping(event.get("object"))
                if not isinstance(what, str):
                    raise ApiError(Trouble.UNREADABLE, "a line is no event")
                if what == "ERROR":
                    raise of_status(item.get("code"), str(item.get("message", "")))
                yield Event(what, item)

    def stop(self) -> None:
        """Wake whoever reads an answer; it raises."""
        reading = self._reading
        if reading is not None:
            with contextlib.suppress(Exception):
                reading.shutdown()

    def close(self) -> None:
        """Close the connections."""
        with contextlib.suppress(Exception):
            self._client.rest_client.close()

    @contextlib.contextmanager
    def _answer(self, path: str, asked: dict[str, str], seconds: float) -> "Iterator[BaseHTTPResponse]":
        from urllib3.exceptions import HTTPError, ReadTimeoutError  # noqa: PLC0415, who reads no cluster has it not

        query = [(name, value) for name, value in asked.items() if value]
        try:
            request = self._client.param_serialize(
                "GET",
                path,
                query_params=query,
                header_params={"Accept": "application/json"},
                auth_settings=["BearerToken"],
            )
            answer = self._client.call_api(*request, _request_timeout=(self._settings.timeout, seconds)).response
        except ReadTimeoutError as error:
            raise ApiError(Trouble.TIMED_OUT, "no answer in time") from error
        except Exception as error:
            # Plugins of kubeconfig files, token files, name resolution, TLS: each fails in its own way.
            raise ApiError(Trouble.UNREACHABLE, str(error) or type(error).__name__) from error
        self._reading = answer
        try:
            if answer.status != _OK:
                raise of_status(answer.status, _message_of(answer.read(_MOST_OF_A_FAULT)))
            yield answer
        except ReadTimeoutError as error:
            raise ApiError(Trouble.TIMED_OUT, "nothing was said in time") from error
        except (HTTPError, OSError, AttributeError) as error:
            # A reader whose connection is shut under it may find parts of it gone.
            raise ApiError(Trouble.BROKEN_OFF, str(error)) from error
        finally:
            self._reading = None
            answer.close()


def _lines(answer: "BaseHTTPResponse") -> Iterator[bytes]:
    rest = b""
    for chunk in answer.stream(_MOST_OF_A_FAULT):
        *whole, rest = (rest + chunk).split(_LINE_BREAK)
        yield from filter(None, whole)
        if len(rest) > LONGEST_LINE:
            raise ApiError(Trouble.UNREADABLE, f"a line has more than {LONGEST_LINE:,} bytes")
    if rest.strip():
        raise ApiError(Trouble.BROKEN_OFF, "the answer ended within a line")


def _message_of(body: bytes) -> str:
    """What an API server says, beside the status, of why not."""
    try:
        return str(_mapping(json.loads(body)).get("message", ""))
    except ValueError:
        return ""


def _parsed(text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ApiError(Trouble.UNREADABLE, f"the answer is no JSON: {error}") from None


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
