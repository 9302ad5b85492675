"""Field masks: what of a flow is sent (cilium pkg/hubble/parser/fieldmask)."""

from collections.abc import Callable, Iterable

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2

Mask = Callable[[flow_pb2.Flow], flow_pb2.Flow]

# Fields of Hubble 1.19 that our subset of the protos leaves out: paths to them are valid and empty. The `hubble`
# command's own mask names `ethernet`.
_NOT_IN_SUBSET = (
    "auth_type",
    "cgroup_id",
    "debug_capture_point",
    "ethernet",
    "extensions",
    "file",
    "interface",
    "ip_trace_id",
    "l7.http.headers",
    "node_labels",
    "proxy_port",
    "sock_xlate_point",
    "socket_cookie",
    "trace_context",
    "tunnel",
)


class BadMaskError(ValueError):
    """A path that leads nowhere."""


class _Tree(dict[str, "_Tree"]):
    """The names that are kept, and below each what of it; an empty tree keeps all."""


def compile_mask(request: observer_pb2.GetFlowsRequest) -> Mask:
    """The mask of a request: field 10, or the experimental one when that has no paths.

    Raises:
        BadMaskError: when a path does not exist in a flow.
    """
    paths = request.field_mask.paths or request.experimental.field_mask.paths
    if not paths:
        return lambda flow: flow
    tree = _tree(paths)

    def masked(flow: flow_pb2.Flow) -> flow_pb2.Flow:
        kept = flow_pb2.Flow()
        kept.CopyFrom(flow)
        _prune(kept, tree)
        return kept

    return masked


def _tree(paths: Iterable[str]) -> _Tree:
    in_subset = FieldMask(paths=[path for path in paths if not _is_elsewhere(path)])
    if not in_subset.IsValidForDescriptor(flow_pb2.Flow.DESCRIPTOR):
        raise BadMaskError("invalid fieldmask")
    canonical = FieldMask()
    # Drops what is below another path: what is kept as a whole needs nothing said of its parts.
    canonical.CanonicalFormFromMask(in_subset)
    tree = _Tree()
    for path in canonical.paths:
        below = tree
        for name in path.split("."):
            below = below.setdefault(name, _Tree())
    return tree


def _is_elsewhere(path: str) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in _NOT_IN_SUBSET)


def _prune(message: Message, tree: _Tree) -> None:
    """Clear what is not kept. Only what is there is looked at, so that no empty message appears on the way."""
    for field, value in message.ListFields():
        if field.name not in tree:
            message.ClearField(field.name)
        elif below := tree[field.name]:
            _prune(value, below)
