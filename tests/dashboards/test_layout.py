"""How the dashboards look: where panels stand, what they say, and where they lead."""

import re

import pytest

from tests.dashboards.reading import UIDS, Json, dashboard, panels

TITLES = dict(zip(UIDS, ("Egress overview", "Workload triage", "Exporter health"), strict=True))
DRAWN = {"timeseries", "stat", "table", "bargauge", "text"}


@pytest.mark.parametrize("uid", UIDS)
def test_dashboards_are_found_beside_those_of_cilium(uid: str) -> None:
    """By title, uid and tags, and refreshed as often as alerts are evaluated."""
    board = dashboard(uid)
    assert (board["uid"], board["title"]) == (uid, TITLES[uid])
    assert board["tags"] == ["hubble", "cilium-overview", "hubble-egress"]
    assert board["refresh"] == "30s"


@pytest.mark.parametrize("uid", UIDS)
def test_panels_fill_the_grid_and_do_not_overlap(uid: str) -> None:
    """All 24 columns of each row, from the top to the end."""
    squares = [square for panel in dashboard(uid)["panels"] for square in covered(panel["gridPos"])]
    height = max(y for _, y in squares) + 1
    assert sorted(squares) == sorted((x, y) for x in range(24) for y in range(height))


def covered(at: Json) -> list[tuple[int, int]]:
    """The squares of the grid below a panel; 0 is not written."""
    left, top = at.get("x", 0), at.get("y", 0)
    return [(x, y) for x in range(left, left + at["w"]) for y in range(top, top + at["h"])]


@pytest.mark.parametrize("uid", UIDS)
def test_every_panel_has_an_id_of_its_own(uid: str) -> None:
    """Links to one panel name it."""
    ids = [panel["id"] for panel in dashboard(uid)["panels"]]
    assert sorted(ids) == list(range(1, len(ids) + 1))


@pytest.mark.parametrize("uid", UIDS)
def test_panels_are_of_few_types_and_have_titles_of_their_own(uid: str) -> None:
    """Those that every Grafana draws."""
    listed = list(panels(dashboard(uid)))
    assert {panel["type"] for panel in listed} <= DRAWN
    assert len({panel["title"] for panel in listed}) == len(listed)


@pytest.mark.parametrize("uid", UIDS)
def test_descriptions_are_sentences(uid: str) -> None:
    """They say what it means and what to do; a word is not enough."""
    for panel in panels(dashboard(uid)):
        assert re.fullmatch(r"[\w/].{40,}\.", panel["description"]), panel["title"]
        assert "  " not in panel["description"], panel["title"]


@pytest.mark.parametrize("uid", UIDS)
def test_empty_panels_say_why(uid: str) -> None:
    """Grafana's own `No data` leaves open whether that is good."""
    for panel in panels(dashboard(uid)):
        if panel["type"] != "text":
            assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]


@pytest.mark.parametrize("uid", UIDS)
def test_links_keep_variables_and_time(uid: str) -> None:
    """From one dashboard to the others, and to Cilium's."""
    by_tag = {link["tags"][0]: link for link in dashboard(uid)["links"] if link["type"] == "dashboards"}
    assert by_tag.keys() == {"hubble-egress", "cilium-overview"}
    assert all(link["includeVars"] and link["keepTime"] for link in by_tag.values())


@pytest.mark.parametrize("uid", UIDS[:1])
def test_a_workload_in_a_table_leads_to_its_triage(uid: str) -> None:
    """With its namespace and name, the data source, the cluster and the time."""
    found = 0
    for panel in panels(dashboard(uid)):
        names = [one for one in panel["fieldConfig"]["overrides"] if one["matcher"]["options"] == "Workload"]
        for prop in (prop for one in names for prop in one["properties"] if prop["id"] == "links"):
            found += 1
            url = prop["value"][0]["url"]
            assert url.startswith("/d/hubble-egress-workload?")
            for part in ("${datasource:queryparam}", "${cluster:queryparam}", "${__url_time_range}"):
                assert part in url
            for name in ("source_namespace", "source_workload"):
                assert f"var-{name}=${{__data.fields.{name}}}" in url
    assert found == 5


def test_what_matters_at_night_stands_on_the_first_screen() -> None:
    """A laptop of 900 pixels shows 19 rows of the grid below Grafana's own bars."""
    board = dashboard("hubble-egress-workload")
    first = {panel["title"] for panel in panels(board) if panel["gridPos"].get("y", 0) + panel["gridPos"]["h"] <= 19}
    assert first >= {
        *("Coverage", "Why names fail now", "Firing alerts of this workload", "What to do next"),
        *("DNS: queries, answers, failures", "Drops by reason", "Connections by destination"),
        *("Unexpected destinations", "Drops by destination"),
    }
