"""`expectations check` and `explain` as a person calls them."""

from pathlib import Path

import pytest

from tests.programs import run

POLICY = """\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: payments, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: payments}}
  egress:
    - toFQDNs: [{matchName: api.example.com}]
      toPorts: [{ports: [{port: "443", protocol: TCP}], rules: {http: [{}]}}]
    - toEntities: [world]
      toPorts: [{ports: [{port: "123", protocol: UDP}]}]
    - toGroups: [{aws: {}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other, namespace: shop}
---
allow:
  - workloads: ["shop/*"]
    to: [{entity: kube-apiserver}]
    ports: [6443/TCP]
    owner: platform
    reason: controllers
    expires: 2020-01-31
"""
FROM = ("--from", "shop/payments", "--labels", "app=payments")


@pytest.fixture
def file(tmp_path: Path) -> str:
    """The manifests above."""
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return str(path)


def test_check_says_what_was_understood(file: str) -> None:
    """One line for each rule; wide rules are marked, and so is each field that is not evaluated."""
    ended = run("expectations", "check", file)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        f"CiliumNetworkPolicy shop/payments ({file}:1): pods app=payments, namespace shop; isolates egress",
        "  egress[0]  allow name api.example.com on 443/TCP [layer 7 rules (http) on 443/TCP]",
        "  WIDE egress[1]  allow entity world on 123/UDP",
        "  egress[2]  allow toGroups (not evaluated)",
        "  NOT EVALUATED line 11: spec.egress[2].toGroups",
        f"Allowlist platform ({file}:18): workloads shop/*; isolates egress",
        "  allow[0]  allow entity kube-apiserver on 6443/TCP until 2020-01-31 [owner platform; reason: controllers]",
        "policies: 2, rules: 4, wide rules: 1, fields not evaluated: 1, errors: 0, skipped: 1 ConfigMap",
    ]


def test_check_counts_policies_that_say_nothing_about_egress(tmp_path: Path) -> None:
    """One for ingress only, and one whose `egress` is misspelt, are not taken silently for nothing."""
    (tmp_path / "in.yaml").write_text(
        "{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: in}, spec: {ingress: []}}\n"
    )
    (tmp_path / "misspelt.yaml").write_text(
        "{kind: CiliumNetworkPolicy, apiVersion: cilium.io/v2, metadata: {name: out},"
        " spec: {endpointSelector: {}, egres: [{toEntities: [world]}]}}\n"
    )
    ended = run("expectations", "check", str(tmp_path))
    assert ended.returncode == 0
    assert ended.stdout == (
        "policies: 0, rules: 0, wide rules: 0, fields not evaluated: 0, errors: 0, "
        "skipped: 1 CiliumNetworkPolicy without egress, 1 NetworkPolicy without egress\n"
    )


def test_check_says_what_is_wrong(tmp_path: Path) -> None:
    """File, line, column, path of the field, what is wrong and what to write; exit code 1."""
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY.replace('port: "443"', 'port: "99999"'))
    ended = run("expectations", "check", str(file))
    assert ended.returncode == 1
    said = "spec.egress[0].toPorts[0].ports[0].port: '99999' is no whole number from 0 to 65535"
    assert ended.stderr == f"hubble-egress-exporter: {file}:8:33: {said}\n"
    assert "Allowlist platform" in ended.stdout
    assert (
        ended.stdout.splitlines()[-1]
        == "policies: 1, rules: 1, wide rules: 0, fields not evaluated: 0, errors: 1, skipped: 1 ConfigMap"
    )


def test_explain_expected(file: str) -> None:
    """The answer, what allows it, and what it says beyond layer 4."""
    lines = run(
        "expectations", "explain", *FROM, "--to", "api.example.com", "--port", "443/TCP", file
    ).stdout.splitlines()
    assert lines[0] == "expected"
    assert lines[2] == (
        "shop/payments to api.example.com on 443/TCP: "
        f"allowed by CiliumNetworkPolicy shop/payments egress[0] ({file}:7)"
    )
    assert lines[3] == "  note: layer 7 rules (http) on 443/TCP"
    assert lines[6].split("  ")[1] == "MATCHES"


def test_explain_undecided(file: str) -> None:
    """What is missing is named."""
    ended = run("expectations", "explain", *FROM, "--to", "other.example", "--port", "443/TCP", file)
    assert ended.stdout.splitlines()[0] == "undecided"
    assert "not known: spec.egress[2].toGroups of CiliumNetworkPolicy shop/payments" in ended.stdout


def test_explain_says_what_has_expired(file: str) -> None:
    """An entry that has expired is shown as such."""
    arguments = ("--from", "shop/web", "--labels", "app=web", "--to", "kube-apiserver", "--port", "6443/TCP")
    ended = run("expectations", "explain", *arguments, file)
    assert ended.stdout.splitlines()[0] == "unexpected"
    assert "no rule allows it, and 1 policy covers the workload" in ended.stdout
    assert "  expired      allow[0]" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "shop", "--to", "a.example", "--port", "1/TCP"), "'shop' is no namespace/workload"),
        (("--from", "shop/a", "--to", "a b", "--port", "1/TCP"), "bad matchName 'a b'"),
        (("--from", "shop/a", "--to", "10.0.0.0/99", "--port", "1/TCP"), "'10.0.0.0/99' is no prefix, and no namesp"),
        (("--from", "shop/a", "--to", "a.example", "--port", "http"), "'http' is no port such as 443/TCP"),
        (("--from", "shop/a", "--to", "a.example", "--port", "70000/TCP"), "'70000/TCP' is no port"),
        (("--from", "shop/a", "--to", "a.example", "--port", "443/ICMP"), "'443/ICMP' is no port"),
        (("--from", "shop/a", "--to", "10.0.0.0/33", "--port", "1/TCP"), "'10.0.0.0/33' is no prefix"),
        (("--from", "shop/a", "--labels", "a=b,a=c", "--to", "a.example", "--port", "1"), "'a' is given twice"),
        (("--from", "shop/a", "--labels", "app", "--to", "a.example", "--port", "1/TCP"), "'app' is no label"),
        (("--from", "shop/a", "--to", "a.example", "--to-labels", "a=b", "--port", "1/TCP"), "--to-labels are those"),
    ],
)
def test_bad_questions(arguments: tuple[str, ...], said: str, file: str) -> None:
    """A question that is none says so, and ends with exit code 2."""
    ended = run("expectations", "explain", *arguments, file)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr


def test_explain_with_a_broken_file(tmp_path: Path) -> None:
    """An answer that leaves a broken file out would be wrong: there is none."""
    ended = run("expectations", "explain", *FROM, "--to", "a.example", "--port", "1/TCP", str(tmp_path / "none.yaml"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "none.yaml: cannot be read: there is no such file or folder" in ended.stderr
