"""Search suffixes, learnt from the sequence of queries; and what must never be taken for one."""

from exporter.destinations.search_list import SearchList
from exporter.flow import Dns
from tests.flows import at

POD = ("shop", "cart-1")
NXDOMAIN, SERVFAIL = 3, 2


def fails(found: SearchList, name: str, seconds: float = 0, *, asker: object = POD, rcode: int = NXDOMAIN) -> bool:
    """The name does not exist."""
    return found.learn(asker, Dns(name, ("A",), rcode), at(seconds))


def is_answered(found: SearchList, name: str, seconds: float = 0, *, asker: object = POD) -> bool:
    """The name has an address."""
    return found.learn(asker, Dns(name, ("A",), 0, ("203.0.113.7",), (), 30), at(seconds))


def searched(found: SearchList, name: str, suffix: str, seconds: float = 0) -> bool:
    """A resolver asks with the suffix, in vain, and then without."""
    fails(found, f"{name}.{suffix}.", seconds)
    return is_answered(found, f"{name}.", seconds)


def test_learnt_at_the_second_name() -> None:
    """A suffix behind two different names is a search suffix; behind one it may be a coincidence."""
    found = SearchList()
    assert not searched(found, "api.example.com", "corp.example.net")
    assert not searched(found, "api.example.com", "corp.example.net", 10)
    assert searched(found, "www.example.org", "corp.example.net", 20)
    assert found.suffixes == ("corp.example.net",)
    assert not searched(found, "www.example.info", "corp.example.net", 30), "it is known"


def test_names_that_were_meant() -> None:
    """With a learnt suffix behind it, a name that was asked so before is an expansion, whatever its last label."""
    found = SearchList()
    searched(found, "api.example.de", "corp.example.net")
    assert not found.meant("api.example.de.corp.example.net.")
    searched(found, "www.example.dev", "corp.example.net")
    assert found.meant("api.example.de.corp.example.net.")
    assert found.meant("WWW.example.dev.corp.example.net.")
    assert not found.meant("git.team.dev.corp.example.net."), "nobody asked for git.team.dev"
    assert not found.meant("api.example.de.")


def test_a_list_of_several() -> None:
    """A resolver goes through its whole list before it asks for the name itself, for A and for AAAA."""
    found = SearchList()
    suffixes = [f"s{number}.example.net" for number in range(6)]
    for name in ("api.example.com", "www.example.org"):
        for suffix in suffixes:
            fails(found, f"{name}.{suffix}.")
            fails(found, f"{name}.{suffix}.")
        is_answered(found, f"{name}.")
    assert found.suffixes == tuple(suffixes)


def test_the_name_itself_may_fail_too() -> None:
    """A mistyped name fails with every suffix and without: what stands behind it is a suffix all the same."""
    found = SearchList()
    for name in ("api.exmaple.com", "www.exmaple.org"):
        fails(found, f"{name}.corp.example.net.")
        fails(found, f"{name}.")
    assert found.suffixes == ("corp.example.net",)


def test_only_within_five_seconds_and_of_one_pod() -> None:
    """What another pod asks, what is asked later, and what was asked before belong to no sequence."""
    found = SearchList()
    for name in ("api.example.com", "www.example.org"):
        fails(found, f"{name}.corp.example.net.", 10)
        is_answered(found, f"{name}.", 10, asker=("shop", "web-1"))
        is_answered(found, f"{name}.", 15.001)
        is_answered(found, f"{name}.", 9.999)
    assert not found.suffixes
    is_answered(found, "api.example.com.", 15)
    is_answered(found, "www.example.org.", 15)
    assert found.suffixes == ("corp.example.net",)


def test_only_nxdomain_is_in_vain() -> None:
    """A resolver goes on for other reasons too, such as a server that does not answer: they teach nothing."""
    found = SearchList()
    for name in ("api.example.com", "www.example.org"):
        fails(found, f"{name}.corp.example.net.", rcode=SERVFAIL)
        is_answered(found, f"{name}.")
    assert found.suffixes == ()


def test_a_single_label_must_be_answered() -> None:
    """`api.example.com.` fails and `api.` after it: that is somebody who guesses. One that is answered is a name."""
    found = SearchList()
    for name in ("api", "www"):
        fails(found, f"{name}.example.com.")
        fails(found, f"{name}.")
    assert not found.suffixes
    for name in ("mail", "files"):
        searched(found, name, "example.com")
    assert found.suffixes == ("example.com",)


def test_never_a_public_suffix() -> None:
    """`example.co.uk.` fails and `example.co.` is asked, `www.example.com.` and `www.example.`: no suffixes of ours."""
    found = SearchList()
    for name in ("example.co", "shop.co"):
        searched(found, name, "uk")
    for name in ("www.example", "www.shop"):
        searched(found, name, "com")
        searched(found, name, "co.uk")
    assert found.suffixes == ()


def test_never_a_domain_that_is_answered_itself() -> None:
    """Who has an address is a destination: neither a candidate nor what was learnt before is kept, for good."""
    candidate, learnt = SearchList(), SearchList()
    searched(candidate, "api.example.com", "example.net")
    is_answered(candidate, "example.net.")
    searched(candidate, "www.example.org", "example.net")
    searched(candidate, "www.example.info", "example.net")
    assert candidate.suffixes == ()
    for name in ("api.example.com", "www.example.org"):
        searched(learnt, name, "example.net")
    assert is_answered(learnt, "example.net."), "it is no suffix any more"
    assert learnt.suffixes == ()


def test_labels_are_whole() -> None:
    """`api.example.com` and `api.example.co` are no beginnings of `api.example.community.corp`."""
    found = SearchList()
    fails(found, "api.example.community.corp.")
    for name in ("api.example.com", "api.example.co"):
        is_answered(found, f"{name}.")
    assert found.suffixes == ()


def test_bounds() -> None:
    """At most 64 suffixes, 4,096 pods that have failed and 256 candidates; what is not learnt is told."""
    found = SearchList()
    for number in range(66):
        for name in ("api.example.com", "www.example.org"):
            searched(found, name, f"s{number}.example.net", number * 10)
    assert (len(found.suffixes), found.stats()) == (64, (64, 64, 2))
    fresh = SearchList()
    fails(fresh, "api.example.com.corp.example.net.", asker="the first")
    for number in range(4096):
        fails(fresh, "a.b.c.", asker=number)
    is_answered(fresh, "api.example.com.", asker="the first")
    searched(fresh, "www.example.org", "corp.example.net")
    assert fresh.suffixes == ()
    for number in range(256):
        searched(fresh, "api.example.com", f"s{number}.example.net")
    searched(fresh, "www.example.info", "corp.example.net")
    assert not fresh.suffixes, "the first candidate had to leave"
    meant = SearchList()
    for number in range(4097):
        searched(meant, f"n{number}.example.com", "corp.example.net")
    assert not meant.meant("n0.example.com.corp.example.net."), "of names that were meant, 4,096"
    assert meant.meant("n1.example.com.corp.example.net.")
