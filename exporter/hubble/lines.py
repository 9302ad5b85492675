"""One line of a recording to one event.

Accepted: the shapes of `hubble observe -o jsonpb` and of the agent's export file, bare flow objects of old releases,
original and camelCase names, enum names or numbers, 64-bit numbers as text or numbers, unknown keys.
"""

import json
from typing import Any

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
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Undecodable("invalid_json", where, str(error))
    if not isinstance(document, dict):
        return Undecodable("not_an_object", where, f"found {type(document).__name__}")
    return _decode_document(document, where, decoder)


def _decode_document(document: dict[str, Any], where: str, decoder: Decoder) -> Event:
    for key, what in _OTHER_ARMS.items():
        if key in document:
            return Ignored(what)
    if not _ARMS & document.keys():
        if not _FLOW_KEYS & document.keys():
            return Undecodable("unknown_shape", where, f"no flow in it, keys are {sorted(document)[:5]}")
        document = {"flow": document}
    try:
        response = ParseDict(document, observer_pb2.GetFlowsResponse(), ignore_unknown_fields=True)
    except (ParseError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        return Undecodable("invalid_field", where, str(error))
    return decoder.decode(response)
