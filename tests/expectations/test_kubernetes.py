"""Policies are followed in a cluster, whatever its API server does."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.expectations import api_answer
from exporter.expectations.interface import Expectation
from exporter.expectations.trouble import Trouble
from tests.expectations.fake_api import CUSTOM, TOKEN, FakeApi
from tests.expectations.following import following
from tests.programs import eventually

EXPECTED, UNEXPECTED = Expectation.EXPECTED, Expectation.UNEXPECTED
NOT_COVERED, UNDECIDED = Expectation.NOT_COVERED, Expectation.UNDECIDED
WEB = {"matchLabels": {"app": "web"}}
DNS_ONLY = {
    "podSelector": WEB,
    "policyTypes": ["Egress"],
    "egress": [{"to": [{"ipBlock": {"cidr": "198.51.100.53/32"}}]}],
}
API_TOO = {"endpointSelector": WEB, "egress": [{"toCIDR": ["203.0.113.7/32"]}]}


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """An API server with one policy: pods of shop/web may reach a resolver, and nothing else."""
    fake = FakeApi()
    fake.put("networkpolicies", "dns-only", "shop", spec=DNS_ONLY)
    fake.start()
    yield fake
    fake.stop()


def test_policy_appears_changes_and_disappears(api: FakeApi, tmp_path: Path) -> None:
    """Answers follow what is in the cluster."""
    with following(api, tmp_path) as run:
        run.becomes(UNEXPECTED)
        assert run.asked("198.51.100.53").expectation is EXPECTED
        api.put("ciliumnetworkpolicies", "api", "shop", spec=API_TOO)
        run.becomes(EXPECTED)
        rule = run.asked().rule
        assert rule is not None
        assert str(rule) == "CiliumNetworkPolicy shop/api egress[0]"
        api.put("ciliumnetworkpolicies", "api", "shop", spec={**API_TOO, "egress": [{"toCIDR": ["203.0.113.8/32"]}]})
        run.becomes(UNEXPECTED)
        api.delete("ciliumnetworkpolicies", "api", "shop")
        api.delete("networkpolicies", "dns-only", "shop")
        run.becomes(NOT_COVERED)


def test_until_everything_is_listed_nothing_is_unexpected(api: FakeApi, tmp_path: Path) -> None:
    """What one policy does not allow another may, which was not read yet."""
    api.refused["list", "ciliumnetworkpolicies"] = (500, "etcd has no leader")
    api.put("ciliumnetworkpolicies", "api", "shop", spec=API_TOO)
    with following(api, tmp_path) as run:
        run.becomes(EXPECTED, "198.51.100.53")
        run.becomes(UNDECIDED)
        unread = run.asked().missing
        assert "the list of CiliumNetworkPolicy of the cluster, which is not evaluated" in unread
        api.refused.clear()
        run.becomes(EXPECTED)


def test_long_list_comes_in_pages(api: FakeApi, tmp_path: Path) -> None:
    """All pages count, and the watch begins where the list was made."""
    for number in range(7):
        api.put("ciliumnetworkpolicies", f"api-{number}", "shop", spec=API_TOO)
    with following(api, tmp_path, page_size=3) as run:
        run.settle()
        assert run.cluster.held.count(run.state("ciliumnetworkpolicies").kind) == 7
        pages = [query for path, query in api.requests if path == CUSTOM["ciliumnetworkpolicies"] and "limit" in query]
        assert [bool(query.get("continue")) for query in pages] == [False, True, True]
        eventually(lambda: api.count("ciliumnetworkpolicies", watch=True) == 1, "a watch")


def test_history_that_is_gone(api: FakeApi, tmp_path: Path) -> None:
    """An ERROR of code 410 within the answer makes it list again, and nothing is missed."""
    with following(api, tmp_path) as run:
        run.settle()
        eventually(lambda: api.count("ciliumnetworkpolicies", watch=True) == 1, "a watch")
        api.refused["watch", "ciliumnetworkpolicies"] = (500, "not now")
        api.cut()
        eventually(lambda: run.state("ciliumnetworkpolicies").ends[Trouble.SERVER_ERROR] > 0, "an error")
        api.put("ciliumnetworkpolicies", "api", "shop", spec=API_TOO)
        api.compact()
        api.refused.clear()
        run.becomes(EXPECTED)
        assert run.state("ciliumnetworkpolicies").ends[Trouble.EXPIRED] == 1
        assert api.count("ciliumnetworkpolicies", watch=False) == 2


def test_history_that_is_gone_as_a_status(api: FakeApi, tmp_path: Path) -> None:
    """410 as the status of a watch means the same."""
    with following(api, tmp_path) as run:
        run.settle()
        eventually(lambda: api.count("networkpolicies", watch=True) == 1, "a watch")
        api.refused["watch", "networkpolicies"] = (410, "too old resource version")
        api.cut()
        eventually(lambda: run.state("networkpolicies").ends[Trouble.EXPIRED] > 2, "several of them")
        api.refused.clear()
        api.delete("networkpolicies", "dns-only", "shop")
        run.becomes(NOT_COVERED)


def test_bookmarks_keep_the_place(api: FakeApi, tmp_path: Path) -> None:
    """After a bookmark a kind without changes goes on from there, however much history is gone."""
    with following(api, tmp_path) as run:
        run.settle()
        state = run.state("networkpolicies")
        eventually(lambda: api.count("networkpolicies", watch=True) == 1, "a watch")
        api.put("namespaces", "other")
        api.bookmark("networkpolicies")
        eventually(lambda: run.cluster.watchers[4]._since == str(api.version), "the bookmark")
        api._oldest = api.version
        api.cut()
        eventually(lambda: api.count("networkpolicies", watch=True) == 2, "another watch")
        api.delete("networkpolicies", "dns-only", "shop")
        run.becomes(NOT_COVERED)
        assert (state.ends[Trouble.EXPIRED], api.count("networkpolicies", watch=False)) == (0, 1)


def test_disconnect_within_a_line(api: FakeApi, tmp_path: Path) -> None:
    """Half an event is none; the watch goes on where it was, without another list, and nobody is troubled."""
    with capture_logs() as logs, following(api, tmp_path) as run:
        run.settle()
        for number in (1, 2, 3):
            eventually(lambda: api.count("networkpolicies", watch=True) == number, "another watch")  # noqa: B023
            api.cut()
        eventually(lambda: run.state("networkpolicies").ends[Trouble.BROKEN_OFF] == 3, "three cuts")
        assert api.count("networkpolicies", watch=False) == 1
        api.delete("networkpolicies", "dns-only", "shop")
        run.becomes(NOT_COVERED)
    assert "objects_not_read" not in {entry["event"] for entry in logs}


def test_restart_of_the_api_server(api: FakeApi, tmp_path: Path) -> None:
    """While it is away the last policies count, the kinds are degraded, and what happened meanwhile is read after."""
    with following(api, tmp_path) as run:
        run.settle()
        with capture_logs() as logs:
            api.stop()
            states = run.cluster.states.values()
            eventually(lambda: all(state.ends[Trouble.UNREACHABLE] > 3 for state in states), "many attempts")
            assert all(state.trouble is Trouble.UNREACHABLE for state in states)
            assert run.asked().expectation is UNEXPECTED
            (remark,) = run.cluster.remarks()
            assert remark.startswith("Not followed in the cluster, so perhaps out of date: namespaces (watch: unreach")
            api.put("ciliumnetworkpolicies", "api", "shop", spec=API_TOO)
            api.start()
            run.becomes(EXPECTED)
            eventually(lambda: not run.cluster.remarks(), "no remark")
        said = [entry for entry in logs if entry["event"] == "objects_not_read"]
        assert len(said) <= 2 * len(states)
        assert TOKEN not in json.dumps(logs)


def test_missing_kinds(api: FakeApi, tmp_path: Path) -> None:
    """A cluster without Cilium's or Istio's kinds is a normal one; a kind that appears later is found."""
    for resource in CUSTOM:
        del api.paths[resource]
    with following(api, tmp_path) as run:
        run.settle()
        run.becomes(UNEXPECTED)
        assert run.cluster.remarks() == ()
        assert run.state("serviceentries").is_absent
        asked = [path for path, _ in api.requests]
        tried = {path for path in asked if path.endswith("/serviceentries")}
        assert tried == {
            f"/apis/networking.istio.io/{version}/serviceentries" for version in ("v1", "v1beta1", "v1alpha3")
        }
        api.put("ciliumnetworkpolicies", "api", "shop", spec=API_TOO)
        api.paths["ciliumnetworkpolicies"] = CUSTOM["ciliumnetworkpolicies"]
        run.becomes(EXPECTED)


def test_older_version_of_a_kind(api: FakeApi, tmp_path: Path) -> None:
    """Of several versions that one is read which the cluster has."""
    api.paths["ciliumcidrgroups"] = "/apis/cilium.io/v2alpha1/ciliumcidrgroups"
    api.put("ciliumcidrgroups", "partners", spec={"externalCIDRs": ["203.0.113.0/29"]})
    spec = {"endpointSelector": WEB, "egress": [{"toCIDRSet": [{"cidrGroupRef": "partners"}]}]}
    api.put("ciliumnetworkpolicies", "api", "shop", spec=spec)
    with following(api, tmp_path) as run:
        run.becomes(EXPECTED)
        api.put("ciliumcidrgroups", "partners", spec={"externalCIDRs": ["203.0.113.8/29"]})
        run.becomes(UNEXPECTED)


def test_kind_that_seems_to_disappear(api: FakeApi, tmp_path: Path) -> None:
    """Some answers of 404 do not let go what is known: an API server that starts says that, too."""
    api.put("ciliumnetworkpolicies", "api", "shop", spec=API_TOO)
    with following(api, tmp_path, absent_delay=3600) as run:
        run.becomes(EXPECTED)
        eventually(lambda: api.count("ciliumnetworkpolicies", watch=True) == 1, "a watch")
        path = api.paths.pop("ciliumnetworkpolicies")
        api.cut()
        state = run.state("ciliumnetworkpolicies")
        eventually(lambda: state.ends[Trouble.ABSENT] > 2, "a missing kind")
        assert run.cluster.remarks()
        assert run.asked().expectation is EXPECTED
        api.paths["ciliumnetworkpolicies"] = path
        eventually(lambda: not run.cluster.remarks(), "the kind")
        assert run.asked().expectation is EXPECTED


def test_kind_that_disappears(api: FakeApi, tmp_path: Path) -> None:
    """A kind that is missing for longer is gone, and all its objects; when it comes back it is read."""
    api.put("ciliumnetworkpolicies", "api", "shop", spec=API_TOO)
    with following(api, tmp_path, absent_delay=0.1) as run:
        run.becomes(EXPECTED)
        eventually(lambda: api.count("ciliumnetworkpolicies", watch=True) == 1, "a watch")
        path = api.paths.pop("ciliumnetworkpolicies")
        api.cut()
        run.becomes(UNEXPECTED)
        eventually(lambda: not run.cluster.remarks(), "no remark: it is a normal cluster")
        assert run.state("ciliumnetworkpolicies").is_absent
        api.paths["ciliumnetworkpolicies"] = path
        run.becomes(EXPECTED)


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_missing_permission(verb: str, api: FakeApi, tmp_path: Path) -> None:
    """It says once which verb on which resource is missing, goes on with the rest, and tries again."""
    user = 'User "system:serviceaccount:monitoring:exporter"'
    where = 'in API group "cilium.io" at the cluster scope'
    message = (
        f'ciliumnetworkpolicies.cilium.io is forbidden: {user} cannot {verb} resource "ciliumnetworkpolicies" {where}'
    )
    api.refused[verb, "ciliumnetworkpolicies"] = (403, message)
    with capture_logs() as logs, following(api, tmp_path) as run:
        state = run.state("ciliumnetworkpolicies")
        eventually(lambda: state.ends[Trouble.FORBIDDEN] > 3, "several refusals")
        (said,) = [entry for entry in logs if entry["event"] == "objects_not_read"]
        assert said == {
            "event": "objects_not_read",
            "log_level": "warning",
            "resource": "ciliumnetworkpolicies.cilium.io",
            "verb": verb,
            "reason": "forbidden",
            "said": message,
            "hint": f"allow {verb} on ciliumnetworkpolicies.cilium.io in a ClusterRole: get, list and watch are needed",
        }
        assert f"ciliumnetworkpolicies.cilium.io ({verb}: forbidden)" in run.cluster.remarks()[0]
        run.becomes(EXPECTED, "198.51.100.53")
        api.put("ciliumnetworkpolicies", "api", "shop", spec=API_TOO)
        api.refused.clear()
        run.becomes(EXPECTED)
        eventually(lambda: run.cluster.remarks() == (), "no remark")


def test_unknown_token(api: FakeApi, tmp_path: Path) -> None:
    """A token that is not accepted is said, and never written anywhere."""
    with capture_logs() as logs:
        file = Path(api.kubeconfig(tmp_path))
        with following(api, tmp_path) as run:
            run.settle()
            eventually(lambda: api.count("networkpolicies", watch=True) == 1, "a watch")
            file.write_text(file.read_text().replace(TOKEN, "another-secret"))
            api.cut()
            state = run.state("networkpolicies")
            eventually(lambda: state.trouble is Trouble.UNAUTHORIZED, "a refusal")
            file.write_text(file.read_text().replace("another-secret", TOKEN))
            eventually(lambda: state.trouble is None, "the new token")
    text = json.dumps(logs)
    assert "is the token mounted, and valid?" in text
    assert TOKEN not in text
    assert "another-secret" not in text


def test_broken_object(api: FakeApi, tmp_path: Path) -> None:
    """It is said with its kind, name and field, and the others are read; what was good of it stays."""
    broken = {"endpointSelector": WEB, "egress": [{"toCIDR": ["not-an-address"]}]}
    api.put("ciliumnetworkpolicies", "broken", "shop", spec=broken)
    api.put("ciliumnetworkpolicies", "good", "shop", spec=API_TOO)
    kind = "ciliumnetworkpolicies"
    with capture_logs() as logs, following(api, tmp_path) as run:
        run.becomes(EXPECTED)
        eventually(lambda: run.cluster.reader.broken[run.state(kind).kind] == 1, "a broken object")
        api.put(kind, "good", "shop", spec=broken)
        eventually(lambda: run.cluster.reader.broken[run.state(kind).kind] == 2, "another broken object")
        assert run.asked().expectation is EXPECTED
        assert (
            "2 objects of the cluster cannot be used as they are; the log says which and why." in run.cluster.remarks()
        )
        api.delete(kind, "broken", "shop")
        api.put(kind, "good", "shop", spec=API_TOO)
        eventually(lambda: run.cluster.reader.broken[run.state(kind).kind] == 0, "mended ones")
    refused = [entry for entry in logs if entry["event"] == "object_refused"]
    assert [(entry["object"], entry["in_effect"]) for entry in refused] == [
        ("CiliumNetworkPolicy shop/broken", "nothing"),
        ("CiliumNetworkPolicy shop/good", "the previous"),
    ]
    assert {entry["field"] for entry in refused} == {"spec.egress[0].toCIDR[0]"}


@pytest.mark.parametrize("item", [None, 1, [], {"metadata": 1}, {"metadata": {"name": 1}}, {"metadata": {}}])
def test_what_is_no_object(item: object, api: FakeApi, tmp_path: Path) -> None:
    """An event of something that is no object is nothing, and ends nothing."""
    with following(api, tmp_path) as run:
        run.settle()
        eventually(lambda: api.count("networkpolicies", watch=True) == 1, "a watch")
        api.say("networkpolicies", "ADDED", item)
        api.delete("networkpolicies", "dns-only", "shop")
        run.becomes(NOT_COVERED)


def test_namespaces_and_services(api: FakeApi, tmp_path: Path) -> None:
    """Labels of namespaces, selectors of services and addresses of slices are used where rules need them."""
    api.delete("networkpolicies", "dns-only", "shop")
    api.put("namespaces", "data", labels={"tier": "back"})
    api.put("services", "orders", "data", spec={"selector": {"app": "db"}, "clusterIP": "10.0.0.1"})
    api.put("services", "outside", "data", spec={"clusterIP": "10.0.0.2"})
    api.put(
        "endpointslices",
        "outside-1",
        "data",
        labels={"kubernetes.io/service-name": "outside"},
        addressType="IPv4",
        endpoints=[{"addresses": ["203.0.113.7"], "conditions": {"ready": True}}],
    )
    peers = [{"k8sService": {"serviceName": "outside", "namespace": "data"}}]
    api.put("ciliumnetworkpolicies", "a", "shop", spec={"endpointSelector": WEB, "egress": [{"toServices": peers}]})
    of_tier = {"namespaceSelector": {"matchLabels": {"tier": "back"}}, "podSelector": {"matchLabels": {"app": "db"}}}
    api.put("networkpolicies", "b", "shop", spec={"podSelector": WEB, "egress": [{"to": [of_tier]}]})
    with following(api, tmp_path) as run:
        run.becomes(EXPECTED)
        run.becomes(EXPECTED, "data/orders")
        api.put("namespaces", "data", labels={"tier": "front"})
        run.becomes(UNEXPECTED, "data/orders")
        api.delete("endpointslices", "outside-1", "data")
        run.becomes(UNDECIDED)


def test_slices_of_services_with_selectors_are_not_asked_for(api: FakeApi, tmp_path: Path) -> None:
    """They change with every pod, and say nothing that the selector does not."""
    managed = {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}
    api.put("endpointslices", "many", "shop", labels=managed, endpoints=[])
    with following(api, tmp_path) as run:
        run.settle()
        assert run.cluster.held.count(run.state("endpointslices").kind) == 0


def test_changes_that_say_nothing(api: FakeApi, tmp_path: Path) -> None:
    """A status or an annotation makes no rules anew."""
    with following(api, tmp_path) as run:
        run.settle()
        times = run.times
        for number in range(20):
            api.put("networkpolicies", "dns-only", "shop", spec=DNS_ONLY, status={"n": number})
        watcher = run.cluster.watchers[4]
        eventually(lambda: watcher._since == str(api.version), "all of them")
        assert not run.cluster.look()
        assert run.times == times


def test_many_changes_are_read_together(api: FakeApi, tmp_path: Path) -> None:
    """However much changes, rules are made anew at most once in the interval."""
    with following(api, tmp_path, rebuild_interval=3600) as run:
        eventually(lambda: run.times == 1, "a reading")
        for number in range(200):
            api.put("ciliumnetworkpolicies", f"api-{number}", "shop", spec=API_TOO)
        kind = run.state("ciliumnetworkpolicies").kind
        eventually(lambda: run.cluster.held.count(kind) == 200, "all of them")
        assert run.times == 1


def test_files_and_cluster_together(api: FakeApi, tmp_path: Path) -> None:
    """What either allows is expected, and files use what the cluster knows of namespaces."""
    api.put("namespaces", "data", labels={"tier": "back"})
    allow = tmp_path / "allow.yaml"
    allow.write_text("allow:\n  - {workloads: [shop/web], to: [{cidr: 203.0.113.7/32}], owner: o, reason: r}\n")
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "in-files", "namespace": "shop"},
        "spec": {"podSelector": {}, "egress": [{"to": [{"namespaceSelector": {"matchLabels": {"tier": "back"}}}]}]},
    }
    (tmp_path / "policy.json").write_text(json.dumps(policy))
    with following(api, tmp_path, str(allow), str(tmp_path / "policy.json")) as run:
        assert run.asked().expectation is EXPECTED
        run.settle()
        run.becomes(EXPECTED, "data/orders")
        run.becomes(UNEXPECTED, "203.0.113.9")
        allow.write_text(allow.read_text().replace("113.7", "113.9"))
        run.sources.read_again()
        run.becomes(EXPECTED, "203.0.113.9")
        run.becomes(UNEXPECTED)
        api.delete("networkpolicies", "dns-only", "shop")
        eventually(lambda: len(run.read.policies) == 2, "files alone")
        assert run.asked("203.0.113.9").expectation is EXPECTED


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("list", b"<html>welcome</html>"),
        ("list", b"[" * 100_000),
        ("list", b'{"metadata": {}, "items": 1}'),
        ("list", b"[]"),
        ("watch", b"<html>welcome</html>\n"),
        ("watch", b'{"type": "ADDED", "object": ' + b"9" * 100 + b"}\n{\n"),
        ("watch", b"9\n"),
        ("watch", b"9" * 3000),
    ],
)
def test_nonsense(verb: str, answer: bytes, api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be read is tried again from the start, with a list, and nothing that was good is lost."""
    monkeypatch.setattr(api_answer, "LONGEST_LINE", 2000)
    with following(api, tmp_path) as run:
        run.settle()
        eventually(lambda: api.count("networkpolicies", watch=True) == 1, "a watch")
        api.nonsense[verb, "networkpolicies"] = answer
        api.compact()
        api.cut()
        state = run.state("networkpolicies")
        eventually(lambda: state.ends[Trouble.UNREADABLE] > 2, "nonsense")
        assert run.asked().expectation is UNEXPECTED
        api.nonsense.clear()
        api.delete("networkpolicies", "dns-only", "shop")
        run.becomes(NOT_COVERED)


