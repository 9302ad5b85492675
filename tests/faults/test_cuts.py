"""A stream that is cut again and again, wherever it may be, counts what an uncut one counts."""

import os
from collections import Counter

import pytest

from tests.faults.counts import Exporter, begin, compare, oracle
from tests.faults.proxy import Proxy
from tests.faults.serving import Served
from tests.faults.traffic import chance_of
from tests.programs import eventually

_PROOF = os.environ.get("CI") == "true" or os.environ.get("EXPORTER_PROOF") == "yes"
CUTS = int(os.environ.get("EXPORTER_CUTS") or (200 if _PROOF else 25))
_OVERLAP_BYTES = 150_000
"""What a reconnect sends again, about: some cuts fall into it, some behind it."""


@pytest.mark.parametrize(("seed", "nodes"), [(1, 1), (2, 3)])
def test_cut_at_random_points(seed: int, nodes: int) -> None:
    """All product counters equal those of one uncut stream, of an agent and of a relay with three nodes."""
    chance = chance_of(seed)
    with (
        Served(seed=seed, nodes=nodes) as server,
        Proxy(server.port) as proxy,
        Exporter(proxy.address) as exporter,
    ):
        begin(server, exporter)
        server.write(400)
        exporter.is_told(400)
        for number in range(CUTS):
            # One in five falls into the questions before the stream, the others into the overlap or behind it.
            proxy.cut_after(chance.randrange(1, 500 if number % 5 == 4 else 2 * _OVERLAP_BYTES))

            def flows_go_on(before: int = number) -> bool:
                server.write(chance.randrange(1, 20))
                return proxy.cuts > before

            eventually(flows_go_on, f"cut {number}")
        server.write(100)
        compare(exporter, server)
        assert exporter.outcome("replayed") > CUTS
        assert proxy.attempts > CUTS


def test_the_oracle_sees_all_kinds() -> None:
    """The sequence has connections, drops, verdicts and DNS; a second telling of it would be counted again."""
    with Served(written=1000) as server:
        flows = server.told()
    families = Counter(sample.partition("{")[0] for sample in oracle(flows))
    for name in ("connections", "drops", "policy_verdicts", "dns_queries", "dns_responses", "world_connection_starts"):
        assert families[f"hubble_egress_{name}_total"] > 0
    once, twice = oracle(flows), oracle([*flows, *flows])
    assert all(twice[sample] == 2 * once[sample] for sample in once if "dns_queries" in sample or "drops" in sample)
