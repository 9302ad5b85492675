"""An API server that misbehaves, by fault or on purpose, costs its own answers at most."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.expectations import api_answer, api_server
from exporter.expectations.api_access import connect
from exporter.expectations.api_server import Event, Page, Session
from exporter.expectations.held import Held
from exporter.expectations.interface import Expectation
from exporter.expectations.kinds import KINDS
from exporter.expectations.settings import KubernetesSettings
from exporter.expectations.trouble import ApiError, Trouble, of_status
from exporter.expectations.watching import Watcher
from tests.expectations.fake_api import CORE, CUSTOM, FakeApi
from tests.expectations.following import following
from tests.programs import eventually

EXPECTED, UNEXPECTED = Expectation.EXPECTED, Expectation.UNEXPECTED
NOT_COVERED, UNDECIDED = Expectation.NOT_COVERED, Expectation.UNDECIDED
WEB = {"matchLabels": {"app": "web"}}
RESOURCE = "ciliumnetworkpolicies"
POLICIES = next(kind for kind in KINDS if kind.resource == RESOURCE)


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """An API server with seven policies, each of which allows one address."""
    fake = FakeApi()
    for number in range(7):
        _allow(fake, number)
    fake.start()
    yield fake
    fake.stop()


def _allow(api: FakeApi, number: int) -> None:
    spec = {"endpointSelector": WEB, "egress": [{"toCIDR": [f"203.0.113.{number}/32"]}]}
    api.put(RESOURCE, f"policy-{number}", "shop", spec=spec)


def test_fault_within_a_paged_list(api: FakeApi, tmp_path: Path) -> None:
    """Half a list is none: what was known before stays, and is replaced by a whole one."""
    with following(api, tmp_path, page_size=3) as run:
        run.becomes(EXPECTED, "203.0.113.6")
        eventually(lambda: api.count(RESOURCE, watch=True) == 1, "a watch")
        api.refused_further[RESOURCE] = (500, "etcdserver: request timed out")
        api.delete(RESOURCE, "policy-0", "shop")
        api.compact()
        api.cut()
        eventually(lambda: run.state(RESOURCE).ends[Trouble.SERVER_ERROR] > 1, "attempts")
        assert run.cluster.held.count(POLICIES) >= 6
        assert run.asked("203.0.113.6").expectation is EXPECTED
        api.refused_further.clear()
        run.becomes(UNEXPECTED, "203.0.113.0")
        assert run.asked("203.0.113.6").expectation is EXPECTED


def test_list_whose_token_always_expires(api: FakeApi, tmp_path: Path) -> None:
    """A list that never comes to its end is said to be missing, and does not keep the others from being used."""
    api.put("networkpolicies", "dns", "shop", spec={"podSelector": {}, "policyTypes": ["Egress"]})
    api.refused_further[RESOURCE] = (410, "The provided continue parameter is too old")
    with capture_logs() as logs, following(api, tmp_path, page_size=3) as run:
        eventually(lambda: run.state(RESOURCE).ends[Trouble.EXPIRED] > 2, "attempts")
        eventually(lambda: any(policy.ref.name == "dns" for policy in run.read.policies), "the other policy")
        assert run.asked("203.0.113.6").expectation is UNDECIDED
        assert f"{RESOURCE}.cilium.io (list: expired)" in run.cluster.remarks()[0]
        api.refused_further.clear()
        run.becomes(EXPECTED, "203.0.113.6")
    said = [entry for entry in logs if entry["event"] == "objects_not_read"]
    assert [(entry["verb"], entry["reason"]) for entry in said] == [("list", "expired")]


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_answer_that_trickles(verb: str, api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer of which something comes all the time, and never the end, is given up too."""
    monkeypatch.setattr(api_server, "LONGEST_ANSWER", 2)
    monkeypatch.setattr("exporter.expectations.watching._WATCH_SECONDS", (0, 0))
    api.trickles.add((verb, RESOURCE))
    with following(api, tmp_path, timeout=0.2) as run:
        eventually(lambda: run.state(RESOURCE).ends[Trouble.TIMED_OUT] > 1, "attempts")
        api.trickles.clear()
        run.becomes(EXPECTED, "203.0.113.6")


