"""Lists and watches of one connection to an API server, and what can go wrong with them.

lightkube knows where the server is and who we are, and gives an HTTP client that does; answers are read as they come,
for its own watch asks for no bookmarks and makes objects of what is a text to us.

Source: Kubernetes API concepts, "Efficient detection of changes" and "Retrieving large results sets in chunks".
"""

import contextlib
import socket
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.expectations.api_answer import chunks, lines, mapping, parsed, refusal, whole
from exporter.expectations.kinds import Kind
from exporter.expectations.settings import KubernetesSettings
from exporter.expectations.trouble import ApiError, Trouble, of_status

if TYPE_CHECKING:
    from httpx2 import Client

_OK = 200
_NO_VERSIONS = ("", "0")
LONGEST_ANSWER = 10
"""Of a page, in times of what the server may be silent."""


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

    def __init__(self, client: "Client", settings: KubernetesSettings) -> None:
        self._client, self._settings = client, settings
        self._socket: socket.socket | None = None
        self._is_stopped = False

    def page(self, kind: Kind, version: str, rest: str, limit: int) -> Page:
        """A part of all objects of a kind, of so many at most.

        Raises:
            ApiError: when there is none.
        """
        asked = {"limit": str(limit), "continue": rest, "labelSelector": kind.selector}
        silence = self._settings.timeout
        with self._answer(kind.path(version), asked, silence, silence * LONGEST_ANSWER) as parts:
            body = mapping(whole(parts))
        metadata, items = mapping(body.get("metadata")), body.get("items")
        if not isinstance(items, list):
            raise ApiError(Trouble.UNREADABLE, "the answer is no list")
        since = metadata.get("resourceVersion")
        if not isinstance(since, str) or since in _NO_VERSIONS:
            # A watch from nowhere tells what there is, and never what is gone since the list.
            raise ApiError(Trouble.UNREADABLE, "the list has no resourceVersion")
        return Page(items, since, str(metadata.get("continue") or ""))

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
        longest = seconds + self._settings.timeout
        with self._answer(kind.path(version), asked, longest, longest) as parts:
            yield Event("", {})
            for line in lines(parts):
                event = mapping(parsed(line))
                what, item = event.get("type"), mapping(event.get("object"))
                if not isinstance(what, str):
                    raise ApiError(Trouble.UNREADABLE, "a line is no event")
                if what == "ERROR":
                    raise of_status(item.get("code"), str(item.get("message", "")))
                yield Event(what, item)

    def stop(self) -> None:
        """Wake whoever waits for an answer or reads one; it raises."""
        self._is_stopped = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # That of TLS would take the decryption away from whoever reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _opened(self, step: str, told: Mapping[str, Any]) -> None:
        """Whatever the HTTP client does is told here: a connection can be shut before it has answered anything."""
        if step.endswith((".connect_tcp.complete", ".start_tls.complete")):
            connection = told["return_value"].get_extra_info("socket")
            _keep_alive(connection)
            if step.endswith(".start_tls.complete") or self._client.base_url.scheme == "http":
                # Not sooner: shut before its TLS begins, a connection is lost unclosed by Python's ssl.
                self._socket = connection
            if self._is_stopped:
                self.stop()

    @contextlib.contextmanager
    def _answer(self, path: str, asked: dict[str, str], silence: float, longest: float) -> Iterator[Iterator[bytes]]:
        import httpx2  # noqa: PLC0415, who reads no cluster need not have it

        request = self._client.build_request(
            "GET",
            path,
            params={name: value for name, value in asked.items() if value},
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            timeout=httpx2.Timeout(self._settings.timeout, read=silence),
            extensions={"trace": self._opened},
        )
        try:
            answer = self._client.send(request, stream=True)
        except httpx2.ReadTimeout as error:
            raise ApiError(Trouble.TIMED_OUT, "no answer in time") from error
        except httpx2.LocalProtocolError as error:
            # What it says of a header that cannot be sent is the header, that is the token.
            raise ApiError(Trouble.UNREACHABLE, "the request cannot be sent; is the token one line?") from error
        except Exception as error:
            # Plugins of kubeconfig files, token files, name resolution, TLS: each fails in its own way.
            raise ApiError(Trouble.UNREACHABLE, str(error) or type(error).__name__) from error
        try:
            if answer.status_code != _OK:
                raise refusal(answer, longest)
            yield chunks(answer, longest)
        except httpx2.ReadTimeout as error:
            raise ApiError(Trouble.TIMED_OUT, "nothing was said in time") from error
        except httpx2.RequestError as error:
            raise ApiError(Trouble.BROKEN_OFF, str(error)) from error
        finally:
            answer.close()


def _keep_alive(connection: socket.socket) -> None:
    """A peer that is gone is noticed within a minute, however quiet a watch is."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
