"""What to do about a finding: advice for each cause, and where policy is the reason the lines that would mend it."""

from collections.abc import Callable, Iterable, Sequence

from exporter.detectors.interface import Cause, Evidence, Finding
from exporter.endpoint import Endpoint
from exporter.triage import check, policies
from exporter.triage.advice import ADVICE
from exporter.triage.interface import PolicyText, Suggestion
from exporter.triage.policies import Document, Ports, Subject, ports_of
from exporter.triage.selectors import chosen_labels, in_cilium

Offer = tuple[Document, bool]
_KUBE_DNS = {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s:k8s-app": "kube-dns"}}


class Suggestions:
    """Makes them; `resolver_labels` are those of `destinations.resolvers.labels`."""

    def __init__(self, resolver_labels: Sequence[str]) -> None:
        self._labels = resolver_labels
        self._makers: dict[Cause, Callable[[Finding, Subject, Endpoint], Iterable[Offer]]] = {
            Cause.DNS_BLOCKED: self._to_resolver,
            Cause.DNS_TCP_BLOCKED: self._to_resolver,
            Cause.UPSTREAM_BLOCKED: self._to_upstream,
            Cause.QUERY_REFUSED: self._to_ask,
            Cause.SEARCH_SUFFIX_REFUSED: self._to_ask,
            Cause.EGRESS_DENIED_AFTER_DNS: self._to_names,
            Cause.NAME_NOT_COVERED: self._to_names,
            Cause.PORT_NOT_COVERED: self._to_names,
            Cause.CNAME_NOT_COVERED: self._to_names,
            Cause.AUTOPATH: self._to_names,
            Cause.VISIBILITY_MISSING: self._to_see,
        }

    def of(self, finding: Finding) -> Suggestion:
        """Advice, and the policies that were found to be exact."""
        advice = ADVICE[finding.cause]
        flow = finding.evidence[0].last
        if finding.cause is Cause.RESOLVER_INGRESS_BLOCKED:
            return Suggestion(advice, _texts(self._into_resolver(finding)))
        maker = self._makers.get(finding.cause)
        subject = policies.subject_of(flow.source, finding.workload.name)
        if maker is None:
            return Suggestion(advice)
        if subject is None:
            return Suggestion(f"{advice} The flows do not say the labels of the workload, so no policy is offered.")
        return Suggestion(advice, _texts(maker(finding, subject, flow.source)))

    def _to_resolver(self, finding: Finding, subject: Subject, source: Endpoint) -> Iterable[Offer]:
        ports, pods = ports_of(finding.evidence), finding.evidence[0].last.destination
        denied = check.denied_pods(pods, ports)
        for document in policies.to_pods(subject, pods, self._labels, ports):
            yield document, check.is_exact(document, source, finding.workload, denied)

    def _to_upstream(self, finding: Finding, subject: Subject, source: Endpoint) -> Iterable[Offer]:
        for one in finding.evidence:
            ports, flow = ports_of([one]), one.last
            if flow.destination.is_world:
                made = policies.to_address(subject, flow.destination_ip, ports)
                denied = check.denied_address(flow.destination_ip, ports)
            else:
                made = policies.to_pods(subject, flow.destination, self._labels, ports)
                denied = check.denied_pods(flow.destination, ports)
            for document in made:
                yield document, check.is_exact(document, source, finding.workload, denied)

    def _to_names(self, finding: Finding, subject: Subject, source: Endpoint) -> Iterable[Offer]:
        wanted = [(_form(one), Ports(one.key.port, one.key.protocol)) for one in finding.evidence]
        denied = check.denied_names(wanted)
        for document in policies.to_names(subject, wanted):
            yield document, check.is_exact(document, source, finding.workload, denied)

    def _to_ask(self, finding: Finding, subject: Subject, source: Endpoint) -> Iterable[Offer]:
        """Beside a refused form the name itself, which the search comes to last."""
        flow = finding.evidence[0].last
        pods, ports = flow.destination, [Ports(flow.destination_port, flow.kind.protocol)]
        labels = chosen_labels(pods, self._labels)
        if not labels or not pods.home:
            return
        forms = dict.fromkeys(form for one in finding.evidence for form in (one.key.asked_as, one.key.name) if form)
        resolver = in_cilium(pods.home, labels)
        for document in policies.to_ask(subject, resolver, ports, [{"matchName": form} for form in forms]):
            exact = check.is_exact(document, source, finding.workload, check.denied_pods(pods, ports))
            yield document, exact and check.asks_exactly(document, [(form, "") for form in forms])

    def _to_see(self, finding: Finding, subject: Subject, _source: Endpoint) -> Iterable[Offer]:
        """Let the proxy see the names that the rules on this port wait for."""
        asks = [_ask(text) for text in dict.fromkeys(text for one in finding.evidence for text in one.waits_for)]
        if not asks:
            return
        for document in policies.to_ask(subject, dict(_KUBE_DNS), [Ports(53, "udp"), Ports(53, "tcp")], asks):
            wanted = [(one.get("matchName", ""), one.get("matchPattern", "")) for one in asks]
            yield document, check.asks_exactly(document, wanted)

    def _into_resolver(self, finding: Finding) -> Iterable[Offer]:
        """Its two sides are swapped, so that the same question can be asked."""
        drops = [one for one in finding.evidence if one.key.port]
        flow, ports = drops[0].last, ports_of(drops)
        labels = chosen_labels(flow.destination, self._labels)
        if not labels or not flow.destination.home:
            return
        resolver = Subject(flow.destination.home, drops[0].key.destination.rpartition("/")[2], labels)
        denied = check.denied_pods(flow.source, ports)
        workload = finding.workload._replace(namespace=flow.destination.home, name=resolver.workload)
        for document in policies.from_pods(resolver, flow.source, ports):
            yield document, check.is_exact(check.mirrored(document), flow.destination, workload, denied)


def _form(evidence: Evidence) -> str:
    return evidence.key.asked_as or evidence.key.name


def _ask(text: str) -> dict[str, str]:
    return {"matchPattern" if "*" in text else "matchName": text}


def _texts(offers: Iterable[Offer]) -> tuple[PolicyText, ...]:
    return tuple(PolicyText(str(document["kind"]), policies.written(document), exact) for document, exact in offers)
