"""Files and folders of manifests, read as a whole: what is broken never replaces what was good."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from exporter.documents.faults import DocumentError, Fault, Place
from exporter.documents.syntax import compose_all
from exporter.expectations.manifests import Manifests, read_manifests
from exporter.expectations.policy import WorkloadChooser

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
MOST_BYTES = 64 * 1024 * 1024
"""Of one file: as nodes it takes some thirty times as much memory."""
Roots = list[tuple[str, yaml.Node]]
Stamp = tuple[int, int, int, int]


class ExpectationsError(DocumentError):
    """Files cannot be used; its text is the whole message, one line per fault."""


def read_files(paths: Sequence[str], gateways: Sequence[WorkloadChooser] = ()) -> Manifests:
    """Everything that stands in these files and folders; what is wrong is among its faults."""
    files, faults = _files(paths)
    roots: Roots = []
    for file in files:
        try:
            _refuse_large(file)
            roots += [(file, node) for node in compose_all(file)]
        except DocumentError as error:
            faults += error.faults
    read = read_manifests(roots, tuple(gateways))
    return read._replace(faults=(*faults, *read.faults))


def _refuse_large(file: str) -> None:
    try:
        size = os.stat(file).st_size  # noqa: PTH116
    except OSError:
        return
    if size > MOST_BYTES:
        raise DocumentError([Fault(Place(file), f"has {size:,} bytes, and {MOST_BYTES:,} are the most; split it")])


def load_files(paths: Sequence[str], gateways: Sequence[WorkloadChooser] = ()) -> Manifests:
    """The same, for those who can do nothing with a part.

    Raises:
        ExpectationsError: with everything that is wrong.
    """
    read = read_files(paths, gateways)
    if read.faults:
        raise ExpectationsError(read.faults)
    return read


def stamps_of(paths: Iterable[str]) -> dict[str, Stamp]:
    """What changes when a file is written, replaced, added or removed."""
    found = {}
    for file in [*_files(list(paths))[0], *paths]:
        try:
            status = os.stat(file)  # noqa: PTH116, a Path per file and second costs more than the call
        except OSError:
            continue
        found[file] = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return found


class _Found(NamedTuple):
    files: list[str]
    faults: list[Fault]


def _files(paths: Sequence[str]) -> _Found:
    """Files as they are, folders with all manifests below them; each once, in the order of their names."""
    files, faults = dict[str, None](), list[Fault]()
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112
            files |= dict.fromkeys(_below(path))
        elif os.path.isfile(path):  # noqa: PTH113
            files[path] = None
        elif os.path.exists(path):  # noqa: PTH110
            # Reading a pipe may never end.
            faults.append(Fault(Place(path), "cannot be read: it is neither a file nor a folder"))
        else:
            faults.append(Fault(Place(path), "cannot be read: there is no such file or folder"))
    return _Found(list(files), faults)


def _below(folder: str) -> list[str]:
    """A mounted ConfigMap keeps its files twice, once below a hidden folder: hidden ones are left out."""
    found = []
    for place, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            str(Path(place) / name)
            for name in sorted(names)
            if Path(name).suffix in _SUFFIXES and not name.startswith(".") and _is_file_or_nothing(Path(place) / name)
        ]
    return found


def _is_file_or_nothing(path: Path) -> bool:
    """A link that leads nowhere is a fault to be told; a pipe is no manifest, and reading it may never end."""
    return path.is_file() or not path.exists()
