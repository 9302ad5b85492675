"""The demo's cluster: a small shop on two nodes, as the endpoints that Hubble would report."""

from exporter.hubble.pb.flow import flow_pb2

CLUSTER = "demo"
NODES = (f"{CLUSTER}/node-1", f"{CLUSTER}/node-2")


def pod(
    name: str,
    *,
    namespace: str = "shop",
    workload: str = "",
    kind: str = "Deployment",
    identity: int,
    local: bool = True,
) -> flow_pb2.Endpoint:
    """A pod; only the node that owns it gives its id and workload."""
    endpoint = flow_pb2.Endpoint(
        identity=identity,
        namespace=namespace,
        pod_name=name,
        cluster_name=CLUSTER,
        labels=[
            f"k8s:app={workload or name}",
            f"k8s:io.cilium.k8s.policy.cluster={CLUSTER}",
            f"k8s:io.kubernetes.pod.namespace={namespace}",
        ],
    )
    if local:
        endpoint.ID = identity % 4096
        endpoint.workloads.add(name=workload or name, kind=kind)
    return endpoint


def world(*labels: str, identity: int = 2) -> flow_pb2.Endpoint:
    """Something outside, with the labels that policies gave it."""
    return flow_pb2.Endpoint(identity=identity, labels=[*labels, "reserved:world"])


def reserved(name: str, identity: int) -> flow_pb2.Endpoint:
    """An entity of Cilium's."""
    return flow_pb2.Endpoint(identity=identity, labels=[f"reserved:{name}"], cluster_name=CLUSTER)


FRONTEND = pod("frontend-6b746f74dc-9rcxx", workload="frontend", identity=21001)
CHECKOUT = pod("checkout-7c9d5f6b8-x2x7q", workload="checkout", identity=21002)
CATALOG = pod("catalog-5d4f8c9b7f-k8s2z", workload="catalog", identity=21003)
CATALOG_REMOTE = pod("catalog-5d4f8c9b7f-k8s2z", workload="catalog", identity=21003, local=False)
DATABASE = pod("db-0", workload="db", kind="StatefulSet", identity=21004)
DATABASE_REMOTE = pod("db-0", workload="db", identity=21004, local=False)
REPORT = pod("report-28391234-w4k9z", workload="report", kind="CronJob", identity=21005)
KUBE_DNS = flow_pb2.Endpoint(
    identity=20053,
    namespace="kube-system",
    pod_name="coredns-76f75df574-8xk2p",
    cluster_name=CLUSTER,
    labels=["k8s:io.kubernetes.pod.namespace=kube-system", "k8s:k8s-app=kube-dns"],
)
HOST = reserved("host", 1)
API_SERVER = reserved("kube-apiserver", 7)

ADDRESSES = {
    FRONTEND.pod_name: "10.0.1.11",
    CHECKOUT.pod_name: "10.0.1.12",
    CATALOG.pod_name: "10.0.2.13",
    DATABASE.pod_name: "10.0.2.14",
    REPORT.pod_name: "10.0.1.15",
    KUBE_DNS.pod_name: "10.0.2.53",
}
HOST_ADDRESS = "192.168.7.21"
API_SERVER_ADDRESS = "192.168.7.20"
"""Addresses of what is no pod."""
