"""What the runbooks tell people to apply is read by our own reader of policies."""

from datetime import date

import pytest

from tests.rules.runbooks import DOCUMENTS, POLICIES, Document

_DNS = {("53", "UDP"), ("53", "TCP")}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_block_of_yaml_is_an_object(document: Document) -> None:
    """Every block of YAML is read as YAML, and is an object with keys."""
    assert isinstance(document.content, dict)
    assert document.content


@pytest.mark.parametrize("document", POLICIES, ids=str)
def test_policies_are_understood(document: Document) -> None:
    """A policy has no fault, no field that we do not evaluate or know, and a rule for whatever it selects."""
    read = [one.read() for one in (document, document.mirrored())]
    assert [fault for one in read for fault in one.faults] == []
    policies = [policy for one in read for policy in one.policies]
    assert [field.path for policy in policies for field in policy.not_evaluated] == []
    assert any(policy.rules for policy in policies)


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if one.kind == "Allowlist"], ids=str)
def test_allowlists_are_understood_and_end(document: Document) -> None:
    """An entry of an allowlist has an owner, a reason, and a day on which it ends."""
    assert document.read().faults == ()
    for entry in document.content["allow"]:
        assert {"owner", "reason"} <= entry.keys()
        assert isinstance(entry["expires"], date)


@pytest.mark.parametrize("document", [one for one in POLICIES if one.kind.startswith("Cilium")], ids=str)
def test_rules_for_names_are_whole(document: Document) -> None:
    """A DNS rule has both transports; names are allowed on some ports only, beside a rule that lets them be asked."""
    rules = list(document.rules("egress"))
    asking = [ports for rule in rules for ports in rule.get("toPorts", []) if "dns" in ports.get("rules", {})]
    for ports in asking:
        assert {(port["port"], port.get("protocol")) for port in ports["ports"]} == _DNS
    for rule in rules:
        if "toFQDNs" in rule:
            assert rule["toPorts"]
            assert asking
