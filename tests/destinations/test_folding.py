"""From pod names to their controllers."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.destinations.folding import fold_pod_name

NODES = frozenset({"kind-control-plane", "prod/ip-10-0-0-1.ec2.internal", "b", "a-b", "gke-pool-6b746f74-9rcx"})

LONG_50 = "a-deployment-whose-name-is-quite-long-for-its-work0"[:50]


@pytest.mark.parametrize(
    ("pod", "controller"),
    [
        # Deployments
        ("frontend-6b746f74dc-9rcxx", "frontend"),
        ("productpage-v1-6b746f74dc-9rcxx", "productpage-v1"),
        ("jaeger-default-6f5845c4b7-7r5r6", "jaeger-default"),
        ("coredns-5d78c9869-2xk4z", "coredns"),
        ("web-8599bfd7-bq2x4", "web"),
        ("rare-4dc8bf-bq2x4", "rare"),
        ("tiller-3416376829-bq2x4", "tiller"),
        ("redis-7-6b746f74dc-9rcxx", "redis-7"),
        ("my.app-6b746f74dc-9rcxx", "my.app"),
        # DaemonSets, Jobs, ReplicationControllers, bare ReplicaSets
        ("node-local-dns-88zrp", "node-local-dns"),
        ("otelcol-hubble-collector-fwc6m", "otelcol-hubble-collector"),
        ("migrate-bq2x4", "migrate"),
        ("frontend-v2-bq2x4", "frontend-v2"),
        ("kube-flannel-ds-amd64-24679", "kube-flannel-ds-amd64"),
        # CronJobs, indexed Jobs, versions of a DeploymentConfig
        ("backup-28391234-bq2x4", "backup"),
        ("backup-28495267-bq2x4", "backup"),
        ("backup-28391234-3-bq2x4", "backup"),
        ("job-0-bq2x4", "job"),
        ("job-12-bq2x4", "job"),
        ("shop-5-bq2x4", "shop"),
        ("redis-7-28391234-bq2x4", "redis-7"),
        # StatefulSets
        ("db-0", "db"),
        ("db-12", "db"),
        ("pg-v1-0", "pg-v1"),
        ("my-pgsql-0", "my-pgsql"),
        ("web-v1", "web-v1"),
        ("db-007", "db-007"),
        # static pods
        ("kube-apiserver-kind-control-plane", "kube-apiserver"),
        ("kube-proxy-ip-10-0-0-1.ec2.internal", "kube-proxy"),
        ("etcd-a-b", "etcd"),
        ("etcd-c-b", "etcd-c"),
        ("kube-proxy-gke-pool-6b746f74-9rcx", "kube-proxy"),
        ("kube-apiserver-other-node", "kube-apiserver-other-node"),
        ("b", "b"),
        ("-b", "-b"),
        # bare pods, words
        ("redis-cache", "redis-cache"),
        ("my-app-backend", "my-app-backend"),
        ("http-proxy", "http-proxy"),
        ("nginx-proxy", "nginx-proxy"),
        ("cdn-shrty", "cdn-shrty"),
        ("proxy-https", "proxy-https"),
        ("my-pgsql", "my-pgsql"),
        ("backup-28391234-final", "backup"),
        ("web-2-cache", "web-2-cache"),
        ("bq2x4", "bq2x4"),
        ("netshoot", "netshoot"),
        ("app-6B746F74DC-9RCXX", "app-6B746F74DC-9RCXX"),
        ("app-bq2x", "app-bq2x"),
        ("app-bq2x47", "app-bq2x47"),
        ("", ""),
        ("-0", "-0"),
        ("-", "-"),
        # 63 characters: the base was cut to 58, seven characters of the hash are left and no dash
        (f"{LONG_50}-6b746f7" + "9rcxx", LONG_50),
        # three characters of the hash are left
        ("x" * 54 + "-6b7" + "9rcxx", "x" * 54),
        # the hash ends exactly at 58
        (f"{LONG_50[:47]}-6b746f74dc" + "9rcxx", LONG_50[:47]),
        # the name alone fills 58: what was cut off is lost
        ("x" * 57 + "a" + "9rcxx", "x" * 57 + "a"),
        # 62 characters were not cut, and their last dash would be there
        (f"{LONG_50[:49]}-6b746f7" + "9rcxx", f"{LONG_50[:49]}-6b746f7" + "9rcxx"),
        # 63 characters and nothing cut
        ("x" * 57 + "-" + "9rcxx", "x" * 57),
        ("x" * 46 + "-6b746f74dc-" + "9rcxx", "x" * 46),
    ],
)
def test_controller_of_a_pod(pod: str, controller: str) -> None:
    """Every kind of controller, and names that only look like one."""
    assert fold_pod_name(pod, NODES) == controller


def test_lengths_of_the_long_rows() -> None:
    """The rows above are about names of exactly 63 characters."""
    assert len(f"{LONG_50}-6b746f7" + "9rcxx") == 63
    assert len(f"{LONG_50[:47]}-6b746f74dc" + "9rcxx") == 63


def test_nodes_that_nobody_named_take_nothing_away() -> None:
    """Unknown and empty node names cut nothing."""
    assert fold_pod_name("kube-apiserver-kind-control-plane") == "kube-apiserver-kind-control-plane"
    assert fold_pod_name("kube-apiserver-", ["", "cluster/"]) == "kube-apiserver-"


_PARTS = st.lists(st.sampled_from(["a", "web", "0", "28391234", "6b746f74dc", "9rcxx", "b", "\n", ""])).map("-".join)


@given(st.text() | _PARTS, st.sets(st.text() | _PARTS))
@example("-b", {"b"})
@example("x" * 57 + "ab" + "9rcx", set())
def test_the_controller_is_the_beginning_of_the_pod(pod: str, nodes: set[str]) -> None:
    """A prefix of the name, empty only for the empty name."""
    controller = fold_pod_name(pod, nodes)
    assert pod.startswith(controller)
    assert bool(controller) == bool(pod)


@given(st.text("bcdfghjklmnpqrstvwxz2456789", min_size=5, max_size=5), st.integers(0, 2**32 - 1))
def test_every_deployment_pod_of_kubernetes_folds(suffix: str, template_hash: int) -> None:
    """Hashes as the ReplicaSet controller makes them, six digits and up."""
    # SafeEncodeString: each byte of the decimal number, modulo the size of the alphabet, is an index into it.
    alphabet = "bcdfghjklmnpqrstvwxz2456789"
    encoded = "".join(alphabet[ord(digit) % 27] for digit in f"{template_hash + 10**5:d}")
    # A suffix such as `https` is left out on purpose: one pod in 14 million keeps its full name.
    if suffix not in {"https", "html5", "http2", "dhcp4", "dhcp6", "mqtts", "mssql", "pgsql", "xhtml"}:
        assert fold_pod_name(f"shop-v1-{encoded}-{suffix}") == "shop-v1"