def test_huge_pages(api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is too large for us is asked for again with fewer objects, not read whatever it costs."""
    page = len(json.dumps(api.page(RESOURCE, {})))
    monkeypatch.setattr(api_answer, "LONGEST_PAGE", page // 3)
    with following(api, tmp_path, page_size=500) as run:
        run.becomes(EXPECTED, "203.0.113.6")
        limits = [query["limit"] for path, query in api.requests if path == CUSTOM[RESOURCE] and "limit" in query]
    # 500, 125, 31 and 7 hold all seven objects, and 1 holds one.
    assert limits[:5] == ["500", "125", "31", "7", "1"]
    assert set(limits[5:]) == {"1"}


def test_huge_object(api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One object that is too large for us makes its kind undecided, and says so."""
    monkeypatch.setattr(api_answer, "LONGEST_PAGE", 2_000)
    api.put(RESOURCE, "huge", "shop", spec={"description": "x" * 3_000})
    with capture_logs() as logs, following(api, tmp_path) as run:
        eventually(lambda: run.state(RESOURCE).ends[Trouble.TOO_LARGE] > 5, "attempts")
        run.becomes(UNDECIDED, "203.0.113.6")
        api.delete(RESOURCE, "huge", "shop")
        run.becomes(EXPECTED, "203.0.113.6")
    assert "more than 2,000 bytes" in json.dumps(logs)


@pytest.mark.parametrize("version", [None, "", "0", 7])
def test_list_of_no_version(version: object, api: FakeApi, tmp_path: Path) -> None:
    """A list that does not say how far it goes cannot be followed from there: what is deleted would stay."""
    metadata = {} if version is None else {"resourceVersion": version}
    api.nonsense["list", RESOURCE] = json.dumps({"metadata": metadata, "items": []}).encode()
    with following(api, tmp_path) as run:
        eventually(lambda: run.state(RESOURCE).ends[Trouble.UNREADABLE] > 1, "attempts")
        run.becomes(UNDECIDED, "203.0.113.6")
        api.nonsense.clear()
        run.becomes(EXPECTED, "203.0.113.6")


@pytest.mark.parametrize(
    "answer",
    [
        b'{"metadata": {"resourceVersion": "9"}, "items": [{"metadata": {"name": "\xff"}}]}',
        b'{"metadata": {"resourceVersion": "9"}, "items": [' + b"9" * 5000 + b"]}",
        b'{"metadata": {"resourceVersion": "9"}, "items": [{"metadata": {"name": "a"',
        b"",
    ],
)
def test_list_that_is_no_text(answer: bytes, api: FakeApi, tmp_path: Path) -> None:
    """Bytes that are no UTF-8, numbers that nobody needs, half a list: none of them is a list."""
    api.nonsense["list", RESOURCE] = answer
    with following(api, tmp_path) as run:
        eventually(lambda: run.state(RESOURCE).ends[Trouble.UNREADABLE] > 1, "attempts")
        run.becomes(UNDECIDED, "203.0.113.6")


def test_odd_objects_in_a_list(api: FakeApi, tmp_path: Path) -> None:
    """What is no object is passed over; of a key that stands twice the last counts, as JSON's readers have it."""
    items = (
        '1, null, [], {}, {"metadata": null}, {"metadata": {"name": ""}}, {"metadata": {"name": "a", "namespace": 1}},'
        '{"metadata": {"name": "\\ud800", "namespace": "shop"}, "spec": {}},'
        '{"metadata": {"name": "x", "name": "last", "namespace": "shop"}, "spec": {}, "spec":'
        ' {"endpointSelector": {}, "egress": [{"toCIDR": ["203.0.113.99/32"]}]}}'
    )
    api.nonsense["list", RESOURCE] = f'{{"metadata": {{"resourceVersion": "99"}}, "items": [{items}]}}'.encode()
    with following(api, tmp_path) as run:
        run.becomes(EXPECTED, "203.0.113.99")
        rule = run.asked("203.0.113.99").rule
        assert str(rule) == "CiliumNetworkPolicy shop/last egress[0]"


def test_watch_that_tells_old_news(api: FakeApi, tmp_path: Path) -> None:
    """Who tells everything once more from the start ends where it is now."""
    with following(api, tmp_path) as run:
        run.becomes(EXPECTED, "203.0.113.6")
        eventually(lambda: api.count(RESOURCE, watch=True) == 1, "a watch")
        api.delete(RESOURCE, "policy-6", "shop")
        run.becomes(UNEXPECTED, "203.0.113.6")
        for change in list(api._log):
            if change.path == RESOURCE:
                api.say(RESOURCE, change.type, change.object)
        _allow(api, 8)
        run.becomes(EXPECTED, "203.0.113.8")
        run.becomes(UNEXPECTED, "203.0.113.6")
        assert run.asked("203.0.113.5").expectation is EXPECTED


def test_watch_of_bookmarks_alone(api: FakeApi, tmp_path: Path) -> None:
    """Bookmarks change nothing, with a version or without, and what comes after them counts."""
    with following(api, tmp_path) as run:
        run.becomes(EXPECTED, "203.0.113.6")
        eventually(lambda: api.count(RESOURCE, watch=True) == 1, "a watch")
        times = run.times
        for item in ({}, {"metadata": None}, {"metadata": {"resourceVersion": 5}}, None, "x"):
            api.say(RESOURCE, "BOOKMARK", item)
        api.bookmark(RESOURCE)
        watcher = next(one for one in run.cluster.watchers if one.state.kind is POLICIES)
        eventually(lambda: watcher._since == str(api.version), "the last one")
        assert run.times == times
        api.delete(RESOURCE, "policy-6", "shop")
        run.becomes(UNEXPECTED, "203.0.113.6")


def test_what_was_deleted_while_nobody_looked(api: FakeApi, tmp_path: Path) -> None:
    """Deletions are no news when their history is gone, and are found by the list."""
    with following(api, tmp_path) as run:
        run.becomes(EXPECTED, "203.0.113.6")
        eventually(lambda: api.count(RESOURCE, watch=True) == 1, "a watch")
        api.stop()
        for number in range(7):
            api.delete(RESOURCE, f"policy-{number}", "shop")
        api.compact()
        api.start()
        run.becomes(NOT_COVERED, "203.0.113.6")


def test_versions_that_went_back(api: FakeApi, tmp_path: Path) -> None:
    """A restored database does not know our version for long: after three refusals what there is is listed again."""
    with following(api, tmp_path) as run:
        run.becomes(EXPECTED, "203.0.113.0")
        eventually(lambda: api.count(RESOURCE, watch=True) == 1, "a watch")
        api.refused["watch", RESOURCE] = (504, "Too large resource version: 12, current: 3")
        api.cut()
        eventually(lambda: api.count(RESOURCE, watch=True) > 1, "a refusal")
        api.delete(RESOURCE, "policy-0", "shop")
        run.becomes(UNEXPECTED, "203.0.113.0")


@pytest.mark.parametrize("status", [500, 502, 503])
def test_servers_that_are_away_for_a_moment(status: int, api: FakeApi, tmp_path: Path) -> None:
    """However often a load balancer refuses a watch, it goes on where it was: nobody lists anew when servers return."""
    with following(api, tmp_path) as run:
        run.becomes(EXPECTED, "203.0.113.0")
        eventually(lambda: api.count(RESOURCE, watch=True) == 1, "a watch")
        api.refused["watch", RESOURCE] = (status, "no server is available")
        api.cut()
        eventually(lambda: run.state(RESOURCE).ends[Trouble.SERVER_ERROR] > 6, "refusals")
        api.delete(RESOURCE, "policy-0", "shop")
        api.refused.clear()
        run.becomes(UNEXPECTED, "203.0.113.0")
        assert api.count(RESOURCE, watch=False) == 1


def test_permissions_that_are_taken_away(api: FakeApi, tmp_path: Path) -> None:
    """What was read before counts, every kind says what it may not, and what changed meanwhile is read in the end."""
    with following(api, tmp_path) as run:
        run.settle()
        run.becomes(EXPECTED, "203.0.113.6")
        resources = [*CORE, *CUSTOM]
        eventually(lambda: all(api.count(resource, watch=True) == 1 for resource in resources), "all watches")
        api.refused |= {(verb, resource): (403, "no") for verb in ("list", "watch") for resource in resources}
        api.cut()
        states = run.cluster.states.values()
        eventually(lambda: all(state.ends[Trouble.FORBIDDEN] > 1 for state in states), "refusals")
        assert all(f"{state.kind.full_name} (watch: forbidden)" in run.cluster.remarks()[0] for state in states)
        api.delete(RESOURCE, "policy-6", "shop")
        assert run.asked("203.0.113.6").expectation is EXPECTED
        api.refused.clear()
        run.becomes(UNEXPECTED, "203.0.113.6")
        eventually(lambda: not run.cluster.remarks(), "no remark")


def test_leave_for_one_namespace_only(api: FakeApi, tmp_path: Path) -> None:
    """A Role is not enough, and that is what is said; nothing is unexpected."""
    said = "cannot list resource at the cluster scope"
    api.refused |= {("list", resource): (403, said) for resource in [*CORE, *CUSTOM]}
    with following(api, tmp_path) as run:
        states = run.cluster.states.values()
        eventually(lambda: all(state.trouble is Trouble.FORBIDDEN for state in states), "refusals")
        run.becomes(UNDECIDED, "203.0.113.6")
        assert len(run.cluster.remarks()) == 2


def test_another_address_is_not_followed(api: FakeApi, tmp_path: Path) -> None:
    """An answer that points elsewhere is a refusal: a token goes to whom it is meant for."""
    other = FakeApi()
    other.start()
    api.headers = {"Location": f"http://127.0.0.1:{other.port}{CUSTOM[RESOURCE]}"}
    api.refused["list", RESOURCE] = (307, "elsewhere")
    with following(api, tmp_path) as run:
        eventually(lambda: run.state(RESOURCE).trouble is Trouble.REFUSED, "a refusal")
    other.stop()
    assert not other.requests


class _Waits:
    """Stands in for the event by which a watcher is stopped: waits for nothing, and ends it after so many attempts."""

    def __init__(self, attempts: int = 1) -> None:
        self._attempts = attempts
        self.waited: list[float] = []

    def is_set(self) -> bool:
        return len(self.waited) >= self._attempts

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        return True


class _Scripted:
    """Stands in for the sessions of a watcher: lists nothing, and watches end by these statuses, 200 well."""

    def __init__(self, statuses: list[int]) -> None:
        self._statuses = iter(statuses)
        self.lists = 0

    def page(self, *_: object) -> Page:
        self.lists += 1
        return Page([], "5", "")

    def watch(self, *_: object) -> Iterator[Event]:
        status = next(self._statuses)
        yield Event("", {})
        if status != 200:
            raise of_status(status, "")

    def close(self) -> None:
        """Hold nothing."""


@pytest.mark.parametrize(
    ("statuses", "lists"),
    [
        ([504, 504, 200], 1),
        ([504, 504, 504, 200], 2),
        ([504, 504, 503, 504, 200], 2),
        ([504, 504, 200, 504, 504, 200], 1),
        ([503, 503, 503, 503, 200], 1),
    ],
)
def test_which_refusals_count(statuses: list[int], lists: int) -> None:
    """Three that say the version is too large make it list anew; a watch that ends well, however quiet, clears them."""
    script = _Scripted(statuses)
    settings = KubernetesSettings(enabled=True)
    # Of a session it has what a watcher calls.
    watcher = Watcher(POLICIES, Held(lambda: None), lambda: script, settings, lambda: None)  # type: ignore[arg-type,return-value]
    watcher._stopping = _Waits(len(statuses))  # type: ignore[assignment] # the same two methods
    watcher.work()
    assert script.lists == lists


def _pause_after(error: ApiError) -> float:
    def fail() -> Session:
        raise error

    settings = KubernetesSettings(enabled=True, first_delay=1.0, longest_delay=60.0)
    watcher = Watcher(POLICIES, Held(lambda: None), fail, settings, lambda: None)
    watcher._stopping = waits = _Waits()  # type: ignore[assignment] # the same two methods
    watcher.work()
    (waited,) = waits.waited
    return waited


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [(0.0, 0.8, 1.2), (0.1, 0.8, 1.2), (7.0, 7.0, 8.4), (3600.0, 60.0, 72.0)],
)
def test_pause_that_the_server_wants(asked: float, least: float, most: float) -> None:
    """Who asks for a pause gets it, up to the longest one, and a fifth more: not all exporters at the same moment."""
    assert least <= _pause_after(ApiError(Trouble.THROTTLED, "", asked)) <= most


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "7", 7.0),
        (503, "30", 30.0),
        (429, "-1", 0.0),
        (429, "soon", 0.0),
        (429, "9" * 400, 0.0),
        (429, "1.5", 0.0),
    ],
)
def test_pause_is_read_from_the_answer(status: int, header: str, seconds: float, api: FakeApi, tmp_path: Path) -> None:
    """`Retry-After` is a number of seconds; anything else says nothing."""
    api.headers = {"Retry-After": header}
    api.refused["list", RESOURCE] = (status, "too many requests")
    session = connect(KubernetesSettings(enabled=True, kubeconfig=api.kubeconfig(tmp_path)))
    with pytest.raises(ApiError, match="too many requests") as raised:
        session.page(POLICIES, "v2", "", 500)
    session.close()
    assert raised.value.pause == seconds
