"""What to do about a finding: advice for each cause, and where policy is the reason the lines that would mend it."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from exporter.destinations.patterns import check_name
from exporter.detectors.drop_kinds import POLICY_DENY
from exporter.detectors.interface import Cause, Evidence, Finding
from exporter.endpoint import Endpoint
from exporter.triage import check, policies
from exporter.triage.advice import ADVICE, DENIED
from exporter.triage.check import Denied
from exporter.triage.interface import PolicyText, Suggestion
from exporter.triage.policies import Document, Pods, Ports, Subject
from exporter.triage.selectors import chosen_labels, own_labels

Offer = tuple[Document, bool]
_KUBE_DNS = Pods("kube-system", {"k8s-app": "kube-dns"}, (Ports(53, "udp"), Ports(53, "tcp")))


class Suggestions:
    """Makes them; `resolver_labels` are those of `destinations.resolvers.labels`."""

    def __init__(self, resolver_labels: Sequence[str]) -> None:
        self._labels = resolver_labels
        self._makers: dict[Cause, Callable[[Finding, Subject], Iterable[Offer]]] = {
            Cause.DNS_BLOCKED: self._to_resolver,
            Cause.DNS_TCP_BLOCKED: self._to_resolver,
            Cause.UPSTREAM_BLOCKED: self._to_resolver,
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
        """Advice, and policies; deny rules win over whatever allows, so that against them none is offered."""
        advice = ADVICE[finding.cause]
        denied = [one for one in finding.evidence if one.last.drop_reason == POLICY_DENY]
        finding = finding._replace(evidence=tuple(one for one in finding.evidence if one not in denied))
        if denied:
            advice = f"{DENIED} {advice}"
        if finding.cause is Cause.RESOLVER_INGRESS_BLOCKED:
            return Suggestion(advice, _texts(self._into_resolver(finding)))
        maker = self._makers.get(finding.cause)
        if maker is None or not finding.evidence:
            return Suggestion(advice)
        sources = _sources(finding.evidence)
        labels = own_labels(sources)
        if not labels or not sources[0].home:
            return Suggestion(f"{advice} The flows do not say labels that select the workload: no policy is offered.")
        return Suggestion(advice, _texts(maker(finding, Subject(sources[0].home, finding.workload.name, labels))))

    def _to_resolver(self, finding: Finding, subject: Subject) -> Iterator[Offer]:
        """Pods by their labels, one rule for each kind of them, and addresses outside."""
        pods: dict[tuple[str, tuple[tuple[str, str], ...]], list[Ports]] = {}
        addresses: list[tuple[str, Ports]] = []
        denied: list[Denied] = []
        for one in finding.evidence:
            ports, target = _ports(one), one.last.destination
            if target.is_world:
                addresses.append((one.last.destination_ip, ports))
                denied += check.denied_address(one.last.destination_ip, [ports])
                continue
            labels = chosen_labels(target, self._labels)
            if not labels or not target.home:
                return
            pods.setdefault((target.home, tuple(labels.items())), []).append(ports)
            denied += check.denied_pods(target, [ports])
        wanted = [Pods(home, dict(labels), sorted(set(ports))) for (home, labels), ports in pods.items()]
        for document in policies.to_pods(subject, wanted, addresses):
            yield document, _is_exact(document, finding, denied)

    def _to_names(self, finding: Finding, subject: Subject) -> Iterator[Offer]:
        wanted = [(form, _ports(one)) for one in finding.evidence if (form := _form(one))]
        if wanted:
            document = policies.to_names(subject, wanted)
            yield document, _is_exact(document, finding, check.denied_names(wanted))

    def _to_ask(self, finding: Finding, subject: Subject) -> Iterator[Offer]:
        """Beside a refused form the name itself, which the search comes to last."""
        by_resolver: dict[tuple[str, tuple[tuple[str, str], ...], Ports], list[str]] = {}
        denied: list[Denied] = []
        for one in finding.evidence:
            target, ports = one.last.destination, _ports(one)
            labels = chosen_labels(target, self._labels)
            forms = [form for form in (one.key.asked_as, one.key.name) if _is_name(form)]
            if labels and target.home and forms:
                by_resolver.setdefault((target.home, tuple(labels.items()), ports), []).extend(forms)
                denied += check.denied_pods(target, [ports])
        asked = [
            (Pods(home, dict(labels), [ports]), [{"matchName": form} for form in dict.fromkeys(forms)])
            for (home, labels, ports), forms in by_resolver.items()
        ]
        if asked:
            document = policies.to_ask(subject, asked)
            names = {(entry["matchName"], "") for _, asks in asked for entry in asks}
            yield document, _is_exact(document, finding, denied) and check.asks_exactly(document, names)

    def _to_see(self, finding: Finding, subject: Subject) -> Iterator[Offer]:
        """Let the proxy see the names that the rules on this port wait for, at the resolver that is asked."""
        asks = [{"matchPattern" if "*" in text else "matchName": text} for text in finding.waits_for]
        if not asks:
            return
        resolver = self._resolver_of(finding)
        document = policies.to_ask(subject, [(resolver or _KUBE_DNS, asks)])
        wanted = {(one.get("matchName", ""), one.get("matchPattern", "")) for one in asks}
        yield document, resolver is not None and check.asks_exactly(document, wanted)

    def _resolver_of(self, finding: Finding) -> Pods | None:
        if finding.resolver is None:
            return None
        endpoint, port = finding.resolver
        labels = chosen_labels(endpoint, self._labels)
        return Pods(endpoint.home, labels, (Ports(port, "udp"), Ports(port, "tcp"))) if labels else None

    def _into_resolver(self, finding: Finding) -> Iterator[Offer]:
        """Its two sides are swapped, so that the same question can be asked."""
        drops = [one for one in finding.evidence if one.key.port]
        if not drops:
            return
        askers, target, ports = _sources(drops), drops[0].last.destination, sorted({_ports(one) for one in drops})
        labels, own = chosen_labels(target, self._labels), own_labels(askers)
        if not labels or not own or not target.home or not askers[0].home:
            return
        resolver = Subject(target.home, drops[0].key.destination.rpartition("/")[2], labels)
        workload = finding.workload._replace(namespace=target.home, name=resolver.workload)
        denied = [one for asker in askers for one in check.denied_pods(asker, ports)]
        for document in policies.from_pods(resolver, Pods(askers[0].home, own, ports)):
            yield document, check.is_exact(check.mirrored(document), target, workload, denied)


def _is_exact(document: Document, finding: Finding, denied: list[Denied]) -> bool:
    """For every pod that was seen: one of another version must not be left out."""
    return all(check.is_exact(document, one, finding.workload, denied) for one in _sources(finding.evidence))


def _sources(evidence: Iterable[Evidence]) -> list[Endpoint]:
    """The pods that flows show, each kind of labels once."""
    flows = (flow for one in evidence for flow in (one.first, one.last))
    return list({flow.source.labels: flow.source for flow in flows}.values())


def _ports(evidence: Evidence) -> Ports:
    return Ports(evidence.key.port, evidence.key.protocol)


def _form(evidence: Evidence) -> str:
    form = evidence.key.asked_as or evidence.key.name
    return form if _is_name(form) else ""


def _is_name(text: str) -> bool:
    """Whether the API takes it as a matchName."""
    try:
        check_name(text)
    except ValueError:
        return False
    return True


def _texts(offers: Iterable[Offer]) -> tuple[PolicyText, ...]:
    return tuple(PolicyText(str(document["kind"]), policies.written(document), exact) for document, exact in offers)
