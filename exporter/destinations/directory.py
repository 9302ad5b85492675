"""The stage itself: names both ends of a flow, classifies its destination, and learns the cluster's addresses."""

from exporter.destinations.cidrs import CidrNames
from exporter.destinations.classify import Contact, Knowledge, asked_name, classify
from exporter.destinations.dns_answers import NOT_ASKED, Asked
from exporter.destinations.dns_memory import DnsMemory
from exporter.destinations.domains import registered_domain
from exporter.destinations.interface import RESOLVER, Destination, DestinationKind, NameConfidence, WorkloadName
from exporter.destinations.names import ClusterNames
from exporter.destinations.resolvers import Resolvers
from exporter.destinations.scopes import Scope, Scopes
from exporter.destinations.settings import DestinationsSettings
from exporter.destinations.workloads import Renamed, Workloads
from exporter.endpoint import Endpoint
from exporter.flow import Dns, EventType, Flow, Verdict
from exporter.window import Window, WindowStats

# Members of enums are looked up by a method that is written in Python, and every start asks for these.
_ENTITY, _CLUSTER_RANGE = DestinationKind.ENTITY, Scope.CLUSTER_RANGE
_DROPPED, _TRACE, _FROM_ENDPOINT = int(Verdict.DROPPED), int(EventType.TRACE), 5
_MOMENTS = 64
"""An address may be forgotten this fraction of its time early."""


