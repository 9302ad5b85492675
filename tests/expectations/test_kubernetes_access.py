"""Where the API server is and who asks: what a kubeconfig and the environment may say, and what is made of it."""

import json
import os
import select
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.expectations.api_access import check_access
from exporter.expectations.files import ExpectationsError
from exporter.expectations.settings import KubernetesSettings
from exporter.expectations.trouble import Trouble
from tests.expectations.fake_api import TOKEN, FakeApi
from tests.expectations.following import following
from tests.programs import eventually

NOBODY = "http://127.0.0.1:1"
PLUGIN = """
import json, os
asked = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
assert os.environ["COLOUR"] == "blue"
print(json.dumps({"apiVersion": asked["apiVersion"], "kind": asked["kind"], "status": {"token": "%s"}}))
"""
Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """An API server with nothing in it."""
    fake = FakeApi()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeApi, Change], None]:
    """Lets a test change the kubeconfig of an API server before it is used."""

    def change(api: FakeApi, how: Change) -> None:
        written = api.kubeconfig

        def kubeconfig(folder: Path) -> str:
            file = Path(written(folder))
            config = json.loads(file.read_text())
            how(config)
            file.write_text(json.dumps(config))
            return str(file)

        monkeypatch.setattr(api, "kubeconfig", kubeconfig)

    return change


def _refused(api: FakeApi, folder: Path, context: str = "") -> str:
    settings = KubernetesSettings(enabled=True, kubeconfig=api.kubeconfig(folder), context=context)
    with pytest.raises(ExpectationsError) as raised:
        check_access(settings)
    return str(raised.value)


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_plugin(version: str, api: FakeApi, tmp_path: Path, changed: Callable[[FakeApi, Change], None]) -> None:
    """A plugin is told which version is wanted, as kubectl tells it, and its token is used."""
    script = tmp_path / "plugin.py"
    script.write_text(PLUGIN % TOKEN)
    plugin = {
        "apiVersion": f"client.authentication.k8s.io/{version}",
        "command": sys.executable,
        "args": [str(script)],
        "env": [{"name": "COLOUR", "value": "blue"}],
        "interactiveMode": "Never",
    }
    changed(api, lambda config: config["users"][0].update(user={"exec": plugin}))
    with following(api, tmp_path) as run:
        run.settle()


def test_plugin_that_fails(api: FakeApi, tmp_path: Path, changed: Callable[[FakeApi, Change], None]) -> None:
    """Why it failed is said, and it is tried again."""
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", "raise SystemExit('log in first')"],
    }
    changed(api, lambda config: config["users"][0].update(user={"exec": plugin}))
    with capture_logs() as logs, following(api, tmp_path) as run:
        eventually(lambda: run.state("services").ends[Trouble.UNREACHABLE] > 1, "attempts")
    assert "log in first" in json.dumps(logs)


def test_plugin_that_hangs(api: FakeApi, tmp_path: Path, changed: Callable[[FakeApi, Change], None]) -> None:
    """It is killed after `timeout`, with what it started, and asked again: one that works by then is used."""
    token = tmp_path / "token.json"
    with _silent_pipe(token) as is_read:
        plugin = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "sh",
            "args": ["-c", f"cat '{token}'; exit"],
        }
        changed(api, lambda config: config["users"][0].update(user={"exec": plugin}))
        with capture_logs() as logs, following(api, tmp_path, timeout=0.5) as run:
            states = run.cluster.states.values()
            eventually(is_read, "somebody who waits for it")
            eventually(lambda: all(state.ends[Trouble.UNREACHABLE] for state in states), "attempts")
            ready = tmp_path / "ready.json"
            ready.write_text(json.dumps({"status": {"token": TOKEN}}))
            ready.rename(token)
            run.settle()
            eventually(lambda: not is_read(), "the end of whoever waits for it")
    assert "plugin sh gave no answer within 0.5 s" in json.dumps(logs)


@contextmanager
def _silent_pipe(file: Path) -> Iterator[Callable[[], bool]]:
    """A file of which nothing can be read, nor its end; gives whether anybody tries."""
    os.mkfifo(file)
    # Only where there is a reader can one write.
    both = os.open(file, os.O_RDWR)
    writer = os.open(file, os.O_WRONLY)
    os.close(both)
    poll = select.poll()
    poll.register(writer, select.POLLOUT)
    try:
        yield lambda: not poll.poll(0)[0][1] & select.POLLERR
    finally:
        os.close(writer)


@pytest.mark.parametrize(
    ("plugin", "why"),
    [
        ({"args": ["-c", "print('{}')"]}, "gave no token"),
        ({"args": ["-c", "print('[1]')"]}, "gave no token"),
        ({"args": ["-c", "print(1, 2)"]}, "Extra data"),
        ({"apiVersion": "client.authentication.k8s.io/v9"}, "client.authentication.k8s.io/v9 cannot be used"),
        ({"command": "./is-not-there"}, "No such file"),
    ],
)
def test_plugin_without_a_token(
    plugin: dict[str, Any], why: str, api: FakeApi, tmp_path: Path, changed: Callable[[FakeApi, Change], None]
) -> None:
    """What it lacks is said, and it is tried again."""
    usual = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable}
    changed(api, lambda config: config["users"][0].update(user={"exec": {**usual, **plugin}}))
    with capture_logs() as logs, following(api, tmp_path) as run:
        eventually(lambda: run.state("services").ends[Trouble.UNREACHABLE] > 1, "attempts")
    assert why in json.dumps(logs)


