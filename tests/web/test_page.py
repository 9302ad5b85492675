"""The landing page as HTML: what it says, and how it is built."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from exporter.hubble.interface import Connected, Event
from exporter.triage.health import Health
from exporter.triage.interface import NOTHING_SEEN
from exporter.web.page import landing
from exporter.web.status import SettingRow, State, Status
from tests.flows import at, drop, flow, pod
from tests.statuses import CONNECTED, NOTHING_REMEMBERED, REFUSED, Shown, full

_VOID = {"meta", "link", "wbr"}


class Outline(HTMLParser):
    """The text by section heading, the elements, and whether every one is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements = list[tuple[str, dict[str, str | None]]]()
        self.headings = list[str]()
        self.texts = {"": ""}
        self._open, self._heading = list[tuple[str, bool]](), ""
        self.feed(page.replace("<wbr>", ""))
        self.close()
        assert self._open == [], "an element is left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of an element."""
        self.elements.append((tag, dict(attrs)))
        if tag in ("h1", "h2"):
            self.headings.append(tag)
            self._heading = ""
        if tag not in _VOID:
            self._open.append((tag, tag == "style" or ("aria-hidden", "true") in attrs))

    def handle_endtag(self, tag: str) -> None:
        """Take note of its end."""
        assert self._open.pop()[0] == tag
        if tag in ("h1", "h2"):
            self.texts[self._heading] = ""

    def handle_data(self, data: str) -> None:
        """Take note of text that people read, words apart."""
        inside = [tag for tag, _ in self._open]
        if any(is_hidden for _, is_hidden in self._open):
            return
        if "h1" in inside or "h2" in inside:
            self._heading += data
        else:
            self.texts[self._heading] = " ".join((self.texts[self._heading] + " " + data).split())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def landing_of(status: Status) -> str:
    """The page while no name fails, and nothing is remembered."""
    return landing(status, NOTHING_SEEN, Health(()), NOTHING_REMEMBERED)


def _page(status: Status) -> Outline:
    return Outline(landing_of(status))


def test_sections() -> None:
    """One heading of the first level, then the answer and the sections, each with one of the second."""
    page = _page(full())
    assert page.headings == ["h1", *["h2"] * 9]
    assert list(page.texts)[1:] == [
        "hubble-egress-exporter",
        "Working: flows arrive",
        "Name resolution",
        "New and unexpected destinations",
        "Stream",
        "Top workloads",
        "Top destinations",
        "Drops by reason",
        "Last drops",
        "Settings",
    ]


def test_answer() -> None:
    """The answer is a sentence, what it must not hide, and the numbers behind it, with thousands separators."""
    shown = Shown()
    shown.pass_time(1)
    shown.take(CONNECTED, flow(weight=12_345, aggregated=True, source_port=0))
    shown.pass_time(1)
    text = _page(shown.take()).texts["Working: flows arrive"]
    assert text.startswith("Flows/s, last 1 s 12,345 Flows 12,345 Connections 12,345 Drops 0")
    assert "Hubble lost 1,200 events" in _page(full()).texts["Working: flows arrive"]


def test_answer_is_in_the_title() -> None:
    """The tab says it too."""
    assert "<title>Not connected: nothing listens there" in landing_of(Shown().take(REFUSED))


@pytest.mark.parametrize(
    ("events", "tone"),
    [([], "attention"), ([REFUSED], "bad"), ([CONNECTED], "attention"), ([CONNECTED, flow()], "good")],
)
def test_tone(events: list[Event], tone: str) -> None:
    """The state has a colour and a sign; the words say it without either."""
    page = _page(Shown().take(*events))
    assert {"class": f"answer {tone}"} in page.named("section")
    assert {"class": "sign", "aria-hidden": "true"} in page.named("span")


def test_stream() -> None:
    """The stream's section says where from, since when, which Hubble, nodes, coverage, losses and the last fault."""
    text = _page(full()).texts["Stream"]
    for part in (
        "Source relay:80",
        "Connected since 2027-01-15 08:00:00 UTC (10 s ago)",
        "Hubble cilium v1.19.4",
        "Newest flow 2027-01-15 08:00:00 UTC (10 s ago)",
        "Nodes 1 connected, 1 unavailable",
        "Coverage 88.0% of the last five minutes",
        "Lost events 1,200 hubble_ring_buffer",
        "Skipped 1 invalid_protobuf",
        "Last fault connection_refused (UNAVAILABLE), 2027-01-15 08:00:00 UTC (10 s ago) : nothing listens there",
        "connect failed: 10.0.0.1:80",
        "Series in use",
    ):
        assert part in text


