"""Plain manifests of the chart, for those without Helm: what it renders, without what only Helm reads."""

import re
from collections.abc import Mapping
from typing import Any, Final

from deploy.helm import NAMESPACE, render

VALUES: Final[Mapping[str, Any]] = {
    "store": {"pvc": {"keep": False}},
    "monitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "test": {"enabled": False},
}
"""Mode relay as it is by default, with what the Prometheus Operator reads."""
OPERATOR: Final = ("monitor.yaml", "prometheusrule.yaml")
_MADE = "# Made by `make manifests` from deploy/chart; edit that, or put a kustomization of yours above it.\n"
_HELM = re.compile(r"^ *(helm\.sh/|app\.kubernetes\.io/managed-by:|checksum/).*\n", re.MULTILINE)
_NAMESPACE = f"""\
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    app.kubernetes.io/name: hubble-egress-exporter
    pod-security.kubernetes.io/enforce: restricted
"""


def manifests() -> dict[str, str]:
    """The text of each file below deploy/manifests."""
    rendered = {
        path.removeprefix("templates/"): _MADE + _HELM.sub("", text)
        for path, text in render(VALUES).items()
        if path.endswith(".yaml")
    }
    operator = {f"prometheus-operator/{name}": rendered.pop(name) for name in OPERATOR}
    exporter = {"namespace.yaml": _MADE + _NAMESPACE, **rendered}
    return {
        **exporter,
        "kustomization.yaml": kustomization(exporter),
        **operator,
        "prometheus-operator/kustomization.yaml": kustomization(OPERATOR),
    }


def kustomization(files: Mapping[str, str] | tuple[str, ...]) -> str:
    """The file that names the others."""
    lines = "".join(f"  - {name}\n" for name in files)
    return f"{_MADE}apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{lines}"
