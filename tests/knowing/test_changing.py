"""`known forget`, `known export` and `known import` as a person calls them."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from exporter.known.interface import Store
from exporter.known.sqlite import SqliteStore
from tests.flows import at
from tests.knowing.conftest import Known
from tests.knowing.memories import CART, DAY, FACTS
from tests.known.stores import everything
from tests.programs import run

HEADER = '{"format": "hubble-egress-known", "version": 1}\n'
ALL = {(workload, mark): row for workload, mark, row in FACTS}


def test_forget_a_workload(either: tuple[Store, Known]) -> None:
    """All of it is gone, nothing else is, and it is said how much it was; a second time there is nothing."""
    store, known = either
    ended = known("forget", "shop/cart")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "forgot shop/cart: 11 facts\n"
    assert everything(store) == {key: row for key, row in ALL.items() if key[0] != CART}
    ended = known("forget", "shop/cart")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "hubble-egress-exporter: nothing is known of shop/cart\n"


def test_forget_a_destination(either: tuple[Store, Known]) -> None:
    """All of its ports and addresses are gone, so that it is new when it comes again."""
    store, known = either
    assert known("forget", "shop/cart", "example.com").stdout == "forgot example.com of shop/cart: 4 facts\n"
    left = everything(store)
    assert [mark.name for workload, mark in ALL.keys() - left.keys() if workload != CART] == []
    assert sorted(mark.name for _, mark in ALL.keys() - left.keys()) == [
        "203.0.113.10 example.com",
        "203.0.113.9 example.com",
        "443/tcp example.com",
        "8443/tcp example.com",
    ]


def test_forget_what_was_announced(known: Known) -> None:
    """With a destination it is forgotten that it was announced: it is announced again."""
    assert known("forget", "shop/cart", "192.0.2.10").stdout == "forgot 192.0.2.10 of shop/cart: 2 facts\n"


def test_forget_what_is_not_known(known: Known) -> None:
    """Findings name the whole name: it is said as what that is remembered, and nothing is forgotten."""
    ended = known("forget", "shop/cart", "api.example.com")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.splitlines() == [
        "hubble-egress-exporter: api.example.com is remembered as example.com",
        "hubble-egress-exporter: nothing is known of api.example.com of shop/cart",
    ]
    assert known("forget", "shop/cart", "example.org").returncode == 1


def test_forget_in_one_of_several_clusters(tmp_path: Path) -> None:
    """A workload that several clusters have is not forgotten in all of them by accident."""
    file = str(tmp_path / "known.db")
    with closing(SqliteStore(file, 100_000)) as store:
        store.merge([fact._replace(workload=fact.workload._replace(cluster=name)) for fact in FACTS for name in "ab"])
    where = ("--known.store", "sqlite", "--known.file", file)
    ended = run("known", "forget", "shop/cart", *where)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "shop/cart is known in several clusters; choose one with --cluster: a, b" in ended.stderr
    assert run("known", "forget", "shop/cart", "--cluster", "a", *where).returncode == 0
    assert run("known", "forget", "shop/cart", *where).returncode == 0, "it is in one only now"


def test_export(known: Known) -> None:
    """A line that says what it is, then a fact each, in order, with times and sightings that people can read."""
    ended = known("export")
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines(keepends=True)
    assert lines[0] == HEADER
    assert len(lines) == 1 + len(FACTS)
    said = [json.loads(line) for line in lines[1:]]
    keys = [(one["cluster"], one["namespace"], one["workload"], one["what"], one["name"]) for one in said]
    assert keys == sorted(keys)
    assert (
        said[3]
        == {
            "cluster": "east",
            "namespace": "",
            "workload": "~host",
            "what": "workload",
            "name": "",
            "first": "2027-01-15T08:00:00.000000000Z",
            "last": "2027-01-15T08:01:00.000000000Z",
            "since": "2027-01-15T08:00:00.000000000Z",
            "began": "",
            "latest": "",
        }
        or said[2]["workload"] == "~host"
    )
    denied = next(one for one in said if one["what"] == "denied")
    assert denied["began"] == {"context": "learning", "pod": "cart-7d4b9c8f6d-x2k4q", "node": "east/node-1"}


def test_import(both: tuple[Store, dict[str, str]], known: Known) -> None:
    """What was exported is the same in any other store, from a file or from standard input, and once only."""
    store, settings = both
    text = known("export").stdout
    ended = run("known", "import", "-", stdin=text.encode(), settings=settings)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "merged 16 facts of 4 workloads; 16 of them were not known\n"
    assert everything(store) == ALL
    again = run("known", "import", "-", stdin=text.encode(), settings=settings)
    assert again.stdout == "merged 16 facts of 4 workloads; 0 of them were not known\n"
    assert everything(store) == ALL


def test_import_merges(known: Known, tmp_path: Path) -> None:
    """What is known already stays: earliest first, latest last."""
    file = tmp_path / "facts.jsonl"
    line = known("export").stdout.splitlines()[-1]
    earlier = {**json.loads(line), "first": at(-DAY), "since": at(-DAY), "last": at(0)}
    file.write_text(f"{HEADER}\n{json.dumps(earlier)}\n")
    assert known("import", str(file)).returncode == 0
    merged = json.loads(known("export").stdout.splitlines()[-1])
    assert (merged["first"], merged["last"]) == ("2027-01-14T08:00:00.000000000Z", "2027-01-16T08:00:00.000000000Z")


GOOD = json.dumps(
    dict.fromkeys(("cluster", "namespace", "workload", "name", "began", "latest"), "")
    | {"what": "workload", "first": 1, "last": 3, "since": 2}
)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no", "is no JSON object; each line has one"),
        ("[1]", "is no JSON object; each line has one"),
        ("[" * 100_000, "is no JSON object; each line has one"),
        ('{"what": "workload"}', "'began' is missing"),
        (GOOD.replace('"name"', '"title"'), "'name' is missing"),
        (GOOD[:-1] + ', "zone": 1}', "'zone' is no key of a fact"),
        (GOOD.replace('"namespace": ""', '"namespace": 1'), "namespace is no text"),
        (GOOD.replace('"what": "workload"', '"what": "walk"'), "'walk' is no kind of fact; known are workload, "),
        (GOOD.replace('"first": 1', '"first": "yesterday"'), "first: 'yesterday' is no time such as 2027-01-15T"),
        (
            GOOD.replace('"first": 1', '"first": "2027-02-30T08:00:00.000000000Z"'),
            "first: '2027-02-30T08:00:00.0000000",
        ),
        (GOOD.replace('"first": 1', '"first": true'), "first: True is no time"),
        (GOOD.replace('"last": 3', '"last": 1e99'), "last: 1e+99 is no time"),
        (GOOD.replace('"first": 1', '"first": 9'), "first, since and last are not in this order of time"),
        (GOOD.replace('"began": ""', '"began": []'), "began is neither an object nor a text"),
    ],
)
def test_a_bad_line(known: Known, tmp_path: Path, line: str, said: str) -> None:
    """File and line of what is wrong, exit code 2, and nothing at all is merged: neither before it nor behind it."""
    file = tmp_path / "facts.jsonl"
    file.write_text(f"{HEADER}{GOOD}\n{line}\n{GOOD}\n")
    before = known("export").stdout
    ended = known("import", str(file))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"hubble-egress-exporter: {file}:3:1: {said}")
    assert known("export").stdout == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "facts.jsonl: is empty; `known export` writes what can be read here"),
        (f"{GOOD}\n", "facts.jsonl:1:1: does not begin with the line that says what it is; `known export` writes it"),
        (HEADER.replace("1", "2"), "facts.jsonl:1:1: has version 2, this release reads 1"),
        (HEADER + "no\n" * 50, "facts.jsonl:21:1: is no JSON object; each line has one"),
    ],
)
def test_no_export(known: Known, tmp_path: Path, text: str, said: str) -> None:
    """What `known export` has not written is refused, and a file of another kind with a few faults only."""
    file = tmp_path / "facts.jsonl"
    file.write_text(text)
    ended = known("import", str(file))
    assert ended.returncode == 2
    assert ended.stderr.endswith(f"{said}\n")
    assert len(ended.stderr.splitlines()) <= 20


@pytest.mark.parametrize("file", ["/nonexistent.jsonl", "/"])
def test_no_file(known: Known, file: str) -> None:
    """A file that cannot be read is exit code 2."""
    ended = known("import", file)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"{file}: cannot be read: " in ended.stderr


def test_import_makes_the_file(tmp_path: Path) -> None:
    """A store that is not there yet is made."""
    file = tmp_path / "new" / "known.db"
    ended = run(
        "known", "import", "-", "--known.store=sqlite", f"--known.file={file}", stdin=f"{HEADER}{GOOD}".encode()
    )
    assert (ended.returncode, ended.stdout) == (0, "merged 1 facts of 1 workloads; 1 of them were not known\n")
    assert file.exists()
