"""Thousands of policies as a large cluster has them: one for each workload, some for all, in three kinds."""

from collections.abc import Iterator

_PER_NAMESPACE = 20
_GLOBAL_EVERY = 250

_CILIUM = """\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  endpointSelector: {{matchLabels: {{app.kubernetes.io/name: {name}}}}}
  egress:
    - toEndpoints:
        - matchLabels: {{"k8s:io.kubernetes.pod.namespace": kube-system, k8s-app: kube-dns}}
      toPorts:
        - ports: [{{port: "53", protocol: ANY}}]
          rules: {{dns: [{{matchPattern: "*"}}]}}
    - toFQDNs: [{{matchName: api{number}.service.example}}, {{matchPattern: "*.team{number}.example"}}]
      toPorts: [{{ports: [{{port: "443", protocol: TCP}}]}}]
    - toCIDRSet: [{{cidr: 198.51.100.0/24, except: [198.51.100.128/25]}}]
"""
_KUBERNETES = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  podSelector: {{matchLabels: {{app.kubernetes.io/name: {name}}}}}
  policyTypes: [Egress]
  egress:
    - to:
        - namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: kube-system}}}}
      ports: [{{port: 53, protocol: UDP}}, {{port: 53}}]
    - to: [{{podSelector: {{}}}}]
    - to: [{{ipBlock: {{cidr: 203.0.113.0/24}}}}]
      ports: [{{port: 443}}]
"""
_GLOBAL = """\
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {{name: everyone-{number}}}
spec:
  endpointSelector: {{matchLabels: {{"k8s:tier": tier-{number}}}}}
  egressDeny:
    - toCIDR: [169.254.169.254/32]
  egress:
    - toEntities: [cluster]
"""


def policies(number: int) -> Iterator[str]:
    """So many documents; the namespaces and names are those of the synthetic traffic (`population.py`)."""
    for one in range(number):
        kind = _GLOBAL if one % _GLOBAL_EVERY == 0 else _CILIUM if one % 2 else _KUBERNETES
        yield kind.format(name=f"service-{one:04}", namespace=f"team-{one // _PER_NAMESPACE:03}", number=one)
