"""`known accept` as a person calls it: which entry is made of what, and when none is."""

import json
from pathlib import Path
from typing import Any

import pytest

from exporter.cli import main
from exporter.findings.document import to_line
from exporter.findings.interface import Finding
from tests.findings.examples import AT_NS, finding
from tests.programs import run

SIGNED = ("--owner", "team-shop", "--reason", "card payments", "--expires", "9000-01-31")
CONTACT = ("--from", "shop/cart", "--to", "api.example.com", "--port", "443/TCP")


def accepted(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is printed, when all is well."""
    assert main(["known", "accept", *SIGNED, *arguments]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    """Why there is no entry."""
    assert main(["known", "accept", *SIGNED, *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    return err.removeprefix("hubble-egress-exporter: ").rstrip("\n")


def peers(text: str) -> list[str]:
    """The lines below `to:`."""
    return [
        line.strip().removeprefix("- ") for line in text.partition("to:\n")[2].partition("    ports")[0].splitlines()
    ]


def test_the_whole_entry(capsys: pytest.CaptureFixture[str]) -> None:
    """Who, where, on which port, who answers for it, why, and until when; what is printed is a whole allowlist."""
    assert accepted(capsys, *CONTACT) == (
        "allow:\n"
        "  - workloads: [shop/cart]\n"
        "    to:\n"
        "      - matchName: api.example.com\n"
        "    ports: [443/TCP]\n"
        "    owner: team-shop\n"
        "    reason: card payments\n"
        "    expires: 9000-01-31\n"
    )


@pytest.mark.parametrize(
    ("to", "written"),
    [
        ("API.Example.com.", ["matchName: api.example.com"]),
        ("192.0.2.7", ["cidr: 192.0.2.7/32"]),
        ("2001:db8::7", ["cidr: 2001:db8::7/128"]),
        ("255.255.255.255", ["cidr: 255.255.255.255/32"]),
        ("10.1.0.0/16", ["cidr: 10.1.0.0/16"]),
        ("db/orders", ["workload: db/orders"]),
        ("kube-apiserver", ["entity: kube-apiserver"]),
        ("host", ["entity: host"]),
    ],
)
def test_destinations(capsys: pytest.CaptureFixture[str], to: str, written: list[str]) -> None:
    """Names are names, addresses prefixes of full length, pods workloads, and the rest entities."""
    assert peers(accepted(capsys, "--from", "shop/cart", "--to", to, "--port", "443/TCP")) == written


@pytest.mark.parametrize(
    ("to", "written"),
    [
        ("example.co.uk", ["matchName: example.co.uk", "matchPattern: '*.example.co.uk'"]),
        ("api.example.co.uk", ["matchName: example.co.uk", "matchPattern: '*.example.co.uk'"]),
        ("eu.api.example.co.uk", ["matchName: example.co.uk", "matchPattern: '**.example.co.uk'"]),
    ],
)
def test_domains(capsys: pytest.CaptureFixture[str], to: str, written: list[str]) -> None:
    """With --domain all names of the registered domain: as deep as the contact's own is, if one star is not enough."""
    assert peers(accepted(capsys, "--from", "shop/cart", "--to", to, "--port", "443/TCP", "--domain")) == written


@pytest.mark.parametrize(
    ("port", "written"),
    [("443", "443/TCP"), ("53/udp", "53/UDP"), ("65535/SCTP", "65535/SCTP"), ("icmp", "ICMP"), ("ICMPv6", "ICMPV6")],
)
def test_ports(capsys: pytest.CaptureFixture[str], port: str, written: str) -> None:
    """A port has its protocol, TCP when none is said."""
    text = accepted(capsys, "--from", "/~host", "--to", "192.0.2.7", "--port", port)
    assert f"    ports: [{written}]\n" in text
    assert "workloads: [/~host]" in text


@pytest.mark.parametrize(
    ("changes", "written"),
    [
        ({}, ["matchName: api.example.com"]),
        ({"destination_kind": "world", "destination": "world"}, ["cidr: 203.0.113.10/32"]),
        ({"destination_kind": "cidr", "destination": "payment-provider"}, ["cidr: 203.0.113.10/32"]),
        ({"destination_kind": "identity", "destination": "db/orders", "address": ""}, ["workload: db/orders"]),
        ({"destination_kind": "entity", "destination": "kube-apiserver"}, ["entity: kube-apiserver"]),
    ],
)
def test_findings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, changes: dict[str, Any], written: list[str]
) -> None:
    """A finding says all of it: names by the whole of them, addresses only where there is no name."""
    file = tmp_path / "findings.jsonl"
    file.write_text(to_line(finding(**changes)) + "\n")
    text = accepted(capsys, str(file))
    assert peers(text) == written
    assert "workloads: [shop/checkout]" in text
    assert "ports: [443/TCP]" in text