def test_stream_of_an_outage() -> None:
    """While there is no stream the page says since when."""
    shown = Shown()
    shown.take(CONNECTED, REFUSED)
    shown.pass_time(120)
    page = _page(shown.take())
    assert "Not connected since 2027-01-15 08:00:00 UTC (2 min ago)" in page.texts["Stream"]


def test_tables() -> None:
    """Workloads, destinations, reasons and the last drops are tables of what was counted."""
    page = _page(full())
    assert page.texts["Top workloads"].endswith("Workload Connections Drops shop/cart 1 2")
    assert page.texts["Top destinations"].endswith("Destination Connections api.example.com fqdn, public 1")
    assert page.texts["Drops by reason"].endswith("Reason Drops dns_denied 1 policy_denied 1")
    assert page.texts["Last drops"].endswith(
        "Time (UTC) Workload Destination Port Reason Node"
        " 08:00:00 shop/cart api.example.com 53/udp dns_denied east/node-1"
        " 08:00:00 shop/cart world 93.184.216.34 443/tcp policy_denied east/node-1"
    )


def test_what_has_no_port_or_namespace() -> None:
    """ICMP has no port, and the host no namespace: nothing stands where they would."""
    text = _page(Shown().take(drop(protocol="icmp", tcp_flags=0, destination_port=0))).texts["Last drops"]
    assert " icmp policy_denied" in text
    host = pod("~host", "")
    assert "/~host" not in landing_of(Shown().take(drop(source=replace(host, namespace="", labels=frozenset()))))


def test_drops_of_another_day() -> None:
    """A drop of another day has its date."""
    shown = Shown(live=False)
    assert "2027-01-14 08:00:00 shop/cart" in _page(shown.take(drop(time_ns=at(-86_400)))).texts["Last drops"]


def test_more_than_fits() -> None:
    """A table that does not hold everything says how much there is."""
    shown = Shown()
    page = _page(shown.take(*(flow(source=pod(f"w{number}"), source_port=number) for number in range(1, 15))))
    assert page.texts["Top workloads"].endswith("10 of 14 workloads.")
    assert "of" not in page.texts["Top destinations"].split()


@pytest.mark.parametrize(
    ("live", "finished", "events", "drops", "workloads"),
    [
        (True, False, [], "No drop was seen yet. No flow has arrived.", "No flow has arrived."),
        (True, False, [CONNECTED, flow(direction=1)], "No drop was seen yet.", "No workload has egress yet."),
        (False, False, [Connected("f")], "No drop was seen yet. Reading.", "Reading."),
        (
            False,
            True,
            [Connected("f"), flow(direction=1)],
            "The recording has no drop.",
            "No workload in the recording has egress.",
        ),
    ],
    ids=["before the first flow", "nothing of note", "begin of a recording", "end of a recording"],
)
def test_nothing_to_show(live: bool, finished: bool, events: list[Event], drops: str, workloads: str) -> None:
    """Where there is nothing the page says whether that is news: no flow, no egress, or a recording without any."""
    shown = Shown(live=live)
    shown.take(*events)
    page = _page(shown.view.take(finished=finished))
    assert page.texts["Last drops"].endswith(drops)
    assert page.texts["Drops by reason"].endswith(drops)
    assert page.texts["Top workloads"].endswith(workloads)
    assert len(page.named("table")) == 1, "only the settings are a table"


def test_recording() -> None:
    """The page of a recording speaks neither of a connection nor of a server."""
    shown = Shown(live=False, source="flows.jsonl")
    shown.take(Connected("flows.jsonl"), flow())
    page = _page(shown.view.take(finished=True))
    text = page.texts["Stream"]
    assert "flows.jsonl" in text
    assert "onnected since" not in text
    assert "Flows/s, last minute ended" in page.texts["The recording is read to its end"]


