"""A real DNS server, and what we make of its answers: names, CNAMEs, TTLs and codes are its own, not of our making.

A stub resolver with the search list of a pod asks dnsmasq through a recorder in the place of Cilium's proxy; our
command replays what that has told. Seen with dnsmasq 2.90: NOERROR with and without addresses, NXDOMAIN, REFUSED (it
has nobody to hand the name on to), SERVFAIL (the name does not validate); when its own server is dead it says nothing.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.cli import main
from exporter.metrics.families import CONNECTIONS, DNS_QUERIES, DNS_RESPONSES, NAMED_CONNECTIONS, Family
from tests.real.dns_lines import NO_TTL
from tests.real.dnsmasq import distrusting, dnsmasq
from tests.real.pod import Pod
from tests.real.recorder import Recorder

Counts = Callable[[Family], dict[str, int]]

CONNECTED = "shop web fqdn public"
"""The first labels of every connection that has a name."""
MANY = [f"203.0.113.{last}" for last in range(21, 29)]
LARGE = [f"2001:db8::1:{last:x}" for last in range(60)]
RECORDS = (
    # These it knows by itself; for anything else it has nobody to ask.
    *(f"--local=/{domain}/" for domain in ("example.com", "example.net", "example.test", "cluster.local")),
    "--host-record=api.example.com,203.0.113.10,30",
    "--host-record=both.example.com,203.0.113.11,2001:db8::11,60",
    "--cname=www.example.com,front.cdn.example.net,300",
    "--cname=front.cdn.example.net,edge.cdn.example.net,600",
    "--host-record=edge.cdn.example.net,198.51.100.7,20",
    "--host-record=one.example.com,198.51.100.9,60",
    "--host-record=two.example.com,198.51.100.9,60",
    *(f"--host-record=many.example.com,{address},45" for address in MANY),
    *(f"--host-record=large.example.com,{address},45" for address in LARGE),
    *(f"--host-record={colour}.example.test,198.51.100.11" for colour in ("red", "green")),
    "--address=/pinned.example/203.0.113.30",
)


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """The port of a server that has all of the records."""
    with dnsmasq(*RECORDS) as port:
        yield port


@pytest.fixture
def pod(server: int) -> Iterator[Pod]:
    """A pod whose proxy has not told of anything yet."""
    with Recorder(server) as recorder:
        yield Pod(recorder)


@pytest.fixture
def counts(pod: Pod, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Counts:
    """What our command counts of all that the pod has done: label values, joined, and value of each series."""
    for name in [name for name in os.environ if name.startswith("HUBBLE_EGRESS_")]:
        monkeypatch.delenv(name)

    def replayed(family: Family) -> dict[str, int]:
        assert main(["replay", "--once", pod.recording(tmp_path)]) == 0
        return {
            " ".join(sample.labels[label.name] for label in family.labels): int(sample.value)
            for metric in text_string_to_metric_families(capsys.readouterr().out)
            for sample in metric.samples
            if sample.name == family.name and sample.value
        }

    return replayed


def test_addresses(pod: Pod, counts: Counts) -> None:
    """An A and an AAAA answer name the address of their family."""
    assert pod.ask("both.example.com.") == ["203.0.113.11"]
    assert pod.ask("both.example.com.", "AAAA") == ["2001:db8::11"]
    pod.connect("203.0.113.11", "2001:db8::11", at=1)
    assert counts(CONNECTIONS) == {f"{CONNECTED} both.example.com 443 tcp forwarded": 2}
    assert counts(NAMED_CONNECTIONS) == {"joined": 2}
    assert counts(DNS_QUERIES) == {"shop web A": 1, "shop web AAAA": 1}
    assert counts(DNS_RESPONSES) == {"shop web NOERROR false": 2}


def test_chain_of_cnames(pod: Pod, counts: Counts) -> None:
    """Behind two CNAMEs it is the name asked that names the address, for the least TTL; the chain is evidence."""
    assert pod.ask("www.example.com.") == ["198.51.100.7"]
    assert pod.answers() == [
        {
            "query": "www.example.com.",
            "qtypes": ["A"],
            "observation_source": "proxy",
            "ips": ["198.51.100.7"],
            "ttl": 20,
            "cnames": ["front.cdn.example.net.", "edge.cdn.example.net."],
            "rrtypes": ["CNAME", "CNAME", "A"],
        }
    ]
    pod.connect("198.51.100.7", at=20)
    pod.connect("198.51.100.7", at=20.001)
    assert counts(CONNECTIONS) == {f"{CONNECTED} www.example.com 443 tcp forwarded": 2}
    assert counts(NAMED_CONNECTIONS) == {"joined": 1, "stale": 1}
    assert pod.cnames("198.51.100.7", "www.example.com") == ("front.cdn.example.net.", "edge.cdn.example.net.")


def test_end_of_a_ttl(pod: Pod, counts: Counts) -> None:
    """A name holds as long as the server said, 30 s, is stale then, and holds again once it is asked again."""
    pod.ask("api.example.com.")
    pod.connect("203.0.113.10", at=30)
    pod.connect("203.0.113.10", at=31)
    pod.wait(until=40)
    pod.ask("api.example.com.")
    pod.connect("203.0.113.10", at=70)
    assert counts(CONNECTIONS) == {f"{CONNECTED} api.example.com 443 tcp forwarded": 3}
    assert counts(NAMED_CONNECTIONS) == {"joined": 2, "stale": 1}


def test_search_list(pod: Pod, counts: Counts) -> None:
    """Each name is asked with three suffixes first, which fail; a name that is unknown itself fails as no expansion."""
    assert pod.ask("api.example.com") == ["203.0.113.10"]
    assert pod.ask("nobody.example.com") == []
    assert [answer["query"] for answer in pod.answers()[:4]] == [
        "api.example.com.shop.svc.cluster.local.",
        "api.example.com.svc.cluster.local.",
        "api.example.com.cluster.local.",
        "api.example.com.",
    ]
    pod.connect("203.0.113.10", at=1)
    assert counts(DNS_QUERIES) == {"shop web A": 8}
    assert counts(DNS_RESPONSES) == {
        "shop web NXDOMAIN true": 6,
        "shop web NOERROR false": 1,
        "shop web NXDOMAIN false": 1,
    }
    assert counts(CONNECTIONS) == {f"{CONNECTED} api.example.com 443 tcp forwarded": 1}


def test_search_list_behind_a_name_that_reads_as_a_namespace(pod: Pod, counts: Counts) -> None:
    """`red.example.test.svc` may be a pod of namespace test: a failure until the name behind it was asked itself."""
    for colour in ("red", "green", "red"):
        assert pod.ask(f"{colour}.example.test") == ["198.51.100.11"]
    assert counts(DNS_RESPONSES) == {
        "shop web NXDOMAIN true": 2 + 2 + 3,
        "shop web NXDOMAIN false": 1 + 1,
        "shop web NOERROR false": 3,
    }


def test_no_addresses(pod: Pod, counts: Counts) -> None:
    """NOERROR for AAAA of names that have IPv4 only: of one nothing is said, of the other its CNAMEs are."""
    assert pod.ask("api.example.com.", "AAAA") == pod.ask("www.example.com.", "AAAA") == []
    nothing, chain = pod.answers()
    assert (nothing["ttl"], nothing.keys() & {"ips", "cnames", "rrtypes", "rcode"}) == (NO_TTL, set())
    assert (chain["ttl"], chain["rrtypes"], "ips" in chain) == (300, ["CNAME", "CNAME"], False)
    pod.connect("203.0.113.10", "198.51.100.7", at=1)
    assert counts(DNS_RESPONSES) == {"shop web NOERROR false": 2}
    assert counts(NAMED_CONNECTIONS) == {"none": 2}


def test_refused(pod: Pod, counts: Counts) -> None:
    """REFUSED: for a domain that is not the server's, and, as dnsmasq has it, for AAAA of one that it pins to IPv4."""
    assert pod.ask("api.elsewhere.example.") == pod.ask("a.pinned.example.", "AAAA") == []
    assert pod.ask("a.pinned.example.") == ["203.0.113.30"]
    pod.connect("203.0.113.30", at=0)
    assert counts(DNS_QUERIES) == {"shop web A": 2, "shop web AAAA": 1}
    assert counts(DNS_RESPONSES) == {"shop web REFUSED false": 2, "shop web NOERROR false": 1}
    assert counts(NAMED_CONNECTIONS) == {"joined": 1}