@pytest.mark.parametrize("way", ["token", "tokenFile", "exec"])
def test_refusal_that_has_no_end(
    way: str, api: FakeApi, tmp_path: Path, changed: Callable[[FakeApi, Change], None]
) -> None:
    """A token that was good for a list and is not for the watch: no way to come by one reads why without bounds."""
    said = tmp_path / "said"
    said.write_text(json.dumps({"status": {"token": TOKEN}}))
    (tmp_path / "file").write_text(f"{TOKEN}\n")
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "cat", "args": [str(said)]}
    user = {"token": TOKEN, "tokenFile": str(tmp_path / "file"), "exec": plugin}
    changed(api, lambda config: config["users"][0].update(user={way: user[way]}))
    api.refuses_without_end = True
    api.refused["watch", "services"] = (401, "no")
    with following(api, tmp_path, timeout=600) as run:
        eventually(lambda: run.state("services").ends[Trouble.UNAUTHORIZED] > 1, "refusals")


def test_token_file(api: FakeApi, tmp_path: Path, changed: Callable[[FakeApi, Change], None]) -> None:
    """As kubectl has it, its path starts at the kubeconfig, and it counts more than a token beside it."""
    (tmp_path / "file").write_text(f"{TOKEN}\n")
    changed(api, lambda config: config["users"][0].update(user={"token": "old", "tokenFile": "file"}))
    with following(api, tmp_path) as run:
        run.settle()
    (tmp_path / "file").unlink()
    assert "No such file" in _refused(api, tmp_path)


@pytest.mark.parametrize("field", ["proxy-url", "tls-server-name"])
def test_what_would_be_passed_over(
    field: str, api: FakeApi, tmp_path: Path, changed: Callable[[FakeApi, Change], None]
) -> None:
    """A field that says which way to go, or whom to trust, is refused rather than ignored."""
    changed(api, lambda config: config["clusters"][0]["cluster"].update({field: NOBODY}))
    assert f"{field} of cluster c cannot be used here" in _refused(api, tmp_path)


def test_names_that_lead_nowhere(api: FakeApi, tmp_path: Path, changed: Callable[[FakeApi, Change], None]) -> None:
    """A context, a cluster or a user that is not in the file is bad use."""
    assert "Context 'other' not found" in _refused(api, tmp_path, "other")
    changed(api, lambda config: config["contexts"][0]["context"].update(cluster="d"))
    assert "no 'd'" in _refused(api, tmp_path)
    changed(api, lambda config: config["contexts"][0].update(context={"cluster": "c"}))
    assert "the context names no user" in _refused(api, tmp_path)


def test_token_of_two_lines(api: FakeApi, tmp_path: Path, changed: Callable[[FakeApi, Change], None]) -> None:
    """A token that no header can carry is not said either."""
    changed(api, lambda config: config["users"][0].update(user={"token": f"{TOKEN}\nsecond"}))
    with capture_logs() as logs, following(api, tmp_path) as run:
        eventually(lambda: run.state("services").trouble is Trouble.UNREACHABLE, "a refusal")
    text = json.dumps(logs)
    assert "is the token one line?" in text
    assert TOKEN not in text


@pytest.mark.parametrize("past", ["127.0.0.1", "127.0.0.0/8", "*"])
def test_proxy_of_the_environment(past: str, api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a kubeconfig the proxy of the environment is used, as kubectl does, unless NO_PROXY names the server."""
    monkeypatch.setenv("HTTP_PROXY", NOBODY)
    with following(api, tmp_path) as run:
        eventually(lambda: run.state("services").trouble is Trouble.UNREACHABLE, "a proxy that is not there")
        assert not api.requests
        monkeypatch.setenv("NO_PROXY", past)
        run.settle()


def test_a_quiet_connection_is_kept_under_watch(api: FakeApi, tmp_path: Path) -> None:
    """The kernel asks whether the other side is there: no bookmark needs to come, and none is promised."""
    with following(api, tmp_path) as run:
        run.settle()
        eventually(lambda: api.count("services", watch=True) == 1, "a watch")
        session = run.cluster.watchers[1]._session
        assert session is not None
        connection = session._socket
        assert connection is not None
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        told = [
            connection.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        ]
        assert told == [30, 10, 3]


def test_end_before_any_answer(api: FakeApi, tmp_path: Path) -> None:
    """Who stops does not wait for a list that was not answered at all."""
    api.hold = threading.Event()
    with following(api, tmp_path, timeout=600):
        eventually(lambda: len(api.requests) == 8, "all lists")
    api.hold.set()