def test_little_rates() -> None:
    """A rate below ten has a decimal, so that little is not shown as nothing; before two ticks there is none."""
    shown = Shown()
    assert "Flows/s, last minute not yet" in _page(shown.take()).texts["Connecting"]
    shown.pass_time(1)
    shown.take(CONNECTED, flow(), flow(), flow())
    shown.pass_time(10)
    assert "Flows/s, last 10 s 0.3 " in _page(shown.take()).texts["Working: flows arrive"]


def test_settings() -> None:
    """Changed settings stand first; all of them are behind a native disclosure, which needs no script."""
    page = _page(full())
    assert "web.timeout 5s" in page.texts["Settings"].partition("All ")[0]
    assert "web.max-scrapes 4" in page.texts["Settings"].partition("All ")[2]
    assert len(page.named("details")) == len(page.named("summary")) == 1


def test_settings_as_they_come() -> None:
    """Without any change the page says so."""
    assert "All settings have their defaults." in _page(Shown().take()).texts["Settings"]


def test_masked_settings_stay_masked() -> None:
    """A value is shown as the settings write it, which is masked for a secret."""
    status = full()._replace(settings=(SettingRow("web.password", "********", changed=True),))
    assert "web.password ********" in _page(status).texts["Settings"]


def test_hostile_names() -> None:
    """Names from pods, DNS and servers are text, whatever is in them."""
    evil = "<script>alert(1)</script>\"&'"
    status = Shown(source=evil).take(
        CONNECTED._replace(server_version=evil),
        REFUSED._replace(detail=evil, reason=evil),
        drop(source=pod(evil, evil), node_name=evil, destination_names=(evil,), protocol=evil),
        flow(source=pod(evil, evil), destination_names=(evil,)),
    )
    page = _page(status)
    assert not page.named("script")
    assert f"{evil}/{evil} DNS not seen 1 1" in page.texts["Top workloads"]
    assert "<script" not in landing_of(status)


def test_keyboard_and_landmarks() -> None:
    """A skip link comes first, the content can take the focus, landmarks and navigation are named."""
    page = _page(full())
    assert page.named("a")[0] == {"href": "#content", "class": "skip"}
    assert page.named("main") == [{"id": "content", "tabindex": "-1"}]
    assert page.named("nav") == [{"aria-label": "Pages"}]
    assert [link["href"] for link in page.named("a")][1:] == [
        "/",
        "/metrics",
        "/api/v1/status",
        "/api/v1/triage",
        "/api/v1/dns",
        "/api/v1/destinations",
        "/-/healthy",
        "/-/ready",
    ]
    assert page.named("html") == [{"lang": "en"}]
    assert len(page.named("header")) == len(page.named("footer")) == 1


def test_times() -> None:
    """Every time on the page is an element that machines can read."""
    page = _page(full())
    exact = re.compile(r"2027-01-15T08:00:\d\d\.\d{3}Z")
    assert len(page.named("time")) >= 6
    assert all(exact.fullmatch(str(time["datetime"])) for time in page.named("time"))


def test_nothing_is_loaded() -> None:
    """The page has no script, and needs nothing from anywhere: its style is in it."""
    page = _page(full())
    assert not page.named("script")
    assert not page.named("img")
    assert page.named("link") == [{"rel": "icon", "href": "data:,"}]
    assert "url(" not in landing_of(full())


def test_every_state_has_a_page() -> None:
    """No state lacks words."""
    for state in State:
        stream = full().stream._replace(state=state)
        assert "<h1>" in landing_of(full()._replace(stream=stream))


def test_what_was_idle_has_left_the_tables() -> None:
    """The counts are since the start, the tables show live series; the page does not say that there was nothing."""
    shown = Shown()
    shown.take(flow(), drop())
    for second in range(1, 4000):
        shown.store.tick(second * 1_000_000_000)
    page = _page(shown.take())
    for title in ("Top workloads", "Top destinations", "Drops by reason"):
        assert page.texts[title].endswith("None lately: what was idle for metrics.ttl has left the tables.")
    assert any("Connections 1 Drops 1" in text for text in page.texts.values())


def test_a_recording_keeps_its_series() -> None:
    """The end of a file is no silence: what it counted stays as long as it is served."""
    shown = Shown(live=False)
    shown.take(flow())
    now = [0]
    shown.store.steady_ns = lambda: now[0]
    for _ in range(4000):
        now[0] += 1_000_000_000
        shown.pass_time(1)
    assert shown.store.ceiling.used > 0