def test_named_ports_of_pods_in_files(api: FakeApi, tmp_path: Path) -> None:
    """Rules of the cluster are read again when files tell what the names of their ports are."""
    to_db = {"to": [{"podSelector": {"matchLabels": {"app": "db"}}}], "ports": [{"port": "sql"}]}
    api.put("networkpolicies", "dns-only", "shop", spec={"podSelector": WEB, "egress": [to_db]})
    file = tmp_path / "pods.yaml"
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db", "namespace": "shop", "labels": {"app": "db"}}}
    file.write_text(json.dumps({**pod, "spec": {}}))
    with following(api, tmp_path, str(file)) as run:
        eventually(lambda: run.asked("shop/db").missing[0].startswith("whether NetworkPolicy shop/dns-only"), "a doubt")
        for port, answer in ((443, EXPECTED), (5432, UNEXPECTED)):
            containers = [{"name": "db", "ports": [{"name": "sql", "containerPort": port}]}]
            file.write_text(json.dumps({**pod, "spec": {"containers": containers}}))
            run.sources.read_again()
            run.becomes(answer, "shop/db")


def test_slow_list(api: FakeApi, tmp_path: Path) -> None:
    """What is asked meanwhile is undecided, and nothing is missing of what comes at last."""
    api.hold = threading.Event()
    with following(api, tmp_path) as run:
        eventually(lambda: api.count("networkpolicies", watch=False) == 1, "a list")
        assert run.asked().expectation is UNDECIDED
        api.hold.set()
        run.becomes(UNEXPECTED)


def test_server_that_says_nothing_in_time(api: FakeApi, tmp_path: Path) -> None:
    """A list that takes too long is given up, and tried again."""
    api.hold = threading.Event()
    with following(api, tmp_path, timeout=0.1) as run:
        eventually(lambda: run.state("networkpolicies").ends[Trouble.TIMED_OUT] > 1, "attempts")
        api.hold.set()
        api.hold = None
        run.becomes(UNEXPECTED)