def test_a_document_on_standard_input() -> None:
    """As the webhook gets it, or the API: over several lines too."""
    document = json.dumps(json.loads(to_line(finding())), indent=2)
    ended = run("known", "accept", "-", *SIGNED, stdin=document.encode())
    assert ended.returncode == 0
    assert peers(ended.stdout) == ["matchName: api.example.com"]


def _written(file: Path, *findings: Finding) -> str:
    file.write_text("".join(f"{to_line(one)}\n" for one in findings) + '{"schema_version":1,"id":"cut o')
    return str(file)


def test_one_of_several(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Of a file with several findings one is chosen by its id; what a crash has cut off is none."""
    first, second = finding(), finding(destination="b.example.com", known_as="b.example.com")
    file = _written(tmp_path / "findings.jsonl", first, second, first)
    said = refused(capsys, 2, file)
    assert said.startswith(f"{file}: holds 2 findings, choose one with --id; the last are: ")
    wanted = json.loads(to_line(second))["id"]
    assert f"{wanted} shop/checkout reached b.example.com" in said
    assert peers(accepted(capsys, file, "--id", wanted)) == ["matchName: b.example.com"]
    assert refused(capsys, 2, file, "--id", "0" * 16) == f"{file}: no finding has the id 0000000000000000"


def test_flags_win(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What the flags say wins over the finding."""
    file = _written(tmp_path / "findings.jsonl", finding())
    text = accepted(capsys, file, "--from", "shop/cart", "--to", "203.0.113.0/24", "--port", "8443/TCP")
    assert "workloads: [shop/cart]" in text
    assert "ports: [8443/TCP]" in text
    assert peers(text) == ["cidr: 203.0.113.0/24"]


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"destination_port": "", "protocol": "udp"}, "--port"),
        ({"destination": "~other", "known_as": "example.com"}, "--to"),
        ({"destination": "*.example.com"}, "--to"),
        ({"destination_kind": "identity", "destination": "west/db/orders"}, "--to"),
        ({"destination_kind": "world", "destination": "world", "address": ""}, "--to"),
        ({"source_workload": ""}, "--from"),
    ],
)
def test_what_a_finding_does_not_say(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, changes: dict[str, str], flag: str
) -> None:
    """A refused name has no port, and some labels are no names: the flag that is missing is named."""
    file = _written(tmp_path / "findings.jsonl", finding(**changes))
    assert refused(capsys, 2, file) == f"the finding does not say it; give {flag}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no finding"),
        ("[]", "holds no finding"),
        ('{"event":"finding"}', "holds no finding"),
        ('{"schema_version":2,"id":"a"}', "the finding has schema version 2, this release reads 1"),
        ('{"schema_version":1,"source":{}}', "the finding has no source or no destination"),
    ],
)
def test_no_finding(capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, said: str) -> None:
    """Exit code 2 for what is no finding that we can read."""
    file = tmp_path / "findings.jsonl"
    file.write_text(text)
    assert refused(capsys, 2, str(file)).endswith(said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "api.example.com"), "give --from and --port, or a finding"),
        (("--from", "cart", *CONTACT[2:]), "'cart' is no namespace/workload such as shop/payments"),
        (("--from", "shop/cart", "--to", "a b", "--port", "1"), "bad matchName 'a b'"),
        (("--from", "shop/cart", "--to", "db/a/b", "--port", "1"), "'db/a/b' is no prefix, and no namespace/workload"),
        (("--from", "shop/cart", "--to", "a.example", "--port", "https"), "'https' is no port such as 443/TCP"),
        (("--from", "shop/cart", "--to", "192.0.2.7", "--port", "1", "--domain"), "192.0.2.7 is no name"),
        (("--from", "shop/cart", "--to", "com", "--port", "1", "--domain"), "no registered domain is known of com"),
        (("/nonexistent.jsonl",), "/nonexistent.jsonl: cannot be read: No such file or directory"),
        ((*CONTACT, "--owner", " "), "--owner must be one line of text"),
        ((*CONTACT, "--reason", "a\nb"), "--reason must be one line of text"),
        ((*CONTACT, "--expires", "soon"), "'soon' is no date such as 2027-03-01, and no duration such as 30d"),
        ((*CONTACT, "--expires", "2020-01-31"), "2020-01-31 is over: the entry would allow nothing"),
        ((*CONTACT, "--expires", "0s"), "0s is over: the entry would allow nothing"),
        ((*CONTACT, "--expires", "9000000w"), "'9000000w' is no date such as 2027-03-01"),
    ],
)
def test_bad_use(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2, and what is wrong."""
    assert said in refused(capsys, 2, *arguments)


@pytest.mark.parametrize("missing", ["--owner", "--reason", "--expires"])
def test_nobody_accepts_anonymously(missing: str) -> None:
    """Owner, reason and expiry must be given."""
    at = SIGNED.index(missing)
    ended = run("known", "accept", *CONTACT, *SIGNED[:at], *SIGNED[at + 2 :])
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"the following arguments are required: {missing}" in ended.stderr


@pytest.mark.parametrize(
    ("source", "to", "said"),
    [
        ("shop/cart", "world", "shop/cart to world on 443/tcp, "),
        ("shop/cart", "0.0.0.0/0", "would be expected_wide, and must be expected"),
        ("shop/cart", "cluster", "shop/cart to host on 443/tcp, "),
        ("shop/cart", "db/*", "shop/cart to db/*-x on 443/tcp, "),
        ("shop/*", "api.example.com", "would be expected, and must be not_covered"),
    ],
)
def test_wider_than_the_contact(capsys: pytest.CaptureFixture[str], source: str, to: str, said: str) -> None:
    """An entry that allows what is next to the contact is none: exit code 1, and which neighbour it would allow."""
    why = refused(capsys, 1, "--from", source, "--to", to, "--port", "443/TCP")
    assert why.startswith("no entry is made, for it would not be exact: ")
    assert said in why


@pytest.mark.parametrize(
    "text", ["yes", "null", "2027-01-01", "a: b # c", "Zürich, [x]", "'", '"', "- a", "&a *b", "%"]
)
def test_any_text_is_a_reason(capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str) -> None:
    """Whatever owner and reason are, they are read back as they were given."""
    out = accepted(capsys, *CONTACT, "--owner", text, "--reason", text)
    file = tmp_path / "allow.yaml"
    file.write_text(out, encoding="utf-8")
    assert main(["expectations", "check", str(file)]) == 0
    assert f"[owner {text}; reason: {text}]" in capsys.readouterr().out


def test_a_terminal_without_unicode() -> None:
    """Where only ASCII can be written, the entry says the same in ASCII."""
    words = ("known", "accept", *CONTACT, *SIGNED, "--reason", "Zürich")
    ended = run(*words, settings={"PYTHONIOENCODING": "ascii"})
    assert 'reason: "Z\\xFCrich"\n' in ended.stdout


def test_the_answer_of_the_exporter(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What is printed makes `expectations explain` say that the contact is expected, and its neighbours are not."""
    file = tmp_path / "allow.yaml"
    file.write_text(accepted(capsys, *CONTACT))

    def explained(source: str, to: str, port: str) -> str:
        arguments = ["expectations", "explain", "--from", source, "--to", to, "--port", port, str(file)]
        assert main(arguments) == 0
        return capsys.readouterr().out.splitlines()[0]

    assert explained("shop/cart", "api.example.com", "443/TCP") == "expected"
    assert explained("shop/cart", "api.example.com", "444/TCP") == "unexpected"
    assert explained("shop/cart", "www.example.com", "443/TCP") == "unexpected"
    assert explained("shop/web", "api.example.com", "443/TCP") == "not_covered"


NOTE = (
    "hubble-egress-exporter: note: with this entry all else that shop/checkout reaches is unexpected, unless something "
    "else allows it\n"
)


@pytest.mark.parametrize(
    ("answer", "said"), [("not_covered", NOTE), ("unexpected", ""), ("expected_wide", ""), ("", NOTE)]
)
def test_the_first_entry_of_a_workload(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, answer: str, said: str
) -> None:
    """Whoever accepts one destination of a workload that nothing covers is told what that does to all others."""
    file = _written(tmp_path / "findings.jsonl", finding(expectation=answer))
    assert main(["known", "accept", *SIGNED, file]) == 0
    assert capsys.readouterr().err == said
    allow = str(tmp_path / "allow.yaml")
    assert main(["known", "accept", *SIGNED, file, "--write", allow]) == 0
    assert capsys.readouterr().err == said
    assert main(["known", "accept", *SIGNED, file, "--port", "8443/TCP", "--write", allow]) == 0
    assert capsys.readouterr().err == "", "the file covers it already"


def test_times_of_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same finding that several exporters have written is one."""
    file = _written(tmp_path / "f.jsonl", finding(at_ns=AT_NS), finding(at_ns=AT_NS))
    assert peers(accepted(capsys, file)) == ["matchName: api.example.com"]
