"""One name per setting, in four spellings: field, path, flag and environment variable."""

import difflib
from collections.abc import Iterable

PREFIX = "HUBBLE_EGRESS_"
CONFIG_FILE = "config.file"
"""Names the file itself: a flag and a variable as every setting, but no key of the file."""


def path_of_fields(fields: Iterable[str]) -> str:
    """`web.listen-address` of the fields `web`, `listen_address`."""
    return ".".join(name.replace("_", "-") for name in fields)


def fields_of_path(path: str) -> tuple[str, ...]:
    """`web`, `listen_address` of `web.listen-address`."""
    return tuple(name.replace("-", "_") for name in path.split("."))


def flag_of(path: str) -> str:
    """`--web.listen-address` of `web.listen-address`."""
    return f"--{path}"


def variable_of(path: str) -> str:
    """`HUBBLE_EGRESS_WEB__LISTEN_ADDRESS` of `web.listen-address`."""
    return PREFIX + path.upper().replace("-", "_").replace(".", "__")


def path_of_variable(variable: str) -> str:
    """The path that `variable` stands for, if there is such a setting."""
    return variable.removeprefix(PREFIX).lower().replace("__", ".").replace("_", "-")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that `name` most likely was meant to be, or None when none is near."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def nearest_path(path: str, known: Iterable[str]) -> str | None:
    """The path that `path` was most likely meant to be.

    Its own block is asked first, by the last part alone: the shared start of two paths says nothing about their ends.
    Then the whole path, for a mistyped block, and then exactly the last part, for a setting in the wrong block.
    """
    paths = list(known)
    block, _, last = path.rpartition(".")
    siblings = {
        end: candidate for candidate in paths for start, _, end in [candidate.rpartition(".")] if start == block
    }
    if sibling := nearest(last, siblings):
        return siblings[sibling]
    if whole := difflib.get_close_matches(path, paths, n=1, cutoff=0.8):
        return whole[0]
    ends = {candidate.rpartition(".")[2]: candidate for candidate in reversed(paths)}
    return ends.get(last)
