"""An API server over real HTTP that lists and watches as the real one does, and fails as a test wants it to.

What it does was seen of the apiextensions API server of Kubernetes 1.36: resource versions of one log, `continue`
tokens, bookmarks, an old version as an ERROR of code 410 within an answer of 200, Status objects for what is refused.
"""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

Object = dict[str, Any]
Key = tuple[str, str]
_OK = 200
TOKEN = "a-token-that-must-not-be-seen"  # noqa: S105, it opens nothing
CORE = {
    "namespaces": "/api/v1/namespaces",
    "services": "/api/v1/services",
    "endpointslices": "/apis/discovery.k8s.io/v1/endpointslices",
    "networkpolicies": "/apis/networking.k8s.io/v1/networkpolicies",
}
CUSTOM = {
    "ciliumnetworkpolicies": "/apis/cilium.io/v2/ciliumnetworkpolicies",
    "ciliumclusterwidenetworkpolicies": "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies",
    "ciliumcidrgroups": "/apis/cilium.io/v2/ciliumcidrgroups",
    "serviceentries": "/apis/networking.istio.io/v1/serviceentries",
}


class Change(NamedTuple):
    """One entry of the log."""

    version: int
    path: str
    type: str
    object: Object


class FakeApi:
    """Holds objects and their history; outlives the servers that it is served by, as a database does."""

    def __init__(self) -> None:
        self.paths = {**CORE, **CUSTOM}
        self.requests: list[tuple[str, dict[str, str]]] = []
        """Path and query of each request."""
        self.refused: dict[tuple[str, str], tuple[int, str]] = {}
        """Status and message by verb and resource."""
        self.nonsense: dict[tuple[str, str], bytes] = {}
        """What is answered instead, by verb and resource."""
        self.refused_further: dict[str, tuple[int, str]] = {}
        """Status and message of all pages of a list but the first, by resource."""
        self.headers: dict[str, str] = {}
        """Of refusals, beside the usual ones."""
        self.refuses_without_end = False
        """Whatever is refused with a status never comes to its end."""
        self.trickles: set[tuple[str, str]] = set()
        """What is answered by a space now and then, and never ends, by verb and resource."""
        self.hold: threading.Event | None = None
        """Lists wait for it."""
        self.changed = threading.Condition()
        self.version, self._oldest, self.cuts = 1, 1, 0
        self._objects: dict[str, dict[Key, Object]] = {}
        self._log: list[Change] = []
        self._server: ThreadingHTTPServer | None = None
        self.port = 0

    def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen, on the same port as before."""
        handler = type("Handler", (_Handler,), {"api": self})
        self._server = _Server(("127.0.0.1", self.port), handler)
        self.port = self._server.server_address[1]
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Hang up on everybody, and listen no more."""
        if self._server:
            self.cut()
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def kubeconfig(self, folder: Path, authority: Path | None = None) -> str:
        """A file that says how to reach it, over TLS when somebody vouches for it."""
        file = folder / "kubeconfig"
        cluster = {"server": f"http{'s' if authority else ''}://127.0.0.1:{self.port}"}
        cluster |= {"certificate-authority": str(authority)} if authority else {}
        named = {
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": TOKEN}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        }
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "x", **named}))
        return str(file)

    def put(
        self, resource: str, name: str, namespace: str = "", labels: dict[str, str] | None = None, **parts: object
    ) -> None:
        """Create or replace an object."""
        metadata: Object = {"name": name, "managedFields": [{"manager": "kubectl"}]}
        metadata |= {"namespace": namespace} if namespace else {}
        metadata |= {"labels": labels} if labels else {}
        with self.changed:
            of = self._objects.setdefault(resource, {})
            kind = "MODIFIED" if (namespace, name) in of else "ADDED"
            self._add(resource, kind, {"metadata": metadata, **parts})
            of[namespace, name] = self._log[-1].object

    def delete(self, resource: str, name: str, namespace: str = "") -> None:
        """Delete an object."""
        with self.changed:
            self._add(resource, "DELETED", self._objects[resource].pop((namespace, name)))

    def bookmark(self, resource: str) -> None:
        """Tell watchers how far they are."""
        with self.changed:
            self._add(resource, "BOOKMARK", {"metadata": {}})

    def say(self, resource: str, kind: str, item: Any) -> None:  # noqa: ANN401, whatever JSON can say
        """Send an event as it stands here."""
        with self.changed:
            self.version += 1
            self._log.append(Change(self.version, resource, kind, item))
            self.changed.notify_all()

    def compact(self) -> None:
        """Forget the history: who is not up to date must list again."""
        with self.changed:
            self.version += 1
            self._oldest = self.version

    def cut(self) -> None:
        """Break all watches off in the middle of a line."""
        with self.changed:
            self.cuts += 1
            self.changed.notify_all()

    def count(self, resource: str, *, watch: bool) -> int:
        """How often a resource was listed, or watched."""
        path = self.paths[resource]
        return sum(at == path and ("watch" in query) is watch for at, query in list(self.requests))

    def _add(self, resource: str, kind: str, item: Object) -> None:
        self.version += 1
        item = {**item, "metadata": {**item.get("metadata", {}), "resourceVersion": str(self.version)}}
        self._log.append(Change(self.version, resource, kind, item))
        self.changed.notify_all()

    def resource_of(self, path: str) -> str:
        """The resource at a path; empty when there is none."""
        return next((resource for resource, at in self.paths.items() if at == path), "")

    def page(self, resource: str, query: dict[str, str]) -> Object | None:
        """A part of a list; None when its token is too old."""
        with self.changed:
            version, _, start = query.get("continue", f"{self.version}:0").partition(":")
            if int(version) < self._oldest:
                return None
            chosen = [item for _, item in sorted(self._objects.get(resource, {}).items()) if _selected(item, query)]
            end = int(start) + int(query.get("limit") or len(chosen) or 1)
            metadata = {"resourceVersion": version, **({"continue": f"{version}:{end}"} if end < len(chosen) else {})}
            return {"metadata": metadata, "items": chosen[int(start) : end]}

    def events(
        self, resource: str, query: dict[str, str], cuts: int, *, give_up: Callable[[], bool]
    ) -> Iterator[Object | None]:
        """What happens after a version; None when the answer is to break off, that is after so many cuts."""
        seen = int(query["resourceVersion"])
        while not give_up():
            with self.changed:
                if seen < self._oldest:
                    gone = f"too old resource version: {seen} ({self._oldest})"
                    yield {"type": "ERROR", "object": _status(410, gone)}
                    return
                found = [change for change in self._log if change.version > seen and change.path == resource]
                seen = max([seen, *(change.version for change in found)])
                if not found:
                    if self.cuts != cuts:
                        yield None
                        return
                    self.changed.wait(0.5)
            for change in found:
                if _selected(change.object, query):
                    yield {"type": change.type, "object": change.object}


