"""Values that cannot work, each with what the refusal says."""

from typing import Any, Final

from tests.chart.matrix import merged

_VALKEY = {"store": {"type": "valkey", "valkey": {"address": "valkey:6379"}}}
REFUSED: Final[list[tuple[dict[str, Any], str]]] = [
    ({"replicas": 2}, "'/replicas': value must be 1"),
    ({"replicas": 0}, "'/replicas'"),
    ({"mode": "both"}, "'/mode'"),
    # What is left blank takes the default away.
    ({"mode": None}, "missing property 'mode'"),
    ({"image": None}, "missing property 'image'"),
    ({"networkPolicy": {"dns": None}}, "'/networkPolicy': missing property 'dns'"),
    ({"image": {"tag": "latest"}}, "image.tag is latest"),
    ({"image": {"digest": "sha256:1"}}, "'/image/digest'"),
    ({"hubble": {"tls": {"mode": False}}}, "'/hubble/tls/mode'"),
    ({"hubble": {"tls": {"mode": "existingSecret"}}}, "'/hubble/tls/existingSecret/name'"),
    ({"hubble": {"tls": {"mode": "certManager"}}}, "issuerRef/name'"),
    ({"hubble": {"tls": {"serverName": "relay.example"}}}, "hubble.tls.mode is disabled"),
    ({"hubble": {"address": "hubble-relay"}}, "'/hubble/address'"),
    ({"mode": "node", "hubble": {"address": "relay:80"}}, "'/hubble/address'"),
    ({"hubble": {"node": {"transport": "socket"}}}, "'/hubble/node/transport'"),
    ({"mode": "node", "store": {"type": "pvc"}}, "'/store/type': value must be one of 'auto', 'emptyDir', 'valkey'"),
    ({"store": {"type": "emptyDir", "pvc": {"existingClaim": "mine"}}}, "'/store/type'"),
    ({"store": {"type": "emptyDir", "valkey": {"address": "valkey:6379"}}}, "'/store/type'"),
    ({"store": {"type": "valkey"}}, "'/store/valkey/address'"),
    ({"store": {"pvc": {"accessMode": "ReadWriteMany"}}}, "'/store/pvc/accessMode'"),
    ({"config": {"hubble": {"address": "relay:80"}}}, "config.hubble.address"),
    ({"mode": "node", "config": {"hubble": {"address": "relay:80"}}}, "config.hubble.address"),
    ({"config": {"known": {"store": "memory"}, "web": {"listen-address": ":1"}}}, "known.store config.web.listen"),
    *(
        ({"config": {"destinations": wrong}}, "'/config/destinations': got")
        for wrong in ("10.0.0.0/8", ["10.0.0.0/8"], 10, True)
    ),
    ({"expectations": {"files": {"shop.txt": ""}}}, "'/expectations/files'"),
    ({"webhook": {"url": "hook.example"}}, "'/webhook/url'"),
    ({"monitor": {"scheme": "https"}}, "'/web/configSecretName'"),
    ({"monitor": {"relabelings": [{"targetLabel": "node"}]}}, "targetLabel'"),
    ({"monitor": {"interval": "thirty"}}, "'/monitor/interval'"),
    (
        {"monitor": {"enabled": True, "interval": "2m"}, "prometheusRule": {"enabled": True}},
        "monitor.interval is 2m",
    ),
    *(
        (
            {"monitor": {"enabled": True, "interval": interval}, "prometheusRule": {"enabled": True}},
            f"monitor.interval is {interval}, and the rules need 1m or less",
        )
        for interval in ("61s", "60001ms", "600000ms", "1m1ms", "1h", "1d", "1w", "0s", "0ms", f"30s{10**30}ms")
    ),
    ({"prometheusRule": {"alertLabels": {"severity": "info"}}}, "'/prometheusRule/alertLabels'"),
    ({"prometheusRule": {"thresholds": {"fanout": "100"}}}, "'/prometheusRule/thresholds/fanout'"),
    ({"prometheusRule": {"thresholds": {"usual_quantile": 1.5}}}, "'/prometheusRule/thresholds/usual_quantile'"),
    ({"prometheusRule": {"thresholds": {"started_seconds": 600}}}, "'/prometheusRule/thresholds/started_seconds'"),
    ({"networkPolicy": {"nodeCidrs": ["0.0.0.0/0"]}}, "'/networkPolicy/nodeCidrs/0'"),
    ({"networkPolicy": {"dns": {"cidrs": ["192.0.2.1/0"]}}}, "'/networkPolicy/dns/cidrs/0'"),
    ({"networkPolicy": {"dns": {"cidrs": ["0::/00"]}}}, "'/networkPolicy/dns/cidrs/0'"),
    ({"networkPolicy": {"dns": {"cidrs": ["192.0.2.0/33"]}}}, "'/networkPolicy/dns/cidrs/0'"),
    ({"commonLabels": {"app.kubernetes.io/instance": "x"}}, "invalid propertyName 'app.kubernetes.io/instance'"),
    ({"podLabels": {"app.kubernetes.io/component": "x"}}, "invalid propertyName 'app.kubernetes.io/component'"),
    ({"nameOverride": "My_Name"}, "'/nameOverride'"),
    ({"mode": "node", "maxUnavailable": "0%"}, "'/maxUnavailable'"),
    ({"hubble": {"tls": {"certManager": {"duration": "90d"}}}}, "'/hubble/tls/certManager/duration'"),
    ({"hubble": {"tls": {"existingSecret": {"name": "certs"}}}}, "existingSecret.name is given"),
    ({"hubble": {"tls": {"certManager": {"issuerRef": {"name": "hubble"}}}}}, "issuerRef.name is given"),
    ({"hubble": {"tls": {"ca": {"configMap": "ca"}}}}, "hubble.tls.ca.configMap is given"),
    ({"store": {"valkey": {"password": {"secretName": "x"}}}}, "store.valkey is given, and store.type is pvc"),
    (merged(_VALKEY, {"store": {"valkey": {"tls": {"caSecretName": "x"}}}}), "store.valkey.tls.enabled is false"),
    ({"webhook": {"secretName": "x"}}, "webhook.url is not"),
    ({"prometheusRule": {"disabledAlerts": ["HubbleEgressFanout"]}}, "there is no alert HubbleEgressFanout"),
    (
        {
            "serviceAccount": {"create": False},
            "expectations": {"kubernetes": {"enabled": True}},
            "networkPolicy": {"flavor": "cilium"},
        },
        "set serviceAccount.name",
    ),
    ({"expectations": {"configMaps": ["files"]}}, "'/expectations/configMaps/0'"),
    (_VALKEY, "networkPolicy.valkey.podLabels"),
    ({"webhook": {"url": "https://hook.example"}}, "networkPolicy.webhook.podLabels"),
    (merged(_VALKEY, {"networkPolicy": {"valkey": {"names": ["valkey.example"]}}}), "only networkPolicy.flavor cilium"),
    ({"expectations": {"kubernetes": {"enabled": True}}}, "networkPolicy.kubeApiServer.cidrs"),
    ({"mode": "node", "networkPolicy": {"flavor": "kubernetes"}}, "networkPolicy.nodeCidrs"),
    (
        {
            "webhook": {"url": "https://hook.example:8443/x"},
            "networkPolicy": {"flavor": "cilium", "webhook": {"names": ["hook.example"]}},
        },
        "webhook.url has port 8443, and the network policy allows 443",
    ),
    (
        {
            "webhook": {"url": "http://hook.example/x"},
            "networkPolicy": {"flavor": "cilium", "webhook": {"names": ["hook.example"]}},
        },
        "webhook.url has port 80, and the network policy allows 443",
    ),
    (
        merged(
            {"store": {"type": "valkey", "valkey": {"address": "valkey.example:6380"}}},
            {"networkPolicy": {"flavor": "cilium", "valkey": {"names": ["valkey.example"]}}},
        ),
        "store.valkey.address has port 6380, and the network policy allows 6379",
    ),
    (
        merged(
            {"store": {"type": "valkey", "valkey": {"address": "Valkey.Example:6380"}}},
            {"networkPolicy": {"flavor": "cilium", "valkey": {"names": ["valkey.example"]}}},
        ),
        "store.valkey.address has port 6380, and the network policy allows 6379",
    ),
    (
        {
            "webhook": {"url": "https://hook.example:8443/x"},
            "networkPolicy": {"flavor": "cilium", "webhook": {"names": ["other.example", "Hook.Example"]}},
        },
        "webhook.url has port 8443, and the network policy allows 443",
    ),
    ({"extraArgs": ["log.level=debug"]}, "'/extraArgs/0'"),
    ({"livenessProbe": {"httpGet": {}}}, "'/livenessProbe'"),
    ({"terminationGracePeriodSeconds": 5}, "'/terminationGracePeriodSeconds'"),
]
