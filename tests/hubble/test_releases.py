"""What a server of a release is asked for: nothing that the oldest node does not know."""

import pytest

from exporter.flow import Flow
from exporter.hubble.releases import OLDEST, Release, mask_of, oldest, release_of
from exporter.hubble.request import Mask, follow_request
from exporter.hubble.settings import SourcesSettings


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("cilium v1.16.1+g4d4e1a1", (1, 16)),
        ("hubble-relay v1.19.4", (1, 19)),
        ("1.15.0-rc.1", (1, 15)),
        ("v1.14.4-gke.7", (1, 14)),
        ("1.20", (1, 20)),
        ("v2.0.0", (2, 0)),
        ("", None),
        ("unknown", None),
        ("retina v0.0", (0, 0)),
    ],
)
def test_release(text: str, release: tuple[int, int] | None) -> None:
    """The first two numbers of what a server calls itself; None when it has none."""
    assert release_of(text) == release


def test_oldest() -> None:
    """The oldest of the nodes counts, 1.9 before 1.14; those whose version is not known do not."""
    assert oldest(["cilium v1.16.1", "", "cilium v1.14.2", "v1.15.0"]) == (1, 14)
    assert oldest(["v1.14.0", "v1.9.0"]) == (1, 9)
    assert oldest([]) is None
    assert oldest(["", "?"]) is None


# Worked out from the table of fields by release; what is not here exists since before 1.14.
NEWER = {"egress_allowed_by": 15, "egress_denied_by": 16, "trace_reason": 16, "policy_log": 18}


@pytest.mark.parametrize("minor", range(13, 24))
def test_mask_of_each_release(minor: int) -> None:
    """A path is asked for from the release on that knows it; newer ones than the newest know all."""
    missing = {path for path, since in NEWER.items() if minor < since}
    everything = set(mask_of(None))
    assert set(NEWER) < everything
    assert everything - set(mask_of(Release(1, minor))) == missing


def test_mask_in_both_places() -> None:
    """Releases before 1.16 read the experimental field, those since 1.19 the other: both say the same."""
    request = follow_request(SourcesSettings(), Release(1, 15))
    assert list(request.field_mask.paths) == list(request.experimental.field_mask.paths) == mask_of(Release(1, 15))


def test_masks_that_ask_for_less() -> None:
    """After a refusal what the oldest release knows, then whole flows, then nothing less."""
    assert [Mask.RELEASE.next, Mask.OLDEST.next, Mask.NONE.next] == [Mask.OLDEST, Mask.NONE, None]
    of_oldest = follow_request(SourcesSettings(), Release(1, 18), Mask.OLDEST)
    assert list(of_oldest.field_mask.paths) == mask_of(OLDEST)
    whole = follow_request(SourcesSettings(), Release(1, 18), Mask.NONE)
    assert not whole.HasField("field_mask")
    assert not whole.HasField("experimental")


def test_since() -> None:
    """A start in the past asks for what happened since, and follows."""
    request = follow_request(SourcesSettings(), since_ns=1_700_000_000_123_456_789)
    assert (request.since.ToNanoseconds(), request.follow) == (1_700_000_000_123_456_789, True)
    assert not follow_request(SourcesSettings()).HasField("since")


def test_a_flow_comes_once_unless_it_is_marked() -> None:
    """Nothing is taken for a repetition by default."""
    assert not Flow().replayed