def _selected(item: Object, query: dict[str, str]) -> bool:
    key, unequal, value = query.get("labelSelector", "").partition("!=")
    return not unequal or "name" not in item["metadata"] or item["metadata"].get("labels", {}).get(key) != value


def _status(code: int, message: str) -> Object:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}


class _Server(ThreadingHTTPServer):
    daemon_threads, allow_reuse_address = True, True

    def handle_error(self, *_: object) -> None:
        """Clients that leave are no news."""


class _Handler(BaseHTTPRequestHandler):
    api: FakeApi
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer a list or a watch."""
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        cuts = self.api.cuts
        # Who sees the request knows that whatever comes later concerns it.
        self.api.requests.append((url.path, query))
        resource = self.api.resource_of(url.path)
        asked = ("watch" if "watch" in query else "list", resource)
        refused = self.api.refused.get(asked)
        if "continue" in query:
            refused = self.api.refused_further.get(resource, refused)
        scheme, _, token = str(self.headers.get("Authorization")).partition(" ")
        if (scheme.lower(), token) != ("bearer", TOKEN):
            self._json(401, _status(401, "Unauthorized"))
        elif not resource:
            self._json(404, _status(404, "the server could not find the requested resource"))
        elif refused:
            self._json(refused[0], _status(*refused))
        elif asked in self.api.trickles:
            with suppress(OSError):
                self._trickle()
        elif asked in self.api.nonsense:
            self._send(200, self.api.nonsense[asked])
        elif "watch" in query:
            with suppress(OSError):
                self._watch(resource, query, cuts)
        else:
            if self.api.hold:
                self.api.hold.wait(60)
            page = self.api.page(resource, query)
            gone = "The provided continue parameter is too old"
            self._json(200, page) if page else self._json(410, _status(410, gone))

    def _watch(self, resource: str, query: dict[str, str], cuts: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        server = self.server
        for event in self.api.events(resource, query, cuts, give_up=lambda: self.api._server is not server):
            if event is None:
                self.wfile.write(b'40\r\n{"type":"ADDED","obj')
                break
            line = json.dumps(event).encode() + b"\n"
            # One line comes in two chunks: where they end means nothing.
            for part in (line[:7], line[7:]):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()
        else:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def _trickle(self, code: int = 200, text: bytes = b" ") -> None:
        self.send_response(code)
        self.end_headers()
        server = self.server
        while self.api._server is server:
            self.wfile.write(text)
            time.sleep(0.01)

    def _json(self, code: int, body: Object) -> None:
        if code != _OK and self.api.refuses_without_end:
            with suppress(OSError):
                self._trickle(code, b" " * 8192)
        else:
            self._send(code, json.dumps(body).encode())

    def _send(self, code: int, text: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        for name, value in self.api.headers.items() if code != _OK else ():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(text)
