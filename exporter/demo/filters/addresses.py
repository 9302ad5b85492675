"""Filters of addresses and ports of either end of a flow."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from exporter.demo.filters.predicates import BadFilterError, Compile, Predicate
from exporter.hubble.pb.flow import flow_pb2

_HIGHEST_PORT = 65535


def address(read: Callable[[flow_pb2.Flow], str]) -> Compile:
    """An address, compared as text, or a prefix that contains it."""

    def compile_values(values: Sequence[str]) -> Predicate:
        prefixes = tuple(_prefix(value) for value in values if "/" in value)
        exact = frozenset(_checked_address(value) for value in values if "/" not in value)

        def matches(flow: flow_pb2.Flow) -> bool:
            text = read(flow)
            if not text:
                return False
            return text in exact or (bool(prefixes) and _is_within(text, prefixes))

        return matches

    return compile_values


def port(field: str) -> Compile:
    """A single port of TCP, UDP or SCTP; `field` is its name in all three messages."""

    def compile_values(values: Sequence[str]) -> Predicate:
        wanted = frozenset(_port(value) for value in values)

        def matches(flow: flow_pb2.Flow) -> bool:
            protocol = flow.l4.WhichOneof("protocol")
            return protocol in {"TCP", "UDP", "SCTP"} and getattr(getattr(flow.l4, protocol), field) in wanted

        return matches

    return compile_values


@lru_cache(maxsize=4096)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_within(text: str, prefixes: Sequence[IPv4Network | IPv6Network]) -> bool:
    parsed = _parsed(text)
    return parsed is not None and any(parsed in prefix for prefix in prefixes)


def _checked_address(text: str) -> str:
    if _parsed(text) is None or "%" in text:
        raise BadFilterError(f"invalid IP address in filter: {text!r}")
    return text


def _prefix(text: str) -> IPv4Network | IPv6Network:
    try:
        if not text.rpartition("/")[2].isdecimal():  # a netmask, which Python takes and Go does not
            raise BadFilterError(f"invalid CIDR in filter: {text!r}")
        return ip_network(text, strict=False)
    except ValueError as error:
        raise BadFilterError(f"invalid CIDR in filter: {text!r}") from error


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= _HIGHEST_PORT):
        raise BadFilterError(f"invalid port {text!r}")
    return int(text)
