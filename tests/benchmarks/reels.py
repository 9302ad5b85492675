"""Flows that are serialised before anything is measured: a file of prefixed messages, and where each begins."""

import mmap
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from exporter.demo.masks import compile_mask
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.request import follow_request
from exporter.hubble.settings import SourcesSettings
from tests.benchmarks.wire import prefixed


@dataclass(frozen=True)
class Reel:
    """Messages that a server can play. Message `n` lies between `offsets[n]` and `offsets[n + 1]`."""

    path: Path
    offsets: "array[int]"

    @property
    def count(self) -> int:
        """How many messages it has."""
        return len(self.offsets) - 1

    @property
    def mean_size(self) -> float:
        """Mean bytes of a message on the wire, with its prefix."""
        return self.offsets[-1] / self.count

    def bounds(self, every: int) -> list[int]:
        """Where each `every` messages begin, and where the last of them end; what is left over is left out."""
        return list(self.offsets[::every])


def loaded(path: Path) -> memoryview:
    """All bytes of a reel; processes that load the same one share them."""
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


class _Writer:
    def __init__(self, path: Path) -> None:
        self._path, self._offsets = path, array("Q", [0])
        self._file = path.open("wb")

    def add(self, response: observer_pb2.GetFlowsResponse) -> None:
        written = self._file.write(prefixed(response.SerializeToString()))
        self._offsets.append(self._offsets[-1] + written)

    def close(self) -> Reel:
        self._file.close()
        return Reel(self._path, self._offsets)


def write_reel(path: Path, flows: Iterable[flow_pb2.Flow]) -> Reel:
    """One reel of these flows with all their fields, as a server sends them that knows no field mask."""
    writer = _Writer(path)
    for flow in flows:
        writer.add(_response(flow, flow))
    return writer.close()


def write_reels(folder: Path, name: str, flows: Iterable[flow_pb2.Flow]) -> tuple[Reel, Reel]:
    """The same flows twice: with all their fields, and with those that our request asks for."""
    mask = compile_mask(follow_request(SourcesSettings()))
    full, masked = _Writer(folder / f"{name}-full"), _Writer(folder / f"{name}-masked")
    for flow in flows:
        full.add(_response(flow, flow))
        masked.add(_response(flow, mask(flow)))
    return full.close(), masked.close()


def _response(flow: flow_pb2.Flow, sent: flow_pb2.Flow) -> observer_pb2.GetFlowsResponse:
    return observer_pb2.GetFlowsResponse(flow=sent, node_name=flow.node_name, time=flow.time)
