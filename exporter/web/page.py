"""The landing page: is it working, and what has it seen. Plain HTML that works without JavaScript."""

import base64
import hashlib
from importlib import resources

from exporter.triage.health import Health
from exporter.triage.interface import Report
from exporter.web import broken, sections
from exporter.web.announced import announced
from exporter.web.destinations import DestinationsReport
from exporter.web.html import Html, element
from exporter.web.status import Status

_STYLE = resources.files("exporter.web").joinpath("page.css").read_text("utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing is loaded and nothing runs, even if something that should be text became markup."""

_LINKS = (
    ("/", "Refresh"),
    ("/metrics", "Metrics"),
    ("/api/v1/status", "Status as JSON"),
    ("/api/v1/triage", "Triage as JSON"),
    ("/api/v1/dns", "Failing names as JSON"),
    ("/api/v1/destinations", "New destinations as JSON"),
    ("/-/healthy", "Health"),
    ("/-/ready", "Readiness"),
)


def landing(status: Status, report: Report, health: Health, destinations: DestinationsReport) -> str:
    """The page as HTML."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width,initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{status.headline} · hubble-egress-exporter"),
        element("link", rel="icon", href="data:,"),
        element("style", Html(_STYLE)),
    )
    main = element(
        "main",
        sections.answer(status),
        _section("Name resolution", broken.findings(status, report), broken.failing_names(status, health)),
        _section("New and unexpected destinations", announced(status, destinations)),
        _section("Stream", sections.stream(status)),
        element(
            "div",
            _section("Top workloads", sections.workloads(status)),
            _section("Top destinations", sections.destinations(status)),
            _section("Drops by reason", sections.reasons(status)),
            class_="side-by-side",
        ),
        _section("Last drops", sections.last_drops(status)),
        _section("Settings", sections.settings(status)),
        id="content",
        tabindex="-1",
    )
    skip = element("a", "Skip to the content", href="#content", class_="skip")
    body = element("body", skip, _header(), main, _footer(status))
    return f"<!doctype html>{element('html', head, body, lang='en')}\n"


def _header() -> Html:
    links = (element("li", element("a", text, href=path)) for path, text in _LINKS)
    return element(
        "header",
        element("h1", "hubble-egress-exporter"),
        element("p", "Where egress goes, and what became of it, from Cilium Hubble's flows."),
        element("nav", element("ul", *links), aria_label="Pages"),
    )


def _section(title: str, *content: str) -> Html:
    return element("section", element("h2", title), *content)


def _footer(status: Status) -> Html:
    version, python, commit = status.build
    return element(
        "footer",
        element("p", "As of ", sections.when(status.at), ". All counts are since the start of this process."),
        element("p", f"Version {version}, commit {commit}, Python {python}."),
    )
