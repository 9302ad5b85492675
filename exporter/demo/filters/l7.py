"""Filters of L7 records: DNS queries and HTTP exchanges."""

import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from exporter.demo.filters.patterns import expressions
from exporter.demo.filters.predicates import BadFilterError, Predicate
from exporter.hubble.pb.flow import flow_pb2

_L7_RECORD = 129
_WHOLE_STATUS = re.compile("[1-5][0-9]{2}")
_STATUS_PREFIX = re.compile(r"[1-5][0-9]?\+")


def dns_query(values: Sequence[str]) -> Predicate:
    """Regular expressions, found anywhere in the name as it was asked: with its trailing dot."""
    wanted = expressions(values)

    def matches(flow: flow_pb2.Flow) -> bool:
        return flow.l7.HasField("dns") and any(pattern.search(flow.l7.dns.query) for pattern in wanted)

    return matches


def http_status_code(values: Sequence[str]) -> Predicate:
    """`404`, or the beginning of a code: `4+`, `40+`. A request has no code and never matches."""
    for value in values:
        if not _WHOLE_STATUS.fullmatch(value) and not _STATUS_PREFIX.fullmatch(value):
            raise BadFilterError(f"invalid http status code filter: invalid status code prefix: {value!r}")
    beginnings = tuple(value.removesuffix("+") for value in values)

    def matches(flow: flow_pb2.Flow) -> bool:
        code = flow.l7.http.code
        return bool(code) and f"{code:03d}".startswith(beginnings)

    return matches


def http_method(values: Sequence[str]) -> Predicate:
    """Methods, in any case of letters."""
    wanted = {value.upper() for value in values}
    return lambda flow: bool(flow.l7.http.method) and flow.l7.http.method.upper() in wanted


def http_url(values: Sequence[str]) -> Predicate:
    """Regular expressions, found anywhere in the URL."""
    wanted = expressions(values)

    def matches(flow: flow_pb2.Flow) -> bool:
        url = flow.l7.http.url
        return bool(url) and any(pattern.search(url) for pattern in wanted)

    return matches


def http_path(values: Sequence[str]) -> Predicate:
    """Regular expressions, found anywhere in the decoded path of the URL."""
    wanted = expressions(values)

    def matches(flow: flow_pb2.Flow) -> bool:
        path = _path(flow.l7.http.url)
        return path is not None and any(pattern.search(path) for pattern in wanted)

    return matches


def check_event_types(flow_filter: flow_pb2.FlowFilter) -> None:
    """Refuse a filter that asks for HTTP and for event types among which there is no L7 record.

    Raises:
        BadFilterError: when it does.
    """
    types = [wanted.type for wanted in flow_filter.event_type]
    http = [field.name for field, _ in flow_filter.ListFields() if field.name.startswith("http_")]
    if http and types and _L7_RECORD not in types:
        raise BadFilterError(f"filtering by {http[0]} requires the event type filter to only match 'l7' events")


def _path(url: str) -> str | None:
    """The path of an absolute URL or path; None for anything else, which Go calls no request URI."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return unquote(parts.path) if parts.scheme or url.startswith("/") else None
