"""Basic auth: who may ask, what it costs, and that no secret comes out."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import bcrypt
import pytest
from pydantic import SecretStr

from exporter.web import auth
from exporter.web.auth import Logins, Verdict
from tests.web.served import PATIENCE, TLS, Site, hashed

USERS = {"alice": SecretStr(hashed("wonderland")), "bob": SecretStr(hashed("builder", cost=5))}
TEXT = "basic_auth_users: {{alice: {}}}\n"


def basic(user: str, password: str) -> str:
    """The header of a client that logs in."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that passwords were compared with."""
    seen: list[str] = []
    real = bcrypt.checkpw

    def check(password: bytes, against: bytes) -> bool:
        seen.append(against.decode())
        return real(password, against)

    monkeypatch.setattr(bcrypt, "checkpw", check)
    return seen


def test_right_password(hashes: list[str]) -> None:
    """The right password is hashed once, and remembered."""
    logins = Logins(4)
    assert logins.judge(USERS, "alice", b"wonderland") is Verdict.WELCOME
    assert logins.judge(USERS, "alice", b"wonderland") is Verdict.WELCOME
    assert len(hashes) == 1


def test_wrong_password(hashes: list[str]) -> None:
    """A wrong password is refused each time, at full cost; somebody else's password is a wrong one."""
    logins = Logins(4)
    for password in (b"builder", b"", b"wonderland\0", b"builder"):
        assert logins.judge(USERS, "alice", password) is Verdict.REFUSED
    assert len(hashes) == 4


def test_unknown_user_costs_as_much(hashes: list[str]) -> None:
    """An unknown user is refused with the effort of the dearest hash there is, so that timing tells no names."""
    assert Logins(4).judge(USERS, "mallory", b"wonderland") is Verdict.REFUSED
    assert [stand_in[:7] for stand_in in hashes] == ["$2b$05$"]


def test_long_password() -> None:
    """Passwords count to their 72nd byte, as everywhere where bcrypt is used."""
    users = {"alice": SecretStr(hashed("x" * 72))}
    assert Logins(4).judge(users, "alice", b"x" * 100) is Verdict.WELCOME
    assert Logins(4).judge(users, "alice", b"x" * 71) is Verdict.REFUSED


@pytest.mark.parametrize("kind", ["2a", "2b", "2y"])
def test_kinds_of_hashes(kind: str) -> None:
    """The hashes of htpasswd and of other tools are the same."""
    users = {"alice": SecretStr(hashed("wonderland").replace("2b", kind, 1))}
    assert Logins(4).judge(users, "alice", b"wonderland") is Verdict.WELCOME


def test_changed_and_removed_users() -> None:
    """What was remembered ends with the hash, or with the user."""
    logins = Logins(4)
    assert logins.judge(USERS, "alice", b"wonderland") is Verdict.WELCOME
    assert logins.judge({"alice": SecretStr(hashed("new"))}, "alice", b"wonderland") is Verdict.REFUSED
    assert logins.judge({"bob": USERS["bob"]}, "alice", b"wonderland") is Verdict.REFUSED


