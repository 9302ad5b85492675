"""What relay answers about its nodes (cilium pkg/hubble/relay/observer/server.go)."""

from exporter.demo.cluster import RELEASE
from exporter.demo.peers import Peer, Peers
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.pb.relay import relay_pb2

_MOST_NAMES = 10


def server_status(peers: Peers, uptime_ns: int, now_ns: int) -> observer_pb2.ServerStatusResponse:
    """The sums over all nodes that relay reaches, and the names of some that it does not."""
    with peers.changed:
        rings = [peer.ring for peer in peers.connected]
        unavailable = [peer.name for peer in peers.unavailable]
        status = observer_pb2.ServerStatusResponse(
            num_flows=sum(len(ring) for ring in rings),
            max_flows=sum(ring.capacity for ring in rings),
            seen_flows=sum(ring.seen_flows for ring in rings),
            uptime_ns=uptime_ns if rings else 0,
            flows_rate=sum(ring.flows_per_second(now_ns) for ring in rings),
            unavailable_nodes=unavailable[:_MOST_NAMES],
            version=f"hubble-relay v{RELEASE}",
        )
    # Set even when 0: their absence is what an agent would answer.
    status.num_connected_nodes.value = len(rings)
    status.num_unavailable_nodes.value = len(unavailable)
    return status


def nodes(peers: Peers, uptime_ns: int) -> observer_pb2.GetNodesResponse:
    """All nodes; of one that relay does not reach, only how it would."""
    with peers.changed:
        return observer_pb2.GetNodesResponse(nodes=[_node(peer, uptime_ns) for peer in peers.members.values()])


def namespaces(peers: Peers) -> observer_pb2.GetNamespacesResponse:
    """The namespaces in the flows of the nodes that relay reaches; unlike Hubble's, ours are not forgotten."""
    with peers.changed:
        seen = {(peer.cluster, namespace) for peer in peers.connected for namespace in peer.namespaces}
    found = [observer_pb2.Namespace(cluster=cluster, namespace=namespace) for cluster, namespace in sorted(seen)]
    return observer_pb2.GetNamespacesResponse(namespaces=found)


def _node(peer: Peer, uptime_ns: int) -> observer_pb2.Node:
    host = peer.name.rpartition("/")[2].replace(".", "-")
    node = observer_pb2.Node(
        name=peer.name,
        address=peer.address,
        state=relay_pb2.NODE_CONNECTED if peer.connected else relay_pb2.NODE_UNAVAILABLE,
        tls=observer_pb2.TLS(enabled=True, server_name=f"{host}.{peer.cluster}.hubble-grpc.cilium.io"),
    )
    if peer.connected:
        node.version = f"cilium v{RELEASE}"
        node.uptime_ns = uptime_ns
        node.num_flows, node.max_flows = len(peer.ring), peer.ring.capacity
        node.seen_flows = peer.ring.seen_flows
    return node
