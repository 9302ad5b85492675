"""How long to wait before the next attempt: a generator of numbers, reset by the caller when a flow has arrived."""

import random
from collections.abc import Iterator


def delays(first: float, longest: float, jitter: random.Random) -> Iterator[float]:
    """Seconds: `first`, doubling up to `longest`, each lengthened or shortened by up to a fifth.

    Without jitter all exporters of a cluster would return at the same moment after relay restarts.
    """
    delay = min(first, longest)
    while True:
        yield delay * jitter.uniform(0.8, 1.2)
        delay = min(delay * 2, longest)