def test_memory_is_bounded_and_holds_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest login is forgotten when there is no more room; nothing in the memory is a password."""
    monkeypatch.setattr(auth, "_MOST_REMEMBERED", 2)
    logins = Logins(4)
    for number in range(4):
        users = {"alice": SecretStr(hashed(f"wonderland{number}"))}
        assert logins.judge(users, "alice", f"wonderland{number}".encode()) is Verdict.WELCOME
    assert len(logins._remembered) == 2
    assert b"wonderland" not in b"".join(logins._remembered)


def test_many_at_once(hashes: list[str]) -> None:
    """Clients that come with the same password at the same time cost one hash."""
    logins, together = Logins(8), threading.Barrier(8)

    def log_in(_number: int) -> Verdict:
        together.wait(PATIENCE)
        return logins.judge(USERS, "bob", b"builder")

    with ThreadPoolExecutor(8) as clients:
        assert set(clients.map(log_in, range(8))) == {Verdict.WELCOME}
    assert len(hashes) == 1


def test_a_flood_of_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """When all places are taken by guesses, further ones are turned away at once; known clients still come in."""
    logins, entered, leave = Logins(1), threading.Event(), threading.Event()
    assert logins.judge(USERS, "alice", b"wonderland") is Verdict.WELCOME

    def slow(_password: bytes, _against: bytes) -> bool:
        entered.set()
        return not leave.wait(PATIENCE)

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    guess = threading.Thread(target=logins.judge, args=(USERS, "alice", b"guess"))
    guess.start()
    assert entered.wait(PATIENCE)
    assert logins.judge(USERS, "bob", b"guess") is Verdict.BUSY
    assert logins.judge(USERS, "alice", b"wonderland") is Verdict.WELCOME
    leave.set()
    guess.join(PATIENCE)
    assert logins.judge(USERS, "alice", b"guess") is Verdict.REFUSED


def test_every_path_is_closed(site: Site) -> None:
    """Without a login no path answers, health included; with one all do."""
    site.serve(TLS + TEXT.format(hashed("wonderland")))
    for path in ("/", "/metrics", "/-/healthy", "/-/ready", "/nothing"):
        refused = site.get(path)
        assert (refused.status, refused.body) == (401, b"Unauthorized\n")
        assert refused.headers["WWW-Authenticate"].startswith("Basic realm=")
        assert site.get(path, Authorization=basic("alice", "wonderland")).body == f"https {path}".encode()


def test_headers_that_are_no_login(site: Site) -> None:
    """Whatever stands in the header, only a user and its password are a login."""
    site.serve(TEXT.format(hashed("wonderland")))
    for header in (
        "",
        "Basic",
        "Basic =",
        "Basic YQ==",
        "Basic \u00e9",
        "Bearer wonderland",
        "basic Og==",
        "Basic //8=",
    ):
        assert site.get(Authorization=header).status == 401
    for header in (basic("alice", ""), basic("alice", "wonderland").replace("Basic ", "Basic x")):
        assert site.get(Authorization=header).status == 401
    assert site.get(Authorization=basic("alice", "wonderland").replace("Basic", "bASIC")).status == 200


def test_head(site: Site) -> None:
    """A refused HEAD has no body, and leaves the connection usable."""
    site.serve(TEXT.format(hashed("wonderland")))
    refused = site.get(method="HEAD")
    assert (refused.status, refused.body, refused.headers["Content-Length"]) == (401, b"", "13")


def test_busy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login that finds no place is asked to come again."""
    site.serve(TEXT.format(hashed("wonderland")))
    monkeypatch.setattr(Logins, "judge", lambda *_: Verdict.BUSY)
    busy = site.get(Authorization=basic("alice", "wonderland"))
    assert (busy.status, busy.headers["Retry-After"]) == (503, "1")


def test_users_change_without_restart(site: Site) -> None:
    """A new user comes in at the next request, a removed one does not."""
    site.serve(TEXT.format(hashed("wonderland")))
    assert site.get(Authorization=basic("alice", "wonderland")).status == 200
    site.write("web.yml", f"basic_auth_users: {{bob: {hashed('builder')}}}\n")
    assert site.get(Authorization=basic("alice", "wonderland")).status == 401
    assert site.get(Authorization=basic("bob", "builder")).status == 200


def test_pages_can_be_closed_while_the_server_runs(site: Site) -> None:
    """The first user closes the pages at once."""
    site.serve("")
    assert site.get().status == 200
    site.write("web.yml", TEXT.format(hashed("wonderland")))
    assert site.get().status == 401


def test_refused_login_is_logged(site: Site, lines: list[Any]) -> None:
    """A refused login is in the log once in a while, with the client's address, without user and password."""
    site.serve(TEXT.format(hashed("wonderland")))
    site.get()
    for _ in range(3):
        site.get(Authorization=basic("hunter2", "hunter3"))
    assert [line["event"] for line in lines] == ["login_refused"]
    assert lines[0]["client"] == "127.0.0.1"
    assert "hunter" not in str(lines)


def test_headers(site: Site) -> None:
    """The configured headers are on every answer, win over the application's, and are not sent when blank."""
    headers = '{X-Content-Type-Options: nosniff, X-Frame-Options: deny, X-XSS-Protection: ""}'
    site.serve(f"http_server_config: {{headers: {headers}}}\n" + TEXT.format(hashed("wonderland")))
    for answer in (site.get(), site.get(Authorization=basic("alice", "wonderland"))):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "deny"
        assert "X-XSS-Protection" not in answer.headers
