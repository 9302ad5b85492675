"""What is held of a cluster is read object by object, and whatever stands in one spoils that one only."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from exporter.documents.fields import Field
from exporter.documents.plain import node_of
from exporter.expectations.held import Held, ObjectReader
from exporter.expectations.kinds import KINDS, Kind, kept, key_of

GOOD = {"podSelector": {}, "policyTypes": ["Egress"]}
POLICIES = next(kind for kind in KINDS if kind.name == "NetworkPolicy")
NAMES = (
    "spec",
    "specs",
    "egress",
    "toCIDR",
    "to",
    "podSelector",
    "matchLabels",
    "ports",
    "externalCIDRs",
    "hosts",
    "a",
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner),
)


def _put(held: Held, kind: Kind, item: dict[str, Any]) -> None:
    key = key_of(item)
    assert key is not None
    held.put(kind, key, kept(kind, kind.versions[0], item, key))


def _read(*items: tuple[Kind, dict[str, Any]]) -> ObjectReader:
    held, reader = Held(lambda: None), ObjectReader(())
    for kind, item in items:
        _put(held, kind, item)
    reader.take(held.all())
    return reader


@given(kind=st.sampled_from(KINDS), spec=VALUES, labels=VALUES, other=VALUES)
def test_property_anything_may_stand_in_an_object(kind: Kind, spec: object, labels: object, other: object) -> None:
    """Whatever JSON an object is, the good one beside it is read."""
    metadata = {"name": "odd", "namespace": "shop", "labels": labels}
    odd = {"metadata": metadata, "spec": spec, "specs": other, "endpoints": other, "addressType": labels}
    reader = _read((kind, odd), (POLICIES, {"metadata": {"name": "good", "namespace": "shop"}, "spec": GOOD}))
    assert "good" in [policy.ref.name for policy in reader.policies]


@pytest.mark.parametrize("depth", [300, 700, 5000])
def test_deep_object(depth: int) -> None:
    """An object that is nested too deeply is a broken one."""
    value: object = "x"
    for _ in range(depth):
        value = [value]
    deep = {"metadata": {"name": "deep", "namespace": "shop"}, "spec": {**GOOD, "podSelector": {"matchLabels": value}}}
    with capture_logs() as logs:
        reader = _read((POLICIES, deep))
    assert (reader.broken[POLICIES], reader.policies) == (1, [])
    assert [entry["object"] for entry in logs] == ["NetworkPolicy shop/deep"]


def test_many_broken_objects_do_not_fill_the_log() -> None:
    """Whoever may write policies writes no log without end."""
    broken = [
        (POLICIES, {"metadata": {"name": f"b-{number}", "namespace": "shop"}, "spec": {"egress": number + 1}})
        for number in range(100)
    ]
    with capture_logs() as logs:
        assert _read(*broken).broken[POLICIES] == 100
    assert len(logs) == 20


def test_unchanged_objects_are_not_read_again() -> None:
    """One change costs the reading of one object."""
    held, reader = Held(lambda: None), ObjectReader(())
    for name in "ab":
        _put(held, POLICIES, {"metadata": {"name": name, "namespace": "shop"}, "spec": GOOD})
    reader.take(held.all())
    before = {policy.ref.name: policy for policy in reader.policies}
    _put(held, POLICIES, {"metadata": {"name": "b", "namespace": "shop"}, "spec": {**GOOD, "egress": [{}]}})
    reader.take(held.all())
    after = {policy.ref.name: policy for policy in reader.policies}
    assert after["a"] is before["a"]
    assert after["b"] != before["b"]


def test_nodes_of_json() -> None:
    """JSON reads as the same text in a file would."""
    value = json.loads('{"a": [1, 2.5, true, null, "x"], "b": {}}')
    parts = Field("", node_of(value)).entries()
    assert [item.text() for item in parts["a"].items()] == ["1", "2.5", "true", "", "x"]
    assert (parts["a"].items()[0].number(1, 9), parts["a"].items()[2].truth()) == (1, True)
    assert parts["b"].entries() == {}
