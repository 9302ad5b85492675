"""A breakage is found, whatever noise could hide it, and has its right cause; `confirmed` needs proof of it."""

from tests.triage.lines import (
    DENY,
    DNS,
    DNS_IP,
    DNS_OWN,
    OUT,
    POLICY,
    WEB,
    Line,
    Run,
    dropped,
    exchange,
    other,
    own,
    passed,
    pod,
    query,
    remote,
)


def test_verdicts_without_drops(run: Run) -> None:
    """Of an agent with bpf-events-drop-enabled=false policy verdicts are all there is: DNS that is blocked is found."""
    flows = [one for t in range(0, 500, 5) for one in dropped(t, DNS, DNS_IP, 53, "UDP", port=45001 + t, types=(5,))]
    assert run.causes(flows) == {"shop/web": {"dns_blocked": "inferred"}}


def test_verdicts_without_drops_at_the_resolver(run: Run) -> None:
    """On the resolver's node too policy verdicts alone show that its ingress is blocked."""
    flows = [
        one
        for t in range(0, 1200, 5)
        for one in dropped(
            t, DNS_OWN, DNS_IP, 53, "UDP", src=remote(WEB), port=45001 + t, types=(5,), traffic_direction="INGRESS"
        )
    ]
    assert run.causes(flows) == {"shop/web": {"resolver_ingress_blocked": "inferred"}}


def test_a_verdict_behind_its_drop(run: Run) -> None:
    """Verdict and drop event of one packet are one piece of evidence, whichever comes first."""
    for types in ((5, 1), (1, 5)):
        flows = dropped(0, DNS, DNS_IP, 53, "UDP", port=45001, types=types)
        (finding,) = run.report(flows, other(60))["workloads"][0]["findings"]
        assert finding["count"] == 1, types


def test_upstream_by_tcp(run: Run) -> None:
    """TCP to the upstream is dropped again and again; UDP that passes does not refute that."""
    flows: list[Line] = []
    for t in range(0, 60, 5):
        flows += dropped(t, dip="198.51.100.53", dport=53, src=DNS_OWN, ip=DNS_IP, port=33000 + t)
        flows.append(passed(t + 1, dip="198.51.100.53", dport=53, proto="UDP", src=DNS_OWN, ip=DNS_IP, port=34000 + t))
    assert "upstream_blocked" in str(run.causes(flows))


def test_noise_of_the_same_workload(run: Run) -> None:
    """A refused query is still told when the workload then asks once each for 64 names that do not exist."""
    flows = [query(0, "api.example.com.", verdict="DROPPED")]
    for at in range(64):
        flows += exchange(1 + at, f"x{at}.example.net.", rcode=3, port=46000 + at)
    assert run.causes(flows) == {"shop/web": {"query_refused": "inferred"}}


def test_answers_of_somebody_else(run: Run) -> None:
    """A workload's names are remembered though another one is answered with eight times 4,096 addresses."""
    crawler = pod("crawler-7bf8c9648f-aaaaa", "other", "crawler", identity=555)
    flows = exchange(0, "api.example.com.", OUT, ttl=300)
    for at in range(8):
        ips = [f"198.18.{block}.{host}" for block in range(at * 16, at * 16 + 16) for host in range(256)]
        flows += exchange(1 + at, f"n{at}.evil.example.", *ips, src=crawler, ip="10.244.1.77", port=46000 + at)
    assert run.causes(flows, dropped(20)) == {"shop/web": {"egress_denied_after_dns": "inferred"}}


def test_learnt_suffix_hides_no_refusal(run: Run) -> None:
    """Names below a stranger's domain may look like expansions; an answer there does not end a refusal elsewhere."""
    flows: list[Line] = []
    for at, name in enumerate(("a.example.com", "b.example.com")):
        flows += exchange(at, f"{name}.evil.example.", rcode=3, port=46000 + at)
        flows += exchange(at + 0.2, f"{name}.", OUT, port=46100 + at)
    flows.append(query(5, "api.example.com.", verdict="DROPPED", port=46200))
    flows += exchange(6, "api.example.com.evil.example.", "198.51.100.9", port=46300)
    assert "query_refused" in str(run.causes(flows))


def test_address_of_two_names(run: Run) -> None:
    """An address of a CDN that has an allowed name is allowed by Cilium, though a name asked later is not allowed.

    Its drop is not intended then.
    """
    flows = [
        *exchange(0, "api.example.com.", OUT, ttl=300),
        *exchange(1, "tracker.example.net.", OUT, ttl=300, port=45009),
    ]
    flows += [one for t in (2, 3, 5, 9) for one in dropped(t)]
    report = run.report(flows, policies=[POLICY])
    assert report["intended_blocks"] == 0
    assert report["workloads"]


def test_second_file(run: Run) -> None:
    """Of two nodes' files of the same time, what has no answer in the second one is unanswered too."""
    second = [query(t * 20, "api.example.com.", port=45000 + t) for t in range(8)]
    first = [*exchange(1, "www.example.com.", OUT), other(1000)]
    assert run.causes(files=[first, [*second, other(900)]]) == {"shop/web": {"unanswered": "inferred"}}


