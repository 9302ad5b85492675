"""Who takes part in the demo's traffic: a small shop on three nodes, dual stack, and what is outside of it.

Addresses are private inside and from the documentation ranges (RFC 5737, RFC 3849) outside.
"""

from dataclasses import dataclass, replace
from zlib import crc32

from exporter.hubble.pb.flow import flow_pb2

CLUSTER = "demo"
RELEASE = "1.19.4+demo"
"""The release whose behaviour the demo has; the build says that it is none."""
NODE_1, NODE_2, NODE_3 = NODES = tuple(f"{CLUSTER}/node-{number}" for number in (1, 2, 3))
NODE_ADDRESSES = {NODE_1: "192.168.7.21", NODE_2: "192.168.7.22", NODE_3: "192.168.7.23"}
HOST, WORLD_IPV4, WORLD_IPV6, REMOTE_NODE, KUBE_APISERVER = 1, 9, 10, 6, 7
_NODE_LOCAL = 1 << 24


@dataclass(frozen=True, eq=False)
class Party:
    """One end of traffic: its address, the endpoint that its own node reports, and the one that others report.

    `names` are those that the agent's DNS proxy knows for the address.
    """

    address: str
    owned: flow_pb2.Endpoint
    remote: flow_pb2.Endpoint
    node: str = ""
    names: tuple[str, ...] = ()

    def seen_from(self, node: str) -> flow_pb2.Endpoint:
        """What the agent of `node` reports: only the owner gives a pod's id and workload."""
        return self.owned if node == self.node else self.remote

    def at(self, address: str) -> "Party":
        """The same party under another of its addresses."""
        return replace(self, address=address)


def pod(
    name: str,
    workload: str,
    node: str,
    address: str,
    identity: int,
    *,
    namespace: str = "shop",
    kind: str = "Deployment",
) -> Party:
    """A pod on a node."""
    remote = flow_pb2.Endpoint(
        identity=identity,
        namespace=namespace,
        pod_name=name,
        cluster_name=CLUSTER,
        labels=[
            f"k8s:{'k8s-app=kube-dns' if workload == 'coredns' else f'app={workload}'}",
            f"k8s:io.cilium.k8s.policy.cluster={CLUSTER}",
            f"k8s:io.kubernetes.pod.namespace={namespace}",
        ],
    )
    owned = flow_pb2.Endpoint()
    owned.CopyFrom(remote)
    owned.ID = int(address.rpartition(".")[2]) + 1000
    owned.workloads.add(name=workload, kind=kind)
    return Party(address, owned, remote, node)


def outside(address: str, *names: str, labels: tuple[str, ...] = ()) -> Party:
    """Something in the world; policies that name it give it labels and an identity of its own, local to the node."""
    ipv6 = ":" in address
    world = "reserved:world-ipv6" if ipv6 else "reserved:world-ipv4"
    number = WORLD_IPV6 if ipv6 else WORLD_IPV4
    if labels:
        number = _NODE_LOCAL + crc32("".join((*labels, world)).encode()) % 65536
    endpoint = flow_pb2.Endpoint(identity=number, labels=[*labels, world])
    return Party(address, endpoint, endpoint, "", names)


def named(address: str, name: str) -> Party:
    """A host in the world that a policy allows by its name."""
    return outside(address, name, labels=(f"fqdn:{name}",))


def _reserved(name: str, identity: int, address: str, node: str = "") -> Party:
    endpoint = flow_pb2.Endpoint(identity=identity, labels=[f"reserved:{name}"], cluster_name=CLUSTER)
    return Party(address, endpoint, endpoint, node)


FRONTEND_A = pod("frontend-6b746f74dc-9rcxx", "frontend", NODE_1, "10.0.1.11", 21001)
FRONTEND_B = pod("frontend-6b746f74dc-xw4lq", "frontend", NODE_2, "10.0.2.11", 21001)
CHECKOUT = pod("checkout-7c9d5f6b8-x2x7q", "checkout", NODE_1, "10.0.1.12", 21002)
CATALOG = pod("catalog-5d4f8c9b7f-k8s2z", "catalog", NODE_2, "10.0.2.13", 21003)
DB_0 = pod("db-0", "db", NODE_2, "10.0.2.14", 21004, kind="StatefulSet")
DB_1 = pod("db-1", "db", NODE_3, "10.0.3.14", 21004, kind="StatefulSet")
CART = pod("cart-66f9c5d4b9-7tq5n", "cart", NODE_3, "10.0.3.15", 21006)
SEARCH = pod("search-8585c9d77b-zl2m4", "search", NODE_2, "10.0.2.16", 21007)
RECOMMENDER = pod("recommender-9f8d7c6b5-hh4kd", "recommender", NODE_1, "10.0.1.17", 21008)
MAILER = pod("mailer-5b6c7d8f9-vt9bn", "mailer", NODE_3, "10.0.3.18", 21009)
INVOICE = pod("invoice-7d9f8b6c5-qk2pw", "invoice", NODE_2, "10.0.2.19", 21010)
WISHLIST = pod("wishlist-6c5d4f9b8-m7xjr", "wishlist", NODE_3, "10.0.3.20", 21011)
CI_RUNNER = pod("ci-runner-54f7d8c9b6-p2rzt", "ci-runner", NODE_2, "10.0.2.30", 21020, namespace="ops")
BACKUP = pod("backup-0", "backup", NODE_3, "10.0.3.31", 21021, namespace="ops", kind="StatefulSet")
PROMETHEUS = pod("prometheus-0", "prometheus", NODE_3, "10.0.3.40", 21030, namespace="monitoring", kind="StatefulSet")
COREDNS = pod("coredns-76f75df574-8xk2p", "coredns", NODE_2, "10.0.2.53", 20053, namespace="kube-system")
HOSTS = {node: _reserved("host", HOST, address, node) for node, address in NODE_ADDRESSES.items()}
REMOTE_NODES = {node: _reserved("remote-node", REMOTE_NODE, address) for node, address in NODE_ADDRESSES.items()}
API_SERVER = _reserved("kube-apiserver", KUBE_APISERVER, "192.168.7.20")
CART_IPV6 = CART.at("fd00:10:3::f")


def report(number: int) -> Party:
    """The pod of one run of the CronJob: each has a name of its own."""
    name, address = f"report-{29460000 + number}-w4k9z", f"10.0.1.{60 + number // 15 % 100}"
    return pod(name, "report", NODE_1, address, 21005, kind="CronJob")
