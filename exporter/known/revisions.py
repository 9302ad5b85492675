"""The template hash of a ReplicaSet, which the names of its pods show: a new one is a rollout."""

import re
from functools import lru_cache

# The alphabet of Kubernetes' random suffixes has no vowels (apimachinery util/rand).
_SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
_PARTS = re.compile(rf"({_SAFE}{{6,10}}|(?=[a-z0-9]*[0-9])[a-z0-9]{{8,10}})-[a-z0-9]{{5}}")


@lru_cache(maxsize=2048)
def revision_of(pod_name: str, workload_name: str) -> str:
    """`7d4b9c8f6d` of `cart-7d4b9c8f6d-x2k4q`; empty when the pod is not a Deployment's."""
    stem = f"{workload_name}-"
    if not pod_name.startswith(stem):
        return ""
    match = _PARTS.fullmatch(pod_name[len(stem) :])
    return match[1] if match else ""
