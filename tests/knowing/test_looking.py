"""`known list` and `known show` as a person calls them."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from exporter.known.interface import Fact, Mark, Store, What, WorkloadKey, seen
from exporter.known.sqlite import SqliteStore
from exporter.settings import Settings
from exporter.settings.fields import fields
from tests.flows import at
from tests.knowing.conftest import Known
from tests.programs import run


def test_list(either: tuple[Store, Known]) -> None:
    """A line for each workload, in any store: state, age, destinations, last seen. Nodes are none."""
    _, known = either
    ended = known("list")
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = [line.split() for line in ended.stdout.splitlines()]
    assert lines[0] == ["CLUSTER", "WORKLOAD", "STATE", "AGE", "DESTINATIONS", "LAST", "SEEN"]
    assert [line[:3] for line in lines[1:]] == [
        ["east", "/~host", "open_ended"],
        ["east", "shop/cart", "learning"],
        ["west", "shop/web", "learning"],
    ]
    assert [line[4:] for line in lines[1:]] == [
        ["1", "2027-01-15", "08:01:00"],
        ["2", "2027-01-17", "08:00:00"],
        ["1", "2027-01-16", "08:00:00"],
    ]


@pytest.mark.parametrize("command", ["list", "show", "forget", "export", "import"])
def test_help_is_complete(command: str) -> None:
    """Every setting is a flag of each of them."""
    text = run("known", command, "--help").stdout
    assert text.startswith(f"usage: hubble-egress-exporter known {command} ")
    assert all(setting.flag in text for setting in fields(Settings))


def test_a_mistyped_flag() -> None:
    """Of a command below another the nearest flag is named too."""
    ended = run("known", "list", "--namespac", "shop")
    assert ended.returncode == 2
    assert "unknown flag or argument --namespac; did you mean --namespace?" in ended.stderr


def test_list_some(known: Known) -> None:
    """By namespace and by cluster; the cluster is no column when there is one only."""
    lines = known("list", "--namespace", "shop", "--cluster", "east").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["WORKLOAD", "shop/cart"]
    nobody = known("list", "--namespace", "nobody")
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert nobody.stderr == "hubble-egress-exporter: no such workload is known\n"


def test_list_for_programs(known: Known) -> None:
    """JSON has named fields, times RFC 3339, and why a workload is still learning."""
    (cart,) = json.loads(known("list", "--namespace", "shop", "--cluster", "east", "--format", "json").stdout)[
        "workloads"
    ]
    assert cart == {
        "cluster": "east",
        "namespace": "shop",
        "workload": "cart",
        "state": "learning",
        "since": None,
        "missing": ["known for 48h of 72h", "1 of 2 pod starts seen"],
        "first_seen": "2027-01-15T08:00:00.000Z",
        "last_seen": "2027-01-17T08:00:00.000Z",
        "known": 2,
        "pods": 1,
        "starts": 1,
        "names_seen": True,
    }


def test_learning_by_the_settings(known: Known) -> None:
    """Whether a workload has learnt enough is said by the settings of the exporter: flags, environment or file."""
    flags = ("--known.learning.starts", "1", "--known.learning.min-age", "1d")
    lines = known("list", "--namespace", "shop", "--cluster", "east", *flags).stdout.splitlines()
    assert lines[1].split()[:2] == ["shop/cart", "armed"]


def test_show(known: Known) -> None:
    """State and why, then each destination and port with what it last was like, and the addresses of each name."""
    ended = known("show", "shop/cart")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "shop/cart in cluster east: learning",
        "  still learning: known for 48h of 72h; 1 of 2 pod starts seen",
        "  known since 2027-01-15 08:00:00, last seen 2027-01-17 08:00:00",
        "  2 destinations, 1 pod, 1 start, names are seen",
        "",
        "DESTINATION  PORT      KIND   FIRST SEEN           LAST SEEN            EXPECTATION  VERDICT",
        "192.0.2.10   25/tcp    world  2027-01-16 08:00:00  2027-01-16 08:01:00  unexpected   dropped",
        "example.com  443/tcp   fqdn   2027-01-15 08:00:00  2027-01-17 08:00:00  not_covered  forwarded",
        "example.com  8443/tcp  fqdn   2027-01-16 08:00:00  2027-01-16 08:00:00  not_covered  forwarded",
        "    203.0.113.10, 203.0.113.9",
    ]


def test_show_a_refused_name(known: Known) -> None:
    """Who was refused a name had no port yet; a node is a workload without a namespace."""
    lines = known("show", "/~host").stdout.splitlines()
    assert lines[0] == "/~host in cluster east: open_ended since 2027-01-15 08:00:00"
    assert lines[-1].split()[:2] == ["evil.example", "(query)"]


def test_show_for_programs(known: Known) -> None:
    """The same as JSON, with the addresses by name."""
    (shown,) = json.loads(known("show", "shop/cart", "--format", "json").stdout)["workloads"]
    assert (shown["state"], shown["known"]) == ("learning", 2)
    assert shown["addresses"] == {"example.com": ["203.0.113.10", "203.0.113.9"]}
    assert shown["destinations"][1] == {
        "destination": "example.com",
        "port": "443",
        "protocol": "tcp",
        "kind": "fqdn",
        "scope": "public",
        "label": "api.example.com",
        "verdict": "forwarded",
        "expectation": "not_covered",
        "context": "learning",
        "first_seen": "2027-01-15T08:00:00.000Z",
        "active_since": "2027-01-15T08:00:00.000Z",
        "last_seen": "2027-01-17T08:00:00.000Z",
    }


def test_show_nothing(known: Known) -> None:
    """Exit code 1 when nothing is known, and 2 when it is no workload."""
    ended = known("show", "shop/nobody")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "hubble-egress-exporter: nothing is known of shop/nobody\n"
    ended = known("show", "cart")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "'cart' is no namespace/workload (a node is /~host)" in ended.stderr


def test_hostile_names(tmp_path: Path) -> None:
    """Whoever makes up a name cannot write to the terminal with it."""
    file = tmp_path / "known.db"
    with closing(SqliteStore(str(file), 100_000)) as store:
        evil = WorkloadKey("\x1b[1m", "shop", "a\nb")
        store.merge([Fact(evil, Mark(What.DESTINATION, "443/tcp \x1b[31mred\r"), seen(at(0)))])
    where = ("--known.store", "sqlite", "--known.file", str(file))
    for words in (("list",), ("show", "shop/a\nb"), ("show", "shop/a\nb", "--format", "json"), ("export",)):
        ended = run("known", *words, *where)
        assert ended.returncode == 0
        assert all(line.isprintable() for line in ended.stdout.splitlines())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("--known.store", "memory"), "known.store is memory, which ends with its exporter"),
        (("--known.store", "valkey"), "known.valkey.address is not set"),
        (("--known.store", "sqlite", "--known.file", "/nonexistent/k.db"), "/nonexistent/k.db: there is no such file"),
        (("--known.store", "nowhere"), "--known.store: "),
    ],
)
def test_no_store(settings: tuple[str, ...], said: str) -> None:
    """Exit code 2 and a line that says what to set, when the settings name nothing to look into."""
    for words in (("list",), ("show", "shop/cart"), ("forget", "shop/cart"), ("export",)):
        ended = run("known", *words, *settings)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert said in ended.stderr


def test_a_store_that_does_not_work() -> None:
    """Exit code 1, and what the store says."""
    ended = run("known", "list", "--known.store", "valkey", "--known.valkey.address", "127.0.0.1:1")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "check that it runs, known.valkey.address" in ended.stderr
