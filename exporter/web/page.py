"""The landing page: plain HTML that works without JavaScript."""

from datetime import UTC, datetime
from html import escape
from typing import NamedTuple

from exporter.build import build

_LINKS = (("/metrics", "Metrics"), ("/-/healthy", "Health"), ("/-/ready", "Readiness"))
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;"
    "background:#fff}table{border-collapse:collapse;width:100%}th{text-align:left;width:14rem;font-weight:600}"
    "th,td{padding:.35rem .5rem;border-bottom:1px solid #ccc;vertical-align:top;overflow-wrap:anywhere}"
    "a{color:#0b57d0}"
)


class Status(NamedTuple):
    """What the landing page says; rows of name and value."""

    source: str
    stream: str
    server_version: str
    newest_flow_ns: int
    flows: int
    counted: int
    series: int


def landing(status: Status) -> str:
    """The page as HTML."""
    newest = "none yet"
    if status.newest_flow_ns:
        newest = datetime.fromtimestamp(status.newest_flow_ns / 1e9, UTC).isoformat(sep=" ", timespec="seconds")
    rows = (
        ("Version", f"{build().version} ({build().commit})"),
        ("Source of flows", status.source),
        ("Stream", status.stream),
        ("Hubble", status.server_version or "did not say"),
        ("Newest flow", newest),
        ("Flows received", f"{status.flows:,}"),
        ("Flows counted", f"{status.counted:,}"),
        ("Series in use", f"{status.series:,}"),
    )
    table = "".join(f"<tr><th scope=row>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    links = "".join(f'<li><a href="{path}">{escape(text)}</a></li>' for path, text in _LINKS)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>hubble-egress-exporter</title><style>{_STYLE}</style></head><body><main>"
        "<h1>hubble-egress-exporter</h1><p>Where egress goes, and what became of it, from Cilium Hubble's flows.</p>"
        f"<table><tbody>{table}</tbody></table><ul>{links}</ul></main></body></html>\n"
    )
