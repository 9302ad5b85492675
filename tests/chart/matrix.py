"""All combinations of mode, TLS, store and kind of policy, as values of the chart."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from itertools import product
from typing import Any

Values = Mapping[str, Any]

MODES: dict[str, Values] = {
    "relay": {},
    "node": {"mode": "node"},
    "socket": {"mode": "node", "hubble": {"node": {"transport": "socket"}}},
}
TLS: dict[str, Values] = {
    "default": {},
    "plain": {"hubble": {"tls": {"mode": "disabled"}}},
    "secret": {"hubble": {"tls": {"mode": "existingSecret", "existingSecret": {"name": "certs", "caKey": "ca.pem"}}}},
    "server-only": {
        "hubble": {
            "tls": {
                "mode": "existingSecret",
                "clientCertificate": False,
                "existingSecret": {"name": "certs"},
                "ca": {"configMap": "hubble-ca"},
            }
        }
    },
    "hubble": {"hubble": {"tls": {"mode": "hubble", "serverName": "relay.example"}}},
    "cert-manager": {"hubble": {"tls": {"mode": "certManager", "certManager": {"issuerRef": {"name": "hubble"}}}}},
}
_PEER = {"networkPolicy": {"valkey": {"namespace": "data", "podLabels": {"app": "valkey"}}}}
STORES: dict[str, Values] = {
    "default": {},
    "pvc": {"store": {"type": "pvc"}},
    "empty-dir": {"store": {"type": "emptyDir"}},
    "valkey": {"store": {"type": "valkey", "valkey": {"address": "valkey.data.svc.cluster.local:6379"}}, **_PEER},
    "valkey-tls": {
        "store": {
            "type": "valkey",
            "valkey": {
                "address": "valkey.data.svc.cluster.local:6379",
                "user": "egress",
                "prefix": "east:",
                "password": {"secretName": "valkey"},
                "tls": {"enabled": True, "caSecretName": "valkey-ca"},
            },
        },
        **_PEER,
    },
}
POLICIES: dict[str, Values] = {
    "auto": {},
    "cilium": {"networkPolicy": {"flavor": "cilium"}},
    "kubernetes": {"networkPolicy": {"flavor": "kubernetes", "nodeCidrs": ["192.168.7.0/24"]}},
}
_SOCKET_HAS_NO_TLS = {"secret", "server-only", "hubble", "cert-manager"}


def merged(*parts: Values) -> dict[str, Any]:
    """Maps into each other; the later one wins."""
    result: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
            result[key] = merged(result[key], value) if both else deepcopy(value)
    return result


def combinations() -> Iterator[tuple[str, bool, dict[str, Any]]]:
    """Each with its name, and whether the schema must allow it."""
    for mode, tls, store, policy in product(MODES, TLS, STORES, POLICIES):
        two_writers = mode != "relay" and store == "pvc"
        no_tls = mode == "socket" and tls in _SOCKET_HAS_NO_TLS
        values = merged(MODES[mode], TLS[tls], STORES[store], POLICIES[policy])
        yield f"{mode}/{tls}/{store}/{policy}", not (two_writers or no_tls), values


def allowed() -> dict[str, dict[str, Any]]:
    """Those that can be installed."""
    return {name: values for name, is_allowed, values in combinations() if is_allowed}


def refused() -> dict[str, dict[str, Any]]:
    """Those that cannot."""
    return {name: values for name, is_allowed, values in combinations() if not is_allowed}
