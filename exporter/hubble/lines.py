"""One line of a recording to one event.

Accepted: the shapes of `hubble observe -o jsonpb` and of the agent's export file, bare flow objects of old releases,
original and camelCase names, enum names or numbers, 64-bit numbers as text or numbers, unknown keys.
"""

import json
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import ParseDict, ParseError

from exporter.hubble.decode import Decoder
from exporter.hubble.interface import Event, Ignored, Undecodable
from exporter.hubble.pb.observer import observer_pb2

_ARMS = {"flow", "lost_events", "lostEvents", "node_status", "nodeStatus"}
_OTHER_ARMS = {
    "agent_event": "agent_event",
    "agentEvent": "agent_event",
    "debug_event": "debug_event",
    "debugEvent": "debug_event",
}
_FLOW_KEYS = {
    "verdict",
    "IP",
    "l4",
    "l7",
    "source",
    "destination",
    "Type",
    "event_type",
    "eventType",
    "traffic_direction",
    "trafficDirection",
    "is_reply",
    "isReply",
    "drop_reason_desc",
    "dropReasonDesc",
    "Summary",
}


def decode_line(line: bytes, where: str, decoder: Decoder) -> Event:
    """The event of one line; `where` is `file:line`, for the `Undecodable` of a broken one."""
    try:
        document = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return Undecodable("invalid_json", where, str(error))
    if not isinstance(document, dict):
        return Undecodable("not_an_object", where, f"found {type(document).__name__}")
    return _decode_document(document, where, decoder)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _decode_document(document: dict[str, Any], where: str, decoder: Decoder) -> Event:
    for key, what in _OTHER_ARMS.items():
        if key in document:
            return Ignored(what)
    if not _ARMS & document.keys():
        if not _FLOW_KEYS & document.keys():
            return Undecodable("unknown_shape", where, f"no flow in it, keys are {sorted(document)[:5]}")
        document = {"flow": document}
    fault = _misshapen(document, observer_pb2.GetFlowsResponse.DESCRIPTOR)
    if fault:
        return Undecodable("invalid_field", where, fault)
    try:
        response = ParseDict(document, observer_pb2.GetFlowsResponse(), ignore_unknown_fields=True)
    except (ParseError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        return Undecodable("invalid_field", where, str(error))
    return decoder.decode(response)


def _misshapen(document: dict[str, Any], descriptor: Descriptor) -> str:
    """What stands where an object should: the parser reads a text or a list there as an object of unknown keys."""
    for key, value in document.items():
        field = descriptor.fields_by_camelcase_name.get(key) or descriptor.fields_by_name.get(key)
        # The well-known types have spellings of their own: a time is a text, a BoolValue is true.
        if field is None or value is None or not (message := field.message_type):
            continue
        if message.file.package == "google.protobuf":
            continue
        for item in value if field.is_repeated and isinstance(value, list) else [value]:
            fault = _misshapen(item, message) if isinstance(item, dict) else f"{key} is no object: {str(item)[:40]!r}"
            if fault:
                return fault
    return ""
