"""Messages for tests: filled in every field, or drawn at random from what the protocol allows."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import count
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

M = TypeVar("M", bound=Message)

FD = FieldDescriptor
_MOST_DEPTH = 6
_INTEGERS: dict[int, st.SearchStrategy[Any]] = {
    FD.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FD.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FD.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FD.TYPE_UINT64: st.integers(0, 2**64 - 1),
    # Enums are open: a newer server sends numbers that have no name here.
    FD.TYPE_ENUM: st.integers(-10, 210) | st.integers(-(2**31), 2**31 - 1),
    FD.TYPE_BOOL: st.booleans(),
    FD.TYPE_DOUBLE: st.floats(width=64),
    # Characters that are no text, surrogates, cannot be sent at all.
    FD.TYPE_STRING: st.sampled_from(("", "a", "reserved:world", "10.0.0.1")) | st.text(max_size=12),
    FD.TYPE_BYTES: st.binary(max_size=12),
}


def filled(message: M, arms: Mapping[str, str]) -> M:
    """Set every field of `message` to a value of its own; `arms` names the field of each oneof that is set."""
    _fill(message, arms, count(1))
    return message


def _fill(message: Message, arms: Mapping[str, str], values: Iterator[int]) -> None:
    for field in message.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        if oneof is not None and arms[oneof.name] != field.name:
            continue
        if field.message_type is not None:
            inner = getattr(message, field.name)
            for part in (inner.add(), inner.add()) if field.is_repeated else (inner,):
                _fill(part, arms, values)
        elif field.is_repeated:
            getattr(message, field.name).extend([_leaf(field, next(values)), _leaf(field, next(values))])
        else:
            setattr(message, field.name, _leaf(field, next(values)))


def _leaf(field: Any, number: int) -> object:  # noqa: ANN401, descriptors of the two implementations share no type
    makers: dict[int, Callable[[int], object]] = {FD.TYPE_BOOL: lambda _: True, FD.TYPE_STRING: lambda n: f"{n:03}"}
    return makers.get(field.type, int)(number)


def messages(kind: type[M]) -> st.SearchStrategy[M]:
    """Any valid message of a kind: any subset of its fields, any values, unknown enum numbers included."""
    return _contents(kind.DESCRIPTOR, 0).map(lambda contents: kind(**contents))


@cache
def _contents(descriptor: Descriptor, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    fields = [field for field in descriptor.fields if field.message_type is None or depth < _MOST_DEPTH]
    return st.fixed_dictionaries({}, optional={field.name: _value(field, depth) for field in fields}).map(
        _one_arm(fields)
    )


def _one_arm(fields: list[FieldDescriptor]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    oneofs = {field.name: field.containing_oneof.name for field in fields if field.containing_oneof is not None}

    def reduce(contents: dict[str, Any]) -> dict[str, Any]:
        chosen = {oneofs[name]: name for name in contents if name in oneofs}
        return {name: value for name, value in contents.items() if chosen.get(oneofs.get(name, ""), name) == name}

    return reduce


def _value(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    kind = field.message_type
    one = _INTEGERS[field.type] if kind is None else st.deferred(lambda: _contents(kind, depth + 1))
    return st.lists(one, max_size=3) if field.is_repeated else one
