"""Which Cilium is asked, and what an old one does not know yet. Table: Hubble's protos by release, 1.13 to 1.19."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from exporter.hubble.decode import MASK


class Release(NamedTuple):
    """The two numbers of a release that say what its API knows."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


OLDEST = Release(1, 14)
"""The oldest that knows field masks at all; an older one ignores them."""
EXACT_LOSSES = Release(1, 19)
"""From here on an agent says how many events its ring lost; before, that it lost some (cilium/cilium#41163)."""
_SINCE = {
    "egress_allowed_by": Release(1, 15),
    "egress_denied_by": Release(1, 16),
    "trace_reason": Release(1, 16),
    "policy_log": Release(1, 18),
}
_NUMBERS = re.compile(r"(?<![\d.])v?(\d+)\.(\d+)(?=[.\d\-+ ]|$)")


def release_of(text: str) -> Release | None:
    """The release in `cilium v1.16.1+g1234`, `hubble-relay v1.19.4` or `1.15.0-rc.1`; None when there is none."""
    found = _NUMBERS.search(text)
    return Release(int(found[1]), int(found[2])) if found else None


def oldest(versions: Iterable[str]) -> Release | None:
    """The oldest release among the nodes: what it does not know, nobody may be asked for. None when none is known."""
    return min(filter(None, map(release_of, versions)), default=None)


def mask_of(release: Release | None) -> list[str]:
    """The paths that a server of this release knows; all of them when it is not known which it is."""
    paths = [path for path in MASK if path != "aggregate"]
    if release is None:
        return paths
    return [path for path in paths if path not in _SINCE or release >= _SINCE[path]]
