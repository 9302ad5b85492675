"""Scopes of external addresses, with expectations taken from the RFCs and the clouds' documentation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.destinations.scopes import Scope, Scopes

CLUSTER = ("10.244.0.0/16", "10.96.0.0/12", "fd00:10:244::/56", "203.0.113.7")
NAT64 = ("2001:db8::/32", "2001:db9:100::/40", "2001:dba:122::/48", "2001:dbb:122:300::/56", "2001:dbc:122:344::/64")


@pytest.mark.parametrize(
    ("address", "scope"),
    [
        ("8.8.8.8", Scope.PUBLIC),
        ("2606:4700::1111", Scope.PUBLIC),
        ("192.0.2.1", Scope.PUBLIC),  # documentation
        ("198.51.100.1", Scope.PUBLIC),
        ("127.0.0.1", Scope.PUBLIC),
        ("not an address", Scope.PUBLIC),
        ("", Scope.PUBLIC),
        ("10.0.0.256", Scope.PUBLIC),
        ("169.254.169.254", Scope.METADATA),
        ("169.254.170.2", Scope.METADATA),
        ("169.254.170.23", Scope.METADATA),
        ("100.100.100.200", Scope.METADATA),
        ("168.63.129.16", Scope.METADATA),
        ("192.0.0.192", Scope.METADATA),
        ("fd00:ec2::254", Scope.METADATA),
        ("FD00:0EC2::23", Scope.METADATA),
        ("fd20:ce::254", Scope.METADATA),
        ("fd00:c1::a9fe:a9fe", Scope.METADATA),
        ("fe80::a9fe:a9fe%eth0", Scope.METADATA),
        ("169.254.169.253", Scope.LINK_LOCAL),  # Amazon's resolver
        ("168.63.129.17", Scope.PUBLIC),
        ("10.244.3.4", Scope.CLUSTER_RANGE),
        ("10.111.255.255", Scope.CLUSTER_RANGE),
        ("10.112.0.0", Scope.PRIVATE),
        ("fd00:10:244:0:5::1", Scope.CLUSTER_RANGE),
        ("fd00:10:244:100::1", Scope.PRIVATE),
        ("203.0.113.7", Scope.CLUSTER_RANGE),
        ("203.0.113.8", Scope.PUBLIC),
        ("169.254.0.1", Scope.LINK_LOCAL),
        ("169.253.255.255", Scope.PUBLIC),
        ("fe80::1%eth0", Scope.LINK_LOCAL),
        ("febf::1", Scope.LINK_LOCAL),
        ("fec0::1", Scope.PUBLIC),
        ("255.255.255.255", Scope.LINK_LOCAL),
        ("255.255.255.254", Scope.PUBLIC),
        ("224.0.0.251", Scope.MULTICAST),
        ("239.255.255.255", Scope.MULTICAST),
        ("240.0.0.1", Scope.PUBLIC),
        ("ff02::fb", Scope.MULTICAST),
        ("10.1.2.3", Scope.PRIVATE),
        ("172.15.255.255", Scope.PUBLIC),
        ("172.16.0.1", Scope.PRIVATE),
        ("172.31.255.255", Scope.PRIVATE),
        ("172.32.0.1", Scope.PUBLIC),
        ("192.168.1.1", Scope.PRIVATE),
        ("100.64.0.1", Scope.PRIVATE),
        ("100.127.255.255", Scope.PRIVATE),
        ("100.128.0.0", Scope.PUBLIC),
        ("fd12:3456::1", Scope.PRIVATE),
        ("::ffff:8.8.8.8", Scope.PUBLIC),
        ("::ffff:10.1.2.3", Scope.PRIVATE),
        ("::ffff:a9fe:a9fe", Scope.METADATA),
        ("64:ff9b::10.244.3.4", Scope.CLUSTER_RANGE),
        ("64:ff9b::a9fe:a9fe", Scope.METADATA),
        ("64:ff9b::808:808", Scope.PUBLIC),
        ("64:ff9b:1::a01:203", Scope.PUBLIC),  # RFC 8215 prefix, not configured
    ],
)
def test_scope_of_an_address(address: str, scope: Scope) -> None:
    """Each range at its edges, and what stands before what."""
    assert Scopes(CLUSTER).of(address) is scope


@pytest.mark.parametrize(
    "address",
    [
        # 192.0.2.33 in the layouts of RFC 6052 section 2.2; its examples, moved to one prefix per length.
        "2001:db8:c000:221::",
        "2001:db9:1c0:2:21::",
        "2001:dba:122:c000:2:2100::",
        "2001:dbb:122:3c0:0:221::",
        "2001:dbc:122:344:c0:2:2100::",
        "64:ff9b::192.0.2.33",
        "::ffff:192.0.2.33",
        "::FFFF:c000:221%eth0",
        "192.0.2.33",
    ],
)
def test_embedded_ipv4_is_the_address(address: str) -> None:
    """All six layouts of RFC 6052, v4-mapped, and the zone taken off first."""
    assert Scopes((), NAT64).canonical(address) == "192.0.2.33"


def test_metadata_behind_a_configured_nat64_prefix() -> None:
    """A prefix embeds only when it is configured."""
    # 169.254.169.254 is a9.fe.a9.fe; behind a /64 it stands after the octet that is zero.
    address = "2001:dbc:122:344:a9:fea9:fe00:0"
    assert Scopes((), NAT64).of(address) is Scope.METADATA
    assert Scopes().of(address) is Scope.PUBLIC


@pytest.mark.parametrize(
    ("address", "canonical"),
    [
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("8.8.8.8", "8.8.8.8"),
        ("api.example.com", "api.example.com"),
        ("", ""),
    ],
)
def test_canonical_spelling(address: str, canonical: str) -> None:
    """One spelling per address; what is none stays."""
    assert Scopes().canonical(address) == canonical


@pytest.mark.parametrize("prefix", ["10.0.0.0/96", "2001:db8::/33", "2001:db8::1", "192.0.2.1/32", "nonsense", ""])
def test_bad_nat64_prefix_is_named(prefix: str) -> None:
    """Only IPv6 and the lengths of RFC 6052."""
    with pytest.raises(ValueError, match=repr(prefix)):
        Scopes((), (prefix,))


@pytest.mark.parametrize("prefix", ["10.0.0.1/8", "10.0.0.0/33", "node-range"])
def test_bad_cluster_range_is_named(prefix: str) -> None:
    """Host bits are an error, not a guess."""
    with pytest.raises(ValueError, match=repr(prefix)):
        Scopes((prefix,))


@given(st.text() | st.ip_addresses().map(str))
def test_every_text_has_an_external_scope(address: str) -> None:
    """Total, never `cluster`, and the same for every spelling."""
    scopes = Scopes(CLUSTER, NAT64)
    scope = scopes.of(address)
    assert scope is not Scope.CLUSTER
    assert scopes.of(scopes.canonical(address)) is scope