def test_one_time_in_the_future(run: Run) -> None:
    """One line of a broken clock does not end the watch for silence in the whole file."""
    flows = [
        *exchange(0, "www.example.com.", OUT),
        passed(0, time="2030-01-01T00:00:00Z"),
        *(query(t * 20, "api.example.com.", port=45000 + t) for t in range(8)),
    ]
    assert run.causes(flows, other(500)) == {"shop/web": {"unanswered": "inferred"}}


def test_retransmissions_are_one_connection(run: Run) -> None:
    """An address with a TTL of 5 s is not stale for SYNs sent again 15 s later: it was fresh for their connection."""
    flows = exchange(0, "api.example.com.", OUT, ttl=5)
    flows += [one for t in (0.1, 1.1, 3.1, 7.1, 15.1) for one in dropped(t)]
    assert run.causes(flows) == {"shop/web": {"egress_denied_after_dns": "inferred"}}


def test_stale_before_the_agent_forgets(run: Run) -> None:
    """The agent forgets at its garbage collection, once a minute: 1 s after the TTL is no sure sign of that."""
    found = run.causes(exchange(0, "api.example.com.", OUT, ttl=5), dropped(6), policies=[POLICY])
    assert found["shop/web"].get("stale_address") != "confirmed"


def test_visibility_of_a_rule_that_exists(run: Run) -> None:
    """Where policies have a DNS rule and nothing was asked, nothing confirms that visibility is missing."""
    found = run.causes(dropped(0, dip="203.0.113.99"), policies=[POLICY])
    assert found.get("shop/web", {}).get("visibility_missing") != "confirmed"


def test_visibility_needs_proof(run: Run) -> None:
    """A rule waits for names and no DNS rule hands any to the proxy: confirmed once queries are seen to pass it by."""
    blind = own(POLICY)
    del blind["spec"]["egress"][0]["toPorts"][0]["rules"]
    asks = passed(0, DNS, DNS_IP, 53, "UDP", port=45001)
    assert run.causes(dropped(1), policies=[blind])["shop/web"] == {"visibility_missing": "inferred"}
    assert run.causes(asks, dropped(1), policies=[blind])["shop/web"] == {"visibility_missing": "confirmed"}


def test_visibility_under_another_workload_name(run: Run) -> None:
    """L7 records of old servers have no workload: DNS seen under the name that the pod's name suggests is its own."""
    driver = pod("etl-driver", kind="SparkApplication", workload="etl")
    found = run.causes(
        exchange(0, "api.example.com.", OUT, src=driver), dropped(1, dip="203.0.113.99", src=driver), policies=[POLICY]
    )
    assert found == {}


def test_one_pod_is_one_workload(run: Run) -> None:
    """What was found before a pod's workload was told is reported of that workload, with what was found later."""
    app = pod("app-0", app="app", kind="StrimziPodSet", workload="my-app")
    flows = [
        query(0, "a.example.com.", verdict="DROPPED", src=app),
        *dropped(1, src=app),
        query(2, "b.example.com.", verdict="DROPPED", src=app),
    ]
    assert set(run.causes(flows)) == {"shop/my-app"}


def test_explicit_deny_is_no_fault_of_the_agent(run: Run) -> None:
    """Drop reason 181 says that a rule denies it, here one of a policy that was not read."""
    found = run.causes(exchange(0, "api.example.com.", OUT), dropped(0.1, reason=DENY), policies=[POLICY])
    assert "still_world" not in found.get("shop/web", {})


def test_identity_of_old_servers(run: Run) -> None:
    """Before 1.16 an address allowed by its name has an identity of its own, with a /32: it is not the world's."""
    known = {"identity": 16777217, "labels": ["cidr:203.0.113.10/32", "reserved:world"]}
    found = run.causes(exchange(0, "api.example.com.", OUT), dropped(0.1, known), policies=[POLICY])
    assert "still_world" not in found.get("shop/web", {})


def test_autopath_when_the_bare_name_is_known(run: Run) -> None:
    """CoreDNS' autopath hides no name that was itself answered a second earlier: the agent knows the address by it."""
    flows = [
        *exchange(0, "api.example.com.", OUT, ttl=300),
        *exchange(1, "api.example.com.shop.svc.cluster.local.", OUT, ttl=300, port=45009),
    ]
    found = run.causes(flows, dropped(2), policies=[POLICY])
    assert "autopath" not in found["shop/web"]


def test_pattern_of_a_label(run: Run) -> None:
    """An identity `fqdn:*.example.com` that is allowed on 443 and dropped on 8443 lacks the port, not the name."""
    known = {"identity": 16777217, "labels": ["fqdn:*.example.com", "reserved:world"]}
    policy = own(POLICY)
    policy["spec"]["egress"][1]["toFQDNs"] = [{"matchPattern": "*.example.com"}]
    assert set(run.causes(dropped(0, known, dport=8443), policies=[policy])["shop/web"]) == {"port_not_covered"}
