"""Installations that together use every value, and another one for each that cannot be just anything."""

from collections.abc import Mapping
from typing import Any

from tests.chart.matrix import merged

_ALL: dict[str, Any] = {
    "monitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "dashboards": {"enabled": True},
    "expectations": {"files": {"a.yaml": ""}, "configMaps": ["more"], "kubernetes": {"enabled": True}},
    "webhook": {"url": "https://hook.example/", "secretName": "hook", "caSecretName": "hook-ca"},
    "web": {"configSecretName": "web"},
    "networkPolicy": {
        "nodeCidrs": ["192.0.2.0/24"],
        "kubeApiServer": {"cidrs": ["192.0.2.1/32"]},
        "webhook": {"podLabels": {"app": "hook"}},
        "valkey": {"podLabels": {"app": "valkey"}},
    },
}
"""Everything turned on."""
_CILIUM = {"networkPolicy": {"flavor": "cilium"}}
_VALKEY = {
    "store": {
        "type": "valkey",
        "valkey": {"address": "valkey:6379", "password": {"secretName": "valkey"}},
    }
}
_SECRET = {"hubble": {"tls": {"mode": "existingSecret", "existingSecret": {"name": "certs"}}}}
_CERT_MANAGER = {"hubble": {"tls": {"mode": "certManager", "certManager": {"issuerRef": {"name": "hubble"}}}}}
INSTALLATIONS: tuple[Mapping[str, Any], ...] = (
    merged(_ALL, {"hubble": {"tls": {"mode": "hubble"}}}),
    merged(_ALL, _CILIUM, _SECRET),
    merged(_ALL, _CERT_MANAGER),
    merged(_ALL, {"hubble": {"tls": {"mode": "hubble", "ca": {"configMap": "ca"}}}}),
    merged(_ALL, _VALKEY, {"store": {"valkey": {"tls": {"enabled": True, "caSecretName": "ca"}}}}),
    merged(_ALL, _VALKEY, _CILIUM),
    merged(_ALL, {"store": {"type": "emptyDir"}}),
    merged(_ALL, {"mode": "node"}),
    merged(_ALL, {"mode": "node", "networkPolicy": {"flavor": "kubernetes"}}),
    {"mode": "node", "hubble": {"node": {"transport": "socket"}}},
)
EVERYTHING: Mapping[str, Any] = merged(
    _ALL,
    _VALKEY,
    _CILIUM,
    _CERT_MANAGER,
    {"networkPolicy": {"webhook": {"cidrs": ["192.0.2.2/32"]}, "valkey": {"cidrs": ["192.0.2.3/32"]}}},
)
"""All turned on at once; where something must be given it is given twice, so that each of the two may be blank."""
CHOSEN: dict[str, Any] = {
    "mode": "node",
    "hubble.address": "relay.example:443",
    "hubble.node.transport": "socket",
    "hubble.node.ipFamily": "ipv6",
    "hubble.node.socket.directory": "/run/other",
    "hubble.tls.mode": "disabled",
    "hubble.tls.certManager.issuerRef.kind": "Issuer",
    "hubble.tls.certManager.duration": "24h",
    "hubble.tls.certManager.renewBefore": "24h",
    "image.digest": f"sha256:{'0' * 64}",
    "image.pullPolicy": "Always",
    "store.type": "emptyDir",
    "store.pvc.accessMode": "ReadWriteOncePod",
    "store.valkey.address": "other:1",
    "webhook.url": "https://other.example",
    "service.type": "NodePort",
    "monitor.scheme": "https",
    "monitor.interval": "17s",
    "monitor.scrapeTimeout": "3s",
    "prometheusRule.grafanaUrl": "https://grafana.example",
    "prometheusRule.thresholds.usual_quantile": 0.125,
    "prometheusRule.runbookBaseUrl": "https://wiki.example",
    "prometheusRule.disabledAlerts": ["HubbleEgressFanOut"],
    "networkPolicy.flavor": "cilium",
    "networkPolicy.dns.ports": [5353],
    "networkPolicy.dns.resolvers": [{"namespace": "other"}],
    "networkPolicy.scrapers": [{"namespace": "other"}],
    "networkPolicy.kubeApiServer.ports": [1234],
    "networkPolicy.valkey.names": ["valkey.example"],
    "networkPolicy.webhook.names": ["hook.example"],
    "expectations.files": {"other.yaml": ""},
    "expectations.configMaps": ["other"],
    "config": {"log": {"level": "debug"}},
    "extraArgs": ["--log.level=debug"],
    "tolerations": [{"operator": "Exists", "key": "other"}],
    "maxUnavailable": "17%",
    "resources": {"requests": {"cpu": "3"}},
    "extraObjects": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other"}}],
    "livenessProbe": {"periodSeconds": 77},
    "readinessProbe": {"periodSeconds": 77},
    "startupProbe": {"periodSeconds": 77},
}
"""What a value of this kind may be; others get another number, text, map or list."""
