"""What was learnt from endpoints is bounded, however often the decoder gives them anew."""

from exporter.destinations.workloads import Workloads
from tests.flows import pod


def test_endpoints_that_come_anew() -> None:
    """Equal endpoints that are other objects are not remembered beside each other for ever."""
    workloads = Workloads(bound=10)
    for _ in range(100):
        for number in range(5):
            workloads.learn(pod("cart", pod_name=f"cart-{number}"))
        assert len(workloads.learnt) <= 10
    assert workloads.name_of(pod("cart", pod_name="cart-3")).name == "cart"
