"""What a filter is compiled to: plain questions about a flow, asked without any more parsing."""

from collections.abc import Callable, Sequence
from typing import Any

from exporter.hubble.pb.flow import flow_pb2

Predicate = Callable[[flow_pb2.Flow], bool]
Compile = Callable[[Sequence[Any]], Predicate]
"""From the values of one field, any of which may match, to one question."""


class BadFilterError(ValueError):
    """A filter that Hubble refuses before it sends anything."""


def one_of(read: Callable[[flow_pb2.Flow], Any]) -> Compile:
    """The value read is one of the values given."""

    def compile_values(values: Sequence[Any]) -> Predicate:
        wanted = frozenset(values)
        return lambda flow: read(flow) in wanted

    return compile_values


def never(_values: Sequence[Any]) -> Predicate:
    """No flow: those of the demo do not have what the filter asks for."""
    return lambda _flow: False
