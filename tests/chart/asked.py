"""Our own evaluator, asked about the chart's network policies."""

from datetime import date
from typing import Any

import yaml

from exporter.destinations.scopes import Scopes
from exporter.documents.syntax import compose_text
from exporter.expectations.asked import labels_from, port_from, subject_from, target_from
from exporter.expectations.evaluator import Evaluator
from exporter.expectations.interface import Expectation
from exporter.expectations.manifests import read_manifests
from exporter.expectations.question import Question
from tests.chart.rendering import objects

_TODAY = date(2027, 1, 15)
_POD = "app.kubernetes.io/name=hubble-egress-exporter,app.kubernetes.io/instance=hubble-egress-exporter"
_NAMESPACES = ("hubble-egress", "kube-system", "data", "shop", "openshift-dns", "monitoring")
YES, NO = Expectation.EXPECTED, Expectation.UNEXPECTED


class Asked:
    """The network policy of an installation, and the namespaces of its cluster."""

    def __init__(self, values: dict[str, Any]) -> None:
        namespaces = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": _labels(name)}}
            for name in _NAMESPACES
        ]
        text = yaml.safe_dump_all([*namespaces, *(one for one in objects(values) if "NetworkPolicy" in one["kind"])])
        self._read = read_manifests([("chart", node) for node in compose_text("chart", text)])
        assert self._read.faults == ()
        self._evaluator = Evaluator(self._read.policies)

    def of(self, to: str, port: str, labels: str | None = None) -> Expectation:
        """May the exporter go there?"""
        read = self._read.objects
        source = subject_from("hubble-egress/hubble-egress-exporter", labels_from(_POD), read)
        target = target_from(to, labels_from(labels), read, Scopes())
        return self._evaluator.answer(Question(source, target, *port_from(port)), _TODAY).expectation


def _labels(name: str) -> dict[str, str]:
    return {"kubernetes.io/metadata.name": name}
