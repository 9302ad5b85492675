"""Prefixes from labels and from settings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.destinations.cidrs import CidrNames, cidr_group, label_prefix, longest_prefix


@pytest.mark.parametrize(
    ("label", "prefix"),
    [
        ("cidr:1.1.1.1/32", "1.1.1.1/32"),
        ("cidr:10.0.0.1/8", "10.0.0.0/8"),
        ("cidr:10.0.0.0/8=", "10.0.0.0/8"),
        ("cidr:0.0.0.0/0", "0.0.0.0/0"),
        ("cidr:2001-db8--0/32", "2001:db8::/32"),
        ("cidr:0--1/128", "::1/128"),
        ("cidr:0--0/0", "::/0"),
        ("cidr:2001-db8-0-1--0/64", "2001:db8:0:1::/64"),
        ("cidr:1-2-3-4-5-6--0/112", "1:2:3:4:5:6::/112"),
        ("cidr:2001-db8--1/64", "2001:db8::/64"),
        ("cidr:10.0.0.1", None),
        ("cidr:10.0.0.0/255.0.0.0", None),
        ("cidr:10.0.0.0/33", None),
        ("cidr:10.0.0.0/", None),
        ("cidr:/8", None),
        ("cidr:", None),
        ("cidr", None),
        ("cidr:2001-db8/32", None),
        ("cidrgroup:10.0.0.0/8", None),
        ("k8s:10.0.0.0/8", None),
        ("10.0.0.0/8", None),
        ("reserved:world", None),
        ("", None),
    ],
)
def test_prefix_of_a_label(label: str, prefix: str | None) -> None:
    """Cilium spelling to canonical prefix; anything else is None."""
    assert label_prefix(label) == prefix


@pytest.mark.parametrize(
    ("labels", "prefix"),
    [
        (["reserved:world", "cidr:10.0.0.0/8", "cidr:10.1.0.0/16", "cidr:0.0.0.0/0"], "10.1.0.0/16"),
        (["cidr:10.1.0.0/9", "cidr:10.128.0.0/10"], "10.128.0.0/10"),  # 9 < 10 as numbers, not as text
        (["cidr:10.0.0.0/16", "cidr:10.1.0.0/16"], "10.1.0.0/16"),
        (["cidr:10.1.0.0/16", "cidr:10.0.0.0/16"], "10.1.0.0/16"),
        (["cidr:broken/8"], None),
        ([], None),
    ],
)
def test_longest_prefix(labels: list[str], prefix: str | None) -> None:
    """The longest wins by number, ties by text, whatever the order."""
    assert longest_prefix(labels) == prefix


KEY = "cidrgroup:io.cilium.policy.cidrgroupname/"


@pytest.mark.parametrize(
    ("labels", "group"),
    [
        ([f"{KEY}partners", "reserved:world"], "partners"),
        ([f"{KEY}partners="], "partners"),
        ([f"{KEY}b", f"{KEY}a="], "a"),
        (["cidrgroup:team=payments"], None),
        ([KEY, f"{KEY}="], None),
        (["k8s:io.cilium.policy.cidrgroupname/partners"], None),
        ([], None),
    ],
)
def test_cidr_group(labels: list[str], group: str | None) -> None:
    """With and without `=`; the alphabetically first of several."""
    assert cidr_group(labels) == group


NAMES = {
    "0.0.0.0/0": "internet",
    "10.0.0.0/8": "offices",
    "10.1.0.0/16": "berlin",
    "10.1.2.3/32": "printer",
    "192.0.2.1": "single",
    "2001:db8::/32": "lab",
    "2001:db8:1::/48": "bench",
}


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("8.8.8.8", "internet"),
        ("10.255.255.255", "offices"),
        ("10.1.2.4", "berlin"),
        ("10.1.2.3", "printer"),
        ("192.0.2.1", "single"),
        ("192.0.2.2", "internet"),
        ("2001:DB8:2::1", "lab"),
        ("2001:db8:1::1%eth0", "bench"),
        ("2001:db9::1", None),
        ("::ffff:10.1.2.3", None),
        ("api.example.com", None),
        ("", None),
    ],
)
def test_name_of_an_address(address: str, name: str | None) -> None:
    """The longest configured prefix names the address."""
    assert CidrNames(NAMES).name_of(address) == name


def test_the_same_number_is_not_the_same_address_in_both_families() -> None:
    """10.0.0.1 and ::a00:1 are one number and two addresses."""
    assert CidrNames({"::a00:0/104": "six"}).name_of("10.0.0.1") is None
    assert CidrNames({"::/0": "six"}).name_of("10.0.0.1") is None


@pytest.mark.parametrize("prefix", ["10.0.0.1/8", "10.0.0.0/33", "2001:db8::/129", "example.com", ""])
def test_bad_prefix_is_named(prefix: str) -> None:
    """The message has what the operator wrote."""
    with pytest.raises(ValueError, match=f"bad prefix {prefix!r}"):
        CidrNames({"10.0.0.0/8": "good", prefix: "bad"})


def test_a_prefix_has_one_name() -> None:
    """Two spellings of one prefix would let one name win silently."""
    with pytest.raises(ValueError, match="2001:DB8::/32"):
        CidrNames({"2001:db8::/32": "a", "2001:DB8::/32": "b"})


@given(st.lists(st.text() | st.text().map("cidr:".__add__) | st.text().map(KEY.__add__)))
def test_any_label_will_do(labels: list[str]) -> None:
    """No label raises."""
    longest_prefix(labels)
    cidr_group(labels)


@given(st.ip_addresses(v=6), st.integers(0, 128))
def test_cilium_spelling_of_ipv6_is_read_back(address: object, length: int) -> None:
    """Whatever IPv6 prefix an agent writes is read as that prefix."""
    text = str(address)
    text = f"0{text}" if text.startswith(":") else text
    text = f"{text}0" if text.endswith(":") else text
    prefix = label_prefix(f"cidr:{text.replace(':', '-')}/{length}")
    assert prefix is not None
    assert CidrNames({prefix: "found"}).name_of(str(address)) == "found"
