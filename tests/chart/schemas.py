"""Kubernetes' own schemas, strict: a field that they do not know is a fault."""

import json
from functools import cache
from typing import Final

import kubernetes_validate

from tests.chart.rendering import Object

CUSTOM: Final = frozenset({"CiliumNetworkPolicy", "Certificate", "ServiceMonitor", "PodMonitor", "PrometheusRule"})
"""Kinds whose schemas Kubernetes does not have."""


def validate(document: Object, version: str) -> None:
    """Hold an object against the schema of its kind.

    Raises:
        kubernetes_validate.ValidationError: when it is not what that version takes.
    """
    if document["kind"] not in CUSTOM:
        _validate(json.dumps(document, sort_keys=True), version)


@cache
def _validate(text: str, version: str) -> None:
    """Most objects are the same in many renderings."""
    kubernetes_validate.validate(json.loads(text), version, strict=True)
