"""What the exporter says of the policies that it follows in the cluster."""

from exporter.expectations.kubernetes import LiveCluster
from exporter.expectations.trouble import Trouble
from exporter.metrics import families
from exporter.metrics.families import Family


def cluster_samples(cluster: LiveCluster | None) -> dict[Family, dict[tuple[str, ...], float]]:
    """Nothing when none is followed; else every kind, and every reason why something can end."""
    if cluster is None:
        return {}
    states = {kind.resource: state for kind, state in cluster.states.items()}
    return {
        families.CLUSTER_OBJECTS: {(kind.resource,): cluster.held.count(kind) for kind in cluster.states},
        families.CLUSTER_BROKEN: {(kind.resource,): number for kind, number in cluster.reader.broken.items()},
        families.CLUSTER_DEGRADED: {(name,): float(state.trouble is not None) for name, state in states.items()},
        families.CLUSTER_RESTARTS: {
            (name, why.value): state.ends[why] for name, state in states.items() for why in Trouble
        },
        families.CLUSTER_LIST: {(name,): state.last_list for name, state in states.items()},
        families.CLUSTER_EVENT: {(name,): state.last_event for name, state in states.items()},
    }
