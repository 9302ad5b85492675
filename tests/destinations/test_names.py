"""DNS names below search suffixes, and registered domains."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.destinations.names import Bare, ClusterNames, normal

NAMES = ClusterNames(["cluster.local", "clusterset.local"], ["corp.example", "eu-west-1.compute.internal"])


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("api.example.com.shop.svc.cluster.local", "api.example.com"),
        ("example.com.shop.svc.cluster.local", "example.com"),
        ("example.de.shop.svc.cluster.local", "example.de"),
        ("api.example.com.svc.cluster.local", "api.example.com"),
        ("example.com.svc.cluster.local", "example.com"),
        ("api.example.com.cluster.local", "api.example.com"),
        ("api.example.co.uk.shop.svc.clusterset.local", "api.example.co.uk"),
        ("API.Example.COM.shop.svc.cluster.local.", "api.example.com"),
        ("api.example.com.corp.example", "api.example.com"),
        ("www.bbc.co.uk.corp.example", "www.bbc.co.uk"),
        ("api.example.com.shop.svc.cluster.local.corp.example", "api.example.com"),
        ("api.example.com.eu-west-1.compute.internal", "api.example.com"),
        ("git.corp.example.shop.svc.cluster.local", "git.corp.example"),
        ("git.corp.example.svc.cluster.local", "git.corp.example"),
        ("metadata.google.internal.shop.svc.cluster.local", "metadata.google.internal"),
        ("metadata.google.internal.svc.cluster.local", "metadata.google.internal"),
        ("metadata.google.internal.cluster.local", "metadata.google.internal"),
        ("vault.corp.cluster.local", "vault.corp"),
        ("api.example.shop.shop.svc.cluster.local", "api.example.shop"),
        ("redis.service.consul.cluster.local", "redis.service.consul"),
        ("ip-10-0-0-1.ec2.internal.shop.svc.cluster.local", "ip-10-0-0-1.ec2.internal"),
        ("ip-10-0-0-1.ec2.internal.svc.cluster.local", "ip-10-0-0-1.ec2.internal"),
        ("10-0-0-1.nip.io.svc.cluster.local", "10-0-0-1.nip.io"),
        ("_xmpp._tcp.example.com.shop.svc.cluster.local", "_xmpp._tcp.example.com"),
        ("node-1.example.com.shop.svc.clusterset.local", "node-1.example.com"),
        # asked from another namespace, or from one that nobody knows
        ("api.example.com.payments.svc.cluster.local", "api.example.com"),
        ("example.com.payments.svc.cluster.local", "example.com"),
    ],
)
def test_expansion_of_an_external_name(name: str, meant: str) -> None:
    """The world name is left once the search suffix is off."""
    assert NAMES.bare(name, "shop") == Bare(meant, internal=False, expansion=True)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("db.shop.shop.svc.cluster.local", "db.shop"),
        ("kubernetes.svc.cluster.local", "kubernetes"),
        ("kubernetes.cluster.local", "kubernetes"),
        ("db.shop.cluster.local", "db.shop"),
        ("pod-0.db.shop.shop.svc.cluster.local", "pod-0.db.shop"),
        ("redis.cache.cluster.local", "redis.cache"),
        ("_redis._tcp.redis.cache.cluster.local", "_redis._tcp.redis.cache"),
        ("kubernetes.default.svc.shop.svc.cluster.local", "kubernetes.default.svc"),
        ("istiod-istio-1611.istio-system.svc.istio-system.svc.cluster.local", "istiod-istio-1611.istio-system.svc"),
        ("name.ns.svc.svc.cluster.local", "name.ns.svc"),
        ("name.svc.svc.cluster.local", "name.svc"),
        ("name.svc.shop.svc.cluster.local", "name.svc"),
        ("name.ns.svc.corp.example", "name.ns.svc"),
        ("name.ns.svc.cluster.local.shop.svc.cluster.local", "name.ns.svc.cluster.local"),
        ("name.ns.svc.cluster.local.svc.cluster.local", "name.ns.svc.cluster.local"),
        ("name.ns.svc.cluster.local.cluster.local", "name.ns.svc.cluster.local"),
        ("name.ns.svc.cluster.local.corp.example", "name.ns.svc.cluster.local"),
        ("_http._tcp.db.svc.cluster.local", "_http._tcp.db"),
    ],
)
def test_expansion_of_a_cluster_name(name: str, meant: str) -> None:
    """Short cluster names and single labels stay in the cluster."""
    assert NAMES.bare(name, "shop") == Bare(meant, internal=True, expansion=True)


@pytest.mark.parametrize(
    "name",
    [
        "db.shop.svc.cluster.local",
        "db.payments.svc.cluster.local",
        "db.dev.svc.cluster.local",  # dev is a top-level domain
        "db.shop.svc.clusterset.local",
        "pod-0.db.shop.svc.cluster.local",
        "pod-0.db.payments.svc.cluster.local",
        "pod-0.db.dev.svc.cluster.local",
        "app-0.app.shop.svc.cluster.local",  # app is a top-level domain
        "shop-0.shop.shop.svc.cluster.local",
        "zookeeper.zk.shop.svc.cluster.local",
        "zookeeper.zk.payments.svc.cluster.local",
        "10-0-0-1.db.dev.svc.cluster.local",
        "2001-db8--1.db.dev.svc.cluster.local",
        "10-0-0-1.shop.pod.cluster.local",
        "_http._tcp.db.shop.svc.cluster.local",
        "_http._tcp.db.dev.svc.cluster.local",
        "pod-0.east.db.shop.svc.clusterset.local",
        "pod-0.east.db.dev.svc.clusterset.local",
        "cluster.local",
        "svc.cluster.local",
        "kubernetes",
        "kubernetes.default.svc",
        "_http._tcp.db",
    ],
)
def test_cluster_name_as_it_is(name: str) -> None:
    """Valid names, from any namespace, also one called like a top-level domain."""
    assert NAMES.bare(name, "shop") == Bare(name, internal=True, expansion=False)


@pytest.mark.parametrize(
    "name",
    [
        "api.example.com",
        "redis.cache",
        "db.shop",  # nothing was added: somebody asked the Internet
        "mycluster.local",
        "ec2.internal",
        "corp.example",
        "git.corp.example",
        "db.shop.corp.example",
        "com.corp.example",
        "co.uk.corp.example",
        "api.dev.corp.example",  # a subdomain of the company, not the top-level domain
        "ip-10-0-0-1.eu-west-1.compute.internal",
        "1.0.0.10.in-addr.arpa",
        "",
    ],
)
def test_external_name_as_it_is(name: str) -> None:
    """Nothing was added, so nothing is taken off."""
    assert NAMES.bare(name, "shop") == Bare(name, internal=False, expansion=False)


def test_own_namespace() -> None:
    """The own namespace is better evidence than the list."""
    assert NAMES.bare("db.io.svc.cluster.local", "io") == Bare("db.io.svc.cluster.local", True, False)
    assert NAMES.bare("db.payments.payments.svc.cluster.local", "payments") == Bare("db.payments", True, True)
    assert NAMES.bare("example.io.svc.cluster.local", "shop") == Bare("example.io", False, True)


def test_longest_domain_counts_and_empty_ones_do_not() -> None:
    """Domains are normalised, overlap, and may be left empty."""
    names = ClusterNames(["local", "Prod.Local.", ""], ["", "."])
    assert names.bare("db.shop.svc.prod.local", "shop") == Bare("db.shop.svc.prod.local", True, False)
    assert names.bare("", "shop") == Bare("", False, False)
    assert names.bare("api.example.com", "shop") == Bare("api.example.com", False, False)


_LABELS = st.sampled_from(
    [
        "a",
        "shop",
        "svc",
        "pod",
        "cluster",
        "local",
        "corp",
        "example",
        "com",
        "co",
        "uk",
        "_tcp",
        "db-0",
        "",
        "internal",
    ]
)
_DOTTED = st.lists(_LABELS, max_size=12).map(".".join)


@given(st.text() | _DOTTED, st.text() | _LABELS)
@example(".svc.cluster.local" * 200, "shop")
@example("..svc.cluster.local", "")
def test_every_text_has_an_answer(name: str, namespace: str) -> None:
    """Total; the answer is the beginning of the name, and shorter only for an expansion."""
    bare = NAMES.bare(name, namespace)
    assert normal(name).startswith(bare.name)
    assert not bare.name.endswith(".")
    assert bare.expansion == (bare.name != normal(name))


@given(st.lists(_LABELS.filter(bool), min_size=1, max_size=9).map(".".join))
def test_what_a_search_adds_to_a_world_name_is_taken_off(name: str) -> None:
    """Every step of an ndots search leads back to the same name."""
    asked = f"{name}.zz.example.org"
    for suffix in ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "corp.example"):
        assert NAMES.bare(f"{asked}.{suffix}", "shop") == Bare(asked, internal=False, expansion=True)
