"""Names of drop reasons: Hubble's enum names in lower case, `reason_<n>` for what a newer server sends."""

from functools import lru_cache

from exporter.hubble.pb.flow import flow_pb2


@lru_cache(maxsize=1024)
def drop_reason_name(number: int) -> str:
    """Label value of a drop reason (`flow.DropReason`)."""
    value = flow_pb2.DropReason.DESCRIPTOR.values_by_number.get(number)
    return value.name.lower() if value is not None else f"reason_{number}"
