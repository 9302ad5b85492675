"""How far away an external address is: "world" is not the Internet."""

from collections.abc import Sequence
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from exporter.destinations.cidrs import network, parsed


class Scope(StrEnum):
    """What kind of place an address is; `cluster` is for destinations with an in-cluster identity."""

    PUBLIC = "public"
    PRIVATE = "private"
    METADATA = "metadata"
    LINK_LOCAL = "link_local"
    MULTICAST = "multicast"
    CLUSTER_RANGE = "cluster_range"
    CLUSTER = "cluster"

    # Keys of every count: the enum's own hash is written in Python.
    __hash__ = str.__hash__


# Where clouds hand out instance data and credentials. Their DNS and time servers (169.254.169.253, 169.254.169.123,
# fd00:ec2::253) hand out neither and are not here.
_METADATA = frozenset(
    (ip.version, int(ip))
    for ip in map(
        ip_address,
        (
            "169.254.169.254",  # AWS, Azure, Google, Oracle, OpenStack, DigitalOcean, Hetzner, IBM, Akamai: their docs
            "fd00:ec2::254",  # AWS over IPv6: EC2 user guide, "Access instance metadata"
            "169.254.170.2",  # AWS ECS task credentials: ECS developer guide, "Task IAM role"
            "169.254.170.23",  # AWS EKS Pod Identity agent: EKS user guide, "Set up the Amazon EKS Pod Identity Agent"
            "fd00:ec2::23",  # the same over IPv6
            "169.254.169.252",  # GKE metadata server, to which the node rewrites .254: GKE "Workload Identity" page
            "fd20:ce::254",  # Google over IPv6: Compute Engine, "About VM metadata"
            "168.63.129.16",  # Azure wire server (goal state, extensions' secrets; also DNS): "What is 168.63.129.16?"
            "fd00:c1::a9fe:a9fe",  # Oracle over IPv6: endpoint of the OCI SDKs' instance principals
            "192.0.0.192",  # Oracle Compute Classic: its user guide, "Retrieving Instance Metadata"
            "fe80::a9fe:a9fe",  # OpenStack over IPv6: Nova admin guide, "Metadata service"
            "100.100.100.200",  # Alibaba: ECS user guide, "Instance metadata"
            "fd00:100::100:200",  # the same over IPv6: cloud-init's Aliyun data source
            "169.254.0.23",  # Tencent (metadata.tencentyun.com): CVM guide, "Viewing instance metadata"
            "169.254.42.42",  # Scaleway: cloud-init's Scaleway data source
            "fd00:42::42",  # the same over IPv6
            "fd00:a9fe:a9fe::1",  # Akamai (Linode) over IPv6: cloud-init's Akamai data source
        ),
    )
)

_RANGES = (
    ("169.254.0.0/16", Scope.LINK_LOCAL),  # RFC 3927
    ("fe80::/10", Scope.LINK_LOCAL),  # RFC 4291
    ("255.255.255.255/32", Scope.LINK_LOCAL),  # RFC 919: routers never forward the limited broadcast
    ("224.0.0.0/4", Scope.MULTICAST),  # RFC 5771
    ("ff00::/8", Scope.MULTICAST),  # RFC 4291
    ("10.0.0.0/8", Scope.PRIVATE),  # RFC 1918
    ("172.16.0.0/12", Scope.PRIVATE),
    ("192.168.0.0/16", Scope.PRIVATE),
    ("100.64.0.0/10", Scope.PRIVATE),  # RFC 6598: shared address space behind carrier NAT
    ("fc00::/7", Scope.PRIVATE),  # RFC 4193
)

# v4-mapped (RFC 4291) and the well-known NAT64 prefix (RFC 6052): both have the IPv4 address in the last 32 bits.
_ALWAYS_EMBEDDING = ("::ffff:0:0/96", "64:ff9b::/96")
_NAT64_LENGTHS = (32, 40, 48, 56, 64, 96)
_RESERVED_OCTET = 64


class Scopes:
    """Scopes of external addresses in this cluster.

    `cluster_cidrs` are the pod, service and node ranges, `nat64_prefixes` come in addition to 64:ff9b::/96.

    Raises:
        ValueError: a prefix is bad, or has a length that RFC 6052 does not know; the message has it.
    """

    def __init__(self, cluster_cidrs: Sequence[str] = (), nat64_prefixes: Sequence[str] = ()) -> None:
        ordered = (*((prefix, Scope.CLUSTER_RANGE) for prefix in cluster_cidrs), *_RANGES)
        # version -> first, last, scope: comparing numbers takes a tenth of asking `ip in network`.
        self._ranges: dict[int, list[tuple[int, int, Scope]]] = {4: [], 6: []}
        for net, scope in ((network(prefix), scope) for prefix, scope in ordered):
            self._ranges[net.version].append((int(net.network_address), int(net.broadcast_address), scope))
        self._embedding = tuple(_embedding(prefix) for prefix in (*_ALWAYS_EMBEDDING, *nat64_prefixes))

    def of(self, address: str) -> Scope:
        """Scope of an external address, never `cluster`; what is no address is public, the scope that alerts."""
        ip = self._judged(address)
        if ip is None:
            return Scope.PUBLIC
        number = int(ip)
        if (ip.version, number) in _METADATA:
            return Scope.METADATA
        for first, last, scope in self._ranges[ip.version]:
            if first <= number <= last:
                return scope
        return Scope.PUBLIC

    def reaches_inside(self, version: int, first: int, last: int) -> bool:
        """Whether one of these addresses may belong to the cluster: it is private, or in a range of the cluster."""
        inside = (Scope.PRIVATE, Scope.CLUSTER_RANGE)
        return any(begin <= last and first <= end for begin, end, scope in self._ranges[version] if scope in inside)

    def canonical(self, address: str) -> str:
        """One spelling per destination: no zone, shortest IPv6, and the IPv4 where one is embedded.

        What is no address comes back as it is.
        """
        ip = self._judged(address)
        return address if ip is None else str(ip)

    def _judged(self, address: str) -> IPv4Address | IPv6Address | None:
        ip = parsed(address)
        if isinstance(ip, IPv6Address):
            for prefix in self._embedding:
                if ip in prefix:
                    return _embedded(ip, prefix.prefixlen)
        return ip


def _embedding(prefix: str) -> IPv6Network:
    net = network(prefix)
    if not isinstance(net, IPv6Network) or net.prefixlen not in _NAT64_LENGTHS:
        raise ValueError(f"bad NAT64 prefix {prefix!r}: want IPv6 and a length of {_NAT64_LENGTHS} (RFC 6052)")
    return net


def _embedded(ip: IPv6Address, prefix_length: int) -> IPv4Address:
    """The 32 bits right of the prefix, which step over the reserved octet, bits 64 to 71 (RFC 6052 section 2.2)."""
    bits, width = int(ip), 128
    if prefix_length <= _RESERVED_OCTET:
        bits, width = ((bits >> 64) << 56) | (bits & ((1 << 56) - 1)), 120
    return IPv4Address((bits >> (width - prefix_length - 32)) & 0xFFFFFFFF)
