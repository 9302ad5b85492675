"""Settings of the classification of destinations and of workload names."""

from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from exporter.destinations.cidrs import CidrNames, network
from exporter.duration import Duration


def _prefix(text: str) -> str:
    network(text)
    return text


def _cidr_names(names: dict[str, str]) -> dict[str, str]:
    CidrNames(names)
    return names


def _address(text: str) -> str:
    try:
        ip_address(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no IP address") from error
    return text


Prefix = Annotated[str, AfterValidator(_prefix)]
Address = Annotated[str, AfterValidator(_address)]
Port = Annotated[int, Field(ge=1, le=65535)]


class ResolverSettings(BaseModel):
    """What the cluster's DNS is. Its own queries are counted under the workload `~resolver`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: tuple[str, ...] = Field(
        default=(
            "k8s:k8s-app=kube-dns",
            "k8s:k8s-app=coredns",
            "k8s:k8s-app=node-local-dns",
            "k8s:app.kubernetes.io/name=coredns",
            "k8s:dns.operator.openshift.io/daemonset-dns=default",
        ),
        description="An endpoint with one of these labels is a resolver.",
    )
    addresses: tuple[Address, ...] = Field(
        default=("169.254.20.10",), description="Addresses of resolvers that are no pods, such as node-local-dns."
    )
    ports: tuple[Port, ...] = Field(default=(53, 5353), description="Ports on which resolvers are asked.")
    doh: tuple[str, ...] = Field(
        default=(
            # Names and addresses as their operators publish them for DNS over HTTPS.
            *("dns.google", "8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844"),
            *("cloudflare-dns.com", "one.one.one.one", "1.1.1.1", "1.0.0.1"),
            *(
                "2606:4700:4700::1111",
                "2606:4700:4700::1001",
                "chrome.cloudflare-dns.com",
                "mozilla.cloudflare-dns.com",
            ),
            *("dns.quad9.net", "9.9.9.9", "149.112.112.112", "2620:fe::fe", "2620:fe::9"),
            *("doh.opendns.com", "208.67.222.222", "208.67.220.220", "dns.nextdns.io", "doh.cleanbrowsing.org"),
            *("dns.adguard-dns.com", "94.140.14.14", "94.140.15.15", "doh.mullvad.net", "dns.mullvad.net"),
        ),
        description="Names and addresses of resolvers outside that speak DNS over HTTPS; connections to their port 443 "
        "are counted in `dns_bypass`.",
    )


class DestinationsSettings(BaseModel):
    """How a destination gets its kind, name and scope."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cluster_domains: tuple[str, ...] = Field(
        default=("cluster.local", "clusterset.local"), description="DNS domains of the cluster, stripped from names."
    )
    search_suffixes: tuple[str, ...] = Field(
        default=(), description="Further search suffixes of the pods' resolv.conf, stripped from names."
    )
    cluster_cidrs: tuple[Prefix, ...] = Field(
        default=(), description="Pod, service and node ranges of the cluster: scope `cluster_range`."
    )
    nat64_prefixes: tuple[Prefix, ...] = Field(
        default=(), description="NAT64 prefixes beside 64:ff9b::/96; their addresses are judged by the embedded IPv4."
    )
    cidr_names: Annotated[dict[str, str], AfterValidator(_cidr_names)] = Field(
        default={}, description="Names for address ranges, as `prefix: name`; the longest prefix wins."
    )
    learned_addresses: int = Field(
        default=50_000, ge=1, description="Single addresses (entries, about 200 B each) remembered as in the cluster."
    )
    learned_addresses_ttl: Duration = Field(
        default=900.0, gt=0, description="How long an address counts as in the cluster after it was last seen so."
    )
    pod_cache: int = Field(
        default=50_000, ge=1, description="Pods (entries, about 1.2 KiB each) whose workload is remembered."
    )
    node_names: int = Field(
        default=10_000, ge=1, description="Nodes (entries, about 150 B each) whose name is known as a suffix of pods."
    )
    destination_cache: int = Field(
        default=25_000,
        ge=1,
        description="Distinct destinations (entries, about 300 B each) whose class is remembered.",
    )
    dns_answers: int = Field(
        default=20_000,
        ge=1,
        description="Pairs of a pod and an address (entries, about 600 B each) whose names from DNS answers are "
        "remembered.",
    )
    dns_workloads: int = Field(
        default=10_000, ge=1, description="Workloads (entries, about 300 B each) known to have DNS that we see."
    )
    dns_workloads_ttl: Duration = Field(
        default=86_400.0, gt=0, description="How long we count as seeing a workload's DNS after its last record."
    )
    resolvers: ResolverSettings = Field(default=ResolverSettings(), description="What the cluster's DNS is.")
