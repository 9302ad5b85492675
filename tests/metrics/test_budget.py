"""The cap on distinct destinations of one workload."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from exporter.destinations.interface import WorkloadName
from exporter.metrics.budget import DestinationBudget
from exporter.metrics.settings import MetricsSettings

CART, BASKET = WorkloadName("shop", "cart"), WorkloadName("shop", "basket")


def test_first_come_first_served() -> None:
    """The first destinations of a workload keep their label for good, later ones are folded."""
    budget = DestinationBudget(2)
    labels = [budget.label(CART, name) for name in ("a", "b", "c", "a", "d", "b")]
    assert labels == ["a", "b", "~other", "a", "~other", "b"]
    assert budget.folded == 2


def test_each_workload_has_its_own() -> None:
    """One workload does not use up another's destinations; a namespace makes another workload."""
    budget = DestinationBudget(1)
    elsewhere = WorkloadName("other", "cart")
    assert [budget.label(source, "a") for source in (CART, BASKET, elsewhere)] == ["a"] * 3
    assert [budget.label(source, "b") for source in (CART, BASKET, elsewhere)] == ["~other"] * 3
    assert budget.folded == 3


def test_at_least_one() -> None:
    """A cap of none is no setting."""
    with pytest.raises(ValidationError):
        MetricsSettings(destinations_per_workload=0)


@given(
    st.lists(st.tuples(st.sampled_from((CART, BASKET)), st.text("abcdefgh", min_size=1, max_size=2))), st.integers(1, 5)
)
def test_budget_property(wanted: list[tuple[WorkloadName, str]], most: int) -> None:
    """No workload gets more labels than its cap and `~other`; each label is the destination or `~other`."""
    budget = DestinationBudget(most)
    given_: dict[WorkloadName, set[str]] = {CART: set(), BASKET: set()}
    folded = 0
    for source, destination in wanted:
        label = budget.label(source, destination)
        assert label in (destination, "~other")
        folded += label == "~other"
        given_[source].add(label)
    assert all(len(labels - {"~other"}) <= most for labels in given_.values())
    assert all("~other" not in labels or len(labels) == most + 1 for labels in given_.values())
    assert budget.folded == folded