def test_servfail(pod: Pod, counts: Counts) -> None:
    """SERVFAIL: the server was given an address, but not the signatures that it wants; the address has no name."""
    with (
        dnsmasq("--local=/forged.example/", "--host-record=api.forged.example,203.0.113.40,60") as forger,
        dnsmasq(*distrusting("forged.example", forger)) as doubting,
    ):
        pod.recorder.upstream = doubting
        assert pod.ask("api.forged.example.") == []
    pod.connect("203.0.113.40", at=1)
    assert counts(DNS_RESPONSES) == {"shop web SERVFAIL false": 1}
    assert counts(NAMED_CONNECTIONS) == {"none": 1}


def test_several_names(pod: Pod, counts: Counts) -> None:
    """Of two names with one address the one asked last is taken, and is not sure; before that, the first was."""
    pod.ask("two.example.com.")
    pod.connect("198.51.100.9", at=1)
    pod.wait(until=2)
    pod.ask("one.example.com.")
    pod.connect("198.51.100.9", at=3)
    assert counts(CONNECTIONS) == {
        f"{CONNECTED} two.example.com 443 tcp forwarded": 1,
        f"{CONNECTED} one.example.com 443 tcp forwarded": 1,
    }
    assert counts(NAMED_CONNECTIONS) == {"joined": 1, "ambiguous": 1}


def test_eight_addresses(pod: Pod, counts: Counts) -> None:
    """Each of the eight addresses of an answer has its name, in whatever order the server gives them."""
    assert pod.ask("many.example.com.") == MANY
    pod.connect(*MANY, at=45)
    assert counts(CONNECTIONS) == {f"{CONNECTED} many.example.com 443 tcp forwarded": 8}
    assert counts(NAMED_CONNECTIONS) == {"joined": 8}


def test_truncated_answer(pod: Pod, counts: Counts) -> None:
    """What finds no room in a datagram is asked again by TCP: two exchanges, and every address has its name."""
    assert set(pod.ask("large.example.com.", "AAAA")) == set(LARGE)
    by_datagram, by_stream = pod.answers()
    assert 0 < len(by_datagram["ips"]) < len(by_stream["ips"]) == 60
    pod.connect(*LARGE, at=45)
    assert counts(DNS_QUERIES) == {"shop web AAAA": 2}
    assert counts(DNS_RESPONSES) == {"shop web NOERROR false": 2}
    assert counts(CONNECTIONS) == {f"{CONNECTED} large.example.com 443 tcp forwarded": 60}
    assert counts(NAMED_CONNECTIONS) == {"joined": 60}


def test_server_that_is_gone(pod: Pod, counts: Counts) -> None:
    """The proxy shows a query that it cannot hand on twice, the second time as an error; it is one, without answer."""
    with dnsmasq() as gone:
        pass
    pod.recorder.upstream = gone
    assert pod.ask("api.example.com.") == []
    assert counts(DNS_QUERIES) == {"shop web A": 1}
    assert counts(DNS_RESPONSES) == {}
