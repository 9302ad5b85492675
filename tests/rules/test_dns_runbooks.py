"""The policies in the runbooks of DNS allow what they are there for, by our own evaluator."""

from datetime import date

import pytest

from exporter.destinations.scopes import Scopes
from exporter.expectations.asked import labels_from, port_from, subject_from, target_from
from exporter.expectations.evaluator import Evaluator
from exporter.expectations.interface import Expectation
from exporter.expectations.objects import Objects
from exporter.expectations.question import Question
from tests.rules.runbooks import POLICIES, Document

ASKED = [
    ("HubbleEgressDNSBlocked", "wishlist-dns", "shop/wishlist", "app=wishlist", "kube-dns", "53/UDP 53/TCP"),
    (
        "HubbleEgressDNSBlocked",
        "kube-dns-from-all",
        "kube-system/coredns",
        "k8s-app=kube-dns",
        "cluster",
        "53/UDP 53/TCP",
    ),
    ("HubbleEgressDNSQueryRefused", "report-partner", "shop/report", "app=report", "api.partner.example", "443/TCP"),
    ("HubbleEgressDNSQueryRefused", "report-partner", "shop/report", "app=report", "kube-dns", "53/UDP 53/TCP"),
    (
        "HubbleEgressNameNotReachable",
        "mailer-campaign",
        "shop/mailer",
        "app=mailer",
        "newsletter.campaign.example",
        "443/TCP",
    ),
    ("HubbleEgressNameNotReachable", "mailer-campaign", "shop/mailer", "app=mailer", "kube-dns", "53/UDP 53/TCP"),
    (
        "HubbleEgressResolverCutOff",
        "kube-dns-upstream",
        "kube-system/coredns",
        "k8s-app=kube-dns",
        "192.0.2.53",
        "53/UDP 53/TCP",
    ),
    (
        "HubbleEgressResolverCutOff",
        "kube-dns-from-all",
        "kube-system/coredns",
        "k8s-app=kube-dns",
        "cluster",
        "53/UDP 53/TCP",
    ),
]


def _answers(document: Document, source: str, labels: str, target: str, port: str) -> Expectation:
    objects = Objects()
    objects.namespaces["kube-system"] = {"kubernetes.io/metadata.name": "kube-system"}
    has_labels = labels_from("k8s-app=kube-dns") if target == "kube-dns" else None
    asked = target_from("kube-system/coredns" if has_labels else target, has_labels, objects, Scopes())
    subject = subject_from(source, labels_from(labels), objects)
    question = Question(subject, asked, *port_from(port))
    return Evaluator(document.read().policies).answer(question, date(2026, 1, 1)).expectation


@pytest.mark.parametrize(("runbook", "name", "source", "labels", "target", "ports"), ASKED)
def test_policies_allow_what_they_are_there_for(
    runbook: str, name: str, source: str, labels: str, target: str, ports: str
) -> None:
    """What was dropped is allowed when the policy is applied, and the port next to it is not."""
    found = [one for one in POLICIES if (one.runbook, one.content["metadata"]["name"]) == (runbook, name)]
    assert found
    for document in found:
        asked = document.mirrored() if "ingress" in document.content["spec"] else document
        for port in ports.split():
            assert _answers(asked, source, labels, target, port) is Expectation.EXPECTED
        assert _answers(asked, source, labels, target, "8080/TCP") is Expectation.UNEXPECTED
