"""What the proxy shows of DNS: names by address, search suffixes, and whose DNS is seen at all."""

from collections.abc import Hashable

from exporter.destinations.dns_answers import Asked, DnsAnswers, Given
from exporter.destinations.interface import RESOLVER, WorkloadName
from exporter.destinations.names import Bare, ClusterNames, normal
from exporter.destinations.search_list import SearchList
from exporter.destinations.settings import DestinationsSettings
from exporter.endpoint import Endpoint
from exporter.flow import Dns, Flow
from exporter.window import Window, WindowStats


class DnsMemory:
    """Learns from DNS records. Not thread-safe: `Destinations` owns it."""

    def __init__(self, settings: DestinationsSettings) -> None:
        self._answers = DnsAnswers(settings.dns_answers)
        self._search_list = SearchList()
        self._visible = Window(settings.dns_workloads, settings.dns_workloads_ttl)
        self.reconfigure(settings)

    def reconfigure(self, settings: DestinationsSettings) -> None:
        """Read names by other settings from now on; what was learnt stays."""
        self._domains, self._suffixes = settings.cluster_domains, settings.search_suffixes
        self._names = ClusterNames(self._domains, self._suffixes)
        self._use_learnt()

    def _use_learnt(self) -> None:
        self._failing_names = ClusterNames(self._domains, (*self._suffixes, *self._search_list.suffixes))

    def saw(self, asker: WorkloadName, time_ns: int) -> None:
        """A record of the workload's DNS passed the proxy."""
        self._visible.add(asker, time_ns)

    def answered(self, response: Flow, answer: Dns, asker: WorkloadName) -> None:
        """Take in an answer, as it is written: to the one who asked. A resolver asks for others, whom it hides."""
        self.saw(asker, response.time_ns)
        if asker.name == RESOLVER:
            return
        who = _who(response.destination, response.destination_ip)
        bare = self._names.bare(answer.query, asker.namespace)
        if not bare.expansion and self._search_list.learn(who, answer, response.time_ns):
            self._use_learnt()
        if answer.ips and not answer.rcode and bare.name and not bare.internal:
            asked_as = normal(answer.query) if bare.expansion else ""
            self._answers.learn(who, bare.name, answer, response.time_ns, asked_as)

    def asked(self, flow: Flow) -> Asked:
        """The names for which the flow's source was given its destination's address."""
        return self._answers.asked(_who(flow.source, flow.source_ip), flow.destination_ip, flow.time_ns)

    def given(self, flow: Flow) -> tuple[Given, ...]:
        """The answers by which the flow's source got its destination's address, the latest first."""
        return self._answers.given(_who(flow.source, flow.source_ip), flow.destination_ip, flow.time_ns)

    def meant(self, query: str, asker: WorkloadName, *, fails: bool) -> Bare:
        """What was meant by a query; of one that fails, learnt suffixes are taken off too."""
        names = self._failing_names if fails else self._names
        bare = names.bare(query, asker.namespace)
        if fails and not bare.expansion and (meant := self._search_list.meant(query)):
            return Bare(meant, internal=False, expansion=True)
        return bare

    def heads(self, name: str, asker: WorkloadName) -> frozenset[str]:
        """What may have been meant by a name: it, and it without each suffix that a search puts there.

        Learnt suffixes are none of these: whoever has a domain can teach us some.
        """
        suffixes = list(self._suffixes)
        for domain in self._domains:
            suffixes += (f"{asker.namespace}.svc.{domain}", f"svc.{domain}", domain)
        heads = {name, *(name.removesuffix(f".{suffix}") for suffix in suffixes)}
        return frozenset(heads)

    def is_expansion(self, query: str, asker: WorkloadName, *, fails: bool) -> bool:
        """Whether a query is a search-suffix expansion; of one that fails, learnt suffixes may tell it too."""
        return self.meant(query, asker, fails=fails).expansion

    def sees(self, workload: WorkloadName, time_ns: int) -> bool:
        """Whether the workload's DNS passed the proxy lately; if not, nothing is known of what it asked."""
        return self._visible.has(workload, time_ns)

    def expire(self, now_ns: int) -> None:
        """Forget whose DNS was not seen for its time."""
        self._visible.expire(now_ns)

    def stats(self) -> dict[str, WindowStats]:
        """Entries, bound and evictions, for the exporter's own metrics."""
        return {
            "dns_answers": self._answers.stats(),
            "dns_search_suffixes": self._search_list.stats(),
            "dns_workloads": self._visible.stats(),
        }


def _who(endpoint: Endpoint, address: str) -> Hashable:
    """Who asks and connects: a pod with two addresses asks at one of them and connects from the other as well."""
    return (endpoint.home, endpoint.pod_name) if endpoint.pod_name else address
