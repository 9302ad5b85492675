"""A suggested policy that is said to be checked allows all that was denied, and none overwrites another one."""

import pytest

from tests.triage.lines import (
    DENY,
    DNS,
    DNS_IP,
    DNS_OWN,
    OTHER_DNS,
    OUT,
    POLICY,
    Run,
    allowlist,
    dropped,
    exchange,
    ids,
    own,
    passed,
    pod,
    query,
    to_dns,
)


def test_nothing_allows_what_a_rule_denies(run: Run) -> None:
    """Deny rules win over any allow rule: a policy that allows more mends nothing, so none is suggested."""
    assert run.policies(to_dns(0, reason=DENY), exchange(1, "api.example.com.", OUT)[1:], dropped(2, reason=DENY)) == []


def test_two_upstreams_have_two_policies(run: Run) -> None:
    """Policies for two upstreams have two names: of one name, `kubectl apply` of both would leave one."""
    made = ids(
        run.policies(
            *(
                dropped(at, dip=f"198.51.100.{at + 53}", dport=53, proto="UDP", src=DNS_OWN, ip=DNS_IP)
                for at in range(2)
            )
        )
    )
    assert len(made) == len(set(made))


def test_two_findings_have_two_policies(run: Run) -> None:
    """A port that is not covered and a name that is not, of one workload, have policies of two names."""
    flows = [
        *exchange(0, "api.example.com.", OUT, ttl=300),
        *exchange(1, "www.example.org.", "203.0.113.20", ttl=300, port=45009),
    ]
    flows += [*dropped(2, dport=8443), *dropped(3, dip="203.0.113.20", port=40009)]
    made = ids(run.policies(flows, policies=[POLICY, allowlist("www.example.org")]))
    assert len(made) == len(set(made)) == 2


def test_a_policy_that_was_read_is_not_overwritten(run: Run) -> None:
    """A suggestion never has the name of a policy that was read, such as yesterday's: it lacks what that one allows."""
    before = own(POLICY)
    before["metadata"]["name"] = "allow-web-names"
    made = ids(run.policies(exchange(0, "api.example.com.", OUT), dropped(2, dport=8443), policies=[before]))
    assert ("CiliumNetworkPolicy", "shop", "allow-web-names") not in made


def test_long_names_of_workloads(run: Run) -> None:
    """However long a workload's name is, the names of its policies still tell their purposes apart."""
    long = pod("a" * 60 + "-7bf8c9648f-r7bs2", app="a", workload="a" * 60)
    made = ids(
        run.policies(
            exchange(0, "api.example.com.", OUT, ttl=300, src=long),
            *(to_dns(t, src=long) for t in (40, 45)),
            dropped(50, src=long),
        )
    )
    assert len(made) == len(set(made)) == 3


def test_two_resolvers(run: Run) -> None:
    """Where queries to two resolvers are denied, a policy for one of them does not allow what was denied."""
    made = run.policies(to_dns(0), dropped(1, OTHER_DNS, "10.244.5.53", 53, "UDP", port=45007))
    egress = [(str(one["spec"]["egress"]), checked) for one, checked in made]
    assert all("kube-system" in rules and "'dns'" in rules for rules, checked in egress if checked)


def test_refused_by_both_transports(run: Run) -> None:
    """Where the proxy refuses queries by TCP too, a rule with DNS names for UDP alone leaves TCP as it is."""
    flows = [
        query(0, "api.example.com.", verdict="DROPPED"),
        query(1, "www.example.com.", verdict="DROPPED", proto="TCP"),
        query(2, "api.example.com.", verdict="DROPPED"),
    ]
    assert all("TCP" in str(one) and "UDP" in str(one) for one, checked in run.policies(flows) if checked)


def test_pods_of_two_versions(run: Run) -> None:
    """What is denied to pods of v1 and of v2 is not allowed by a policy that selects v1."""
    old = pod("web-7bf8c9648f-aaaaa", labels=("k8s:version=v1",), identity=21041)
    new = pod("web-8bf8c9648f-bbbbb", labels=("k8s:version=v2",), identity=21042)
    made = run.policies(to_dns(0, src=old), to_dns(1, src=new, ip="10.244.1.6"))
    assert all("version" not in str(one) for one, checked in made if checked)


@pytest.mark.parametrize(
    "label",
    [
        "statefulset.kubernetes.io/pod-name=db-0",
        "apps.kubernetes.io/pod-index=0",
        "batch.kubernetes.io/job-name=db-28391234",
        "job-name=db-28391234",
    ],
)
def test_labels_of_one_pod(run: Run, label: str) -> None:
    """No policy selects by labels that Kubernetes gives to one pod, or to one run of a job."""
    made = run.policies(to_dns(0, src=pod("db-0", app="db", kind="StatefulSet", labels=(f"k8s:{label}",))))
    assert label.partition("=")[0] not in str(made)


def test_visibility_at_the_resolver_that_is_asked(run: Run) -> None:
    """A DNS rule is suggested for the resolver that the workload asks, such as OpenShift's on 5353, not kube-dns."""
    openshift = {
        **DNS,
        "namespace": "openshift-dns",
        "labels": [
            "k8s:io.kubernetes.pod.namespace=openshift-dns",
            "k8s:dns.operator.openshift.io/daemonset-dns=default",
        ],
        "pod_name": "dns-default-abcde",
    }
    rule = {
        "toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "openshift-dns"}}],
        "toPorts": [{"ports": [{"port": "5353", "protocol": "ANY"}]}],
    }
    policy = own(POLICY, egress=[rule, POLICY["spec"]["egress"][1]])
    made = run.policies(passed(0, openshift, "10.128.0.5", 5353, "UDP", port=45001), dropped(1), policies=[policy])
    assert all("openshift-dns" in str(one) and "5353" in str(one) for one, checked in made if checked)


@pytest.mark.parametrize("name", ["*.example.com.", "foo bar.example.com."])
def test_names_that_cilium_refuses(run: Run, name: str) -> None:
    """A matchName is of letters, digits, - _ and dots: no policy is better than one that the API refuses."""
    assert run.policies(query(0, name, verdict="DROPPED")) == []


def test_label_that_is_a_pattern(run: Run) -> None:
    """The pattern in an identity's label, `fqdn:*.example.com`, is never written as a matchName."""
    known = {"identity": 16777217, "labels": ["fqdn:*.example.com", "reserved:world"]}
    assert "'matchName': '*" not in str(run.policies(dropped(0, known, dport=8443)))