class Destinations:
    """Who talks to what. Not thread-safe: the pipeline owns it."""

    def __init__(self, settings: DestinationsSettings) -> None:
        self._workloads = Workloads(settings.pod_cache, settings.node_names)
        self._cluster_addresses = Window(settings.learned_addresses, settings.learned_addresses_ttl)
        self.dns = DnsMemory(settings)
        self._learnt: dict[int, str] = {}
        """Addresses of endpoints, by their serial number, that were learnt a moment ago."""
        self._moment_ns, self._fresh_until_ns = int(settings.learned_addresses_ttl * 1e9) // _MOMENTS, 0
        # By hashes (see `window`): a key of its own would hold names and addresses that nothing else does.
        self._classified: dict[int, Destination] = {}
        self._bound, self._resets = settings.destination_cache, 0
        self.reconfigure(settings)

    def reconfigure(self, settings: DestinationsSettings) -> None:
        """Classify by other settings from now on; what was learnt stays, and so do the sizes of what is remembered."""
        self._classified.clear()
        self._knowledge = Knowledge(
            ClusterNames(settings.cluster_domains, settings.search_suffixes),
            CidrNames(settings.cidr_names),
            Scopes(settings.cluster_cidrs, settings.nat64_prefixes),
        )
        self.resolvers = Resolvers(settings.resolvers)
        self.dns.reconfigure(settings)

    def learn(self, flow: Flow) -> None:
        """Take from a flow, counted or not, what it says about pods, nodes and addresses of the cluster."""
        if flow.node_name not in self._workloads.nodes:
            self._workloads.saw_node(flow.node_name)
        if flow.time_ns > self._fresh_until_ns:
            self._learnt.clear()
            self._fresh_until_ns = flow.time_ns + self._moment_ns
        source, destination = flow.source, flow.destination
        if source.teaches and self._learnt.get(source.serial) != flow.source_ip:
            self._learn(source, "" if _may_be_forged(flow) else flow.source_ip, flow.time_ns)
        if destination.teaches and self._learnt.get(destination.serial) != flow.destination_ip:
            self._learn(destination, flow.destination_ip, flow.time_ns)

    def _learn(self, endpoint: Endpoint, address: str, time_ns: int) -> None:
        if len(self._learnt) >= self._bound:
            self._learnt.clear()
        self._learnt[endpoint.serial] = address
        self._workloads.learn(endpoint)
        if endpoint.in_cluster and address:
            self._cluster_addresses.add(address, time_ns)

    def workload_of(self, endpoint: Endpoint) -> WorkloadName:
        """The workload that an endpoint belongs to, as far as is known."""
        return self._workloads.name_of(endpoint)

    def source_of(self, flow: Flow) -> WorkloadName:
        """The workload that sent the flow; what a resolver asks of others are its clients' queries: `~resolver`."""
        if flow.destination_port in self.resolvers.ports or (flow.l7 and isinstance(flow.l7.record, Dns)):
            return self._asker(flow.source, flow.source_ip)
        return self._workloads.name_of(flow.source)

    def asker_of(self, response: Flow) -> WorkloadName:
        """The workload that a DNS response is for."""
        return self._asker(response.destination, response.destination_ip)

    def _asker(self, endpoint: Endpoint, address: str) -> WorkloadName:
        name = self._workloads.name_of(endpoint)
        if self.resolvers.has(endpoint, address):
            return WorkloadName(name.namespace, RESOLVER)
        return name

    def destination_of(self, flow: Flow, source: WorkloadName) -> Destination:
        """Where the flow goes; scope `cluster_range` when its address is known to be the cluster's own."""
        endpoint, names, asked = flow.destination, flow.destination_names, NOT_ASKED
        if endpoint.is_workload:
            # Pods have many addresses, and are what they are at each of them.
            key = hash((endpoint.serial, self._workloads.name_of(endpoint), _cluster_of_source(flow)))
        else:
            if len(names) != 1 and endpoint.is_world and endpoint.entity is None:
                asked = self.dns.asked(flow)
            key = hash((endpoint.serial, flow.destination_ip, names, source.namespace, asked))
        destination = self._classified.get(key) or self._classify(key, flow, source, asked)
        outside = destination.external and destination.kind is not _ENTITY
        if outside and self._cluster_addresses.has(flow.destination_ip, flow.time_ns):
            return destination._replace(scope=Scope.CLUSTER_RANGE)
        return destination

    def _classify(self, key: int, flow: Flow, source: WorkloadName, asked: Asked) -> Destination:
        if len(self._classified) >= self._bound:
            self._classified.clear()
            self._resets += 1
        endpoint = flow.destination
        contact = Contact(
            endpoint,
            flow.destination_ip,
            flow.destination_names,
            self._workloads.name_of(endpoint),
            source.namespace,
            _cluster_of_source(flow),
            endpoint.cluster,
            asked,
        )
        destination = self._classified[key] = classify(contact, self._knowledge)
        return destination

    def remembered_as(self, flow: Flow, source: WorkloadName, destination: Destination) -> tuple[str, ...]:
        """What a destination is remembered as, the likeliest first; nothing for an address without a name.

        A name by its registered domain: what a company calls its servers is not news. Of an address only a name that
        the operator gave it counts, for what agents put on it changes with policies and releases.
        """
        kind = destination.kind
        if kind is DestinationKind.WORLD:
            return ()
        if kind is DestinationKind.CIDR:
            configured = self._knowledge.cidrs.name_of(self._knowledge.scopes.canonical(flow.destination_ip))
            return (configured,) if configured else ()
        if kind is not DestinationKind.FQDN or not destination.external:
            return (destination.label,)
        if destination.confidence is not NameConfidence.AMBIGUOUS:
            return (registered_domain(destination.label) or destination.label,)
        asked = self.dns.asked(flow)
        bare = (self._knowledge.names.bare(name, source.namespace) for name in flow.destination_names)
        others = (found.name for found in bare if found.name and not found.internal)
        names = (destination.label, *others, *asked.within, *asked.past)
        return tuple(dict.fromkeys(registered_domain(name) or name for name in names))

    @property
    def names(self) -> ClusterNames:
        """How names are read."""
        return self._knowledge.names

    def asked(self, query: str, source: WorkloadName) -> Destination:
        """The destination of a refused DNS query."""
        return asked_name(query, source.namespace, self._knowledge.names)

    def is_expansion(self, query: str, source: WorkloadName, *, fails: bool = False) -> bool:
        """Whether a DNS query is a search-suffix expansion of the name that was meant."""
        return self.dns.is_expansion(query, source, fails=fails)

    def sees_dns_of(self, workload: WorkloadName, time_ns: int) -> bool:
        """Whether we see the workload's DNS at all: "none seen" must not be read as "did none" where this is False."""
        return self.dns.sees(workload, time_ns)

    def take_renamed(self) -> list[Renamed]:
        """Pods whose workload turned out to be another since the last call."""
        renamed, self._workloads.renamed = self._workloads.renamed, []
        return renamed

    def expire(self, now_ns: int) -> None:
        """Forget addresses that were not seen in the cluster for their time, and whose DNS was not seen for its."""
        self.dns.expire(now_ns)
        self._cluster_addresses.expire(now_ns)

    def stats(self) -> dict[str, WindowStats]:
        """Entries, bound and evictions, for the exporter's own metrics."""
        return {
            **self._workloads.stats(),
            **self.dns.stats(),
            "learned_addresses": self._cluster_addresses.stats(),
            "destinations": WindowStats(len(self._classified), self._bound, self._resets),
        }


def _may_be_forged(flow: Flow) -> bool:
    """Whether nobody has checked the sender's address: a pod may write there what it wants to be hidden."""
    kind = flow.kind
    return kind.verdict == _DROPPED or (kind.event_type == _TRACE and kind.sub_type == _FROM_ENDPOINT)


def _cluster_of_source(flow: Flow) -> str:
    # The host has no labels: its node's name says which cluster it is in.
    return flow.source.cluster or flow.node_name.rpartition("/")[0]


def is_unresolved(destination: Destination) -> bool:
    """Whether a world label sits on an address of the cluster: the agent did not know the identity."""
    return destination.external and destination.scope is _CLUSTER_RANGE and destination.kind is not _ENTITY
