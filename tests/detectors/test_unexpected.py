"""The table of unexpected destinations: who stays when it is full."""

from exporter.detectors.unexpected import Unexpected, Where
from exporter.known.interface import Row, WorkloadKey
from tests.flows import at


def where(name: str, verdict: str = "dropped") -> Where:
    """A destination by its name."""
    return Where(WorkloadKey("east", "shop", "cart"), "fqdn", "public", name, "443", "tcp", verdict)


def episode(seconds: float, begin: float = 0) -> Row:
    """An episode of that length."""
    return Row(at(begin), at(begin + seconds), at(begin))


def test_longest_episodes_stay() -> None:
    """The shortest episode makes room for a longer one, and a shorter one finds none; each is counted as refused."""
    table = Unexpected(2)
    table.saw(where("long"), episode(600))
    table.saw(where("short"), episode(60))
    table.saw(where("shorter"), episode(30))
    assert ({one.label for one in table.rows}, table.refused) == ({"long", "short"}, 1)
    table.saw(where("longer"), episode(900))
    assert ({one.label for one in table.rows}, table.refused) == ({"long", "longer"}, 2)


def test_what_is_shown_stays_before_what_is_not() -> None:
    """However long an episode of a learning workload is, it makes room for one that somebody is to see."""
    table = Unexpected(1)
    table.saw(where("learning"), episode(9_000), learning=True)
    table.saw(where("armed"), episode(0))
    assert [one.label for one in table.rows] == ["armed"]
    table.saw(where("learning"), episode(9_000), learning=True)
    assert [one.label for one in table.rows] == ["armed"]


def test_armed_meanwhile() -> None:
    """A row counts by what its workload is doing when it is seen last."""
    table = Unexpected(1)
    table.saw(where("first"), episode(60), learning=True)
    table.saw(where("first"), episode(60), learning=False)
    table.saw(where("second"), episode(30))
    assert [one.label for one in table.rows] == ["first"]


def test_leaves() -> None:
    """What is allowed leaves whatever became of it before; so does what was not seen for more than a day."""
    table = Unexpected(9)
    for name in ("allowed", "old", "new"):
        table.saw(where(name), episode(0, 90_000 if name == "new" else 0))
    table.is_expected(where("allowed", "forwarded"))
    table.expire(at(90_001))
    assert {one.label for one in table.rows} == {"new"}
