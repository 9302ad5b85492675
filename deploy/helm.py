"""The real Helm, as a library: its calls in one place, for they are not promised to stay."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import helm_python
from helm_python import _native

CHART: Final = Path(__file__).resolve().parent / "chart"
RELEASE: Final = "hubble-egress-exporter"
NAMESPACE: Final = "hubble-egress"
Refused = (helm_python.HelmValuesError, helm_python.HelmRenderError)
"""What Helm raises when the schema or a template refuses values."""


def in_words(refusal: Exception) -> bool:
    """Whether the schema or the chart's own `fail` refused, and not the templates' language itself."""
    return isinstance(refusal, helm_python.HelmValuesError) or "execution error at" in str(refusal)


@cache
def _chart() -> helm_python.Chart:
    return helm_python.Chart.load(str(CHART))


def render(
    values: Mapping[str, Any] | None = None, *, name: str = RELEASE, kube_version: str = "v1.30.0"
) -> dict[str, str]:
    """The text of each template that gives one, by its path below the chart; the notes are among them."""
    options = {"name": name, "namespace": NAMESPACE, "kube_version": kube_version}
    # `Chart.render` cannot say the version of Kubernetes; the library can.
    answer = _native.call_string("helm_render", _chart()._raw(), json.dumps(values or {}), json.dumps(options))  # noqa: SLF001
    texts: dict[str, str] = json.loads(answer)
    return {path.partition("/")[2]: text.strip() + "\n" for path, text in sorted(texts.items()) if text.strip()}


def lint() -> list[str]:
    """What `helm lint --strict` says against the chart; a missing icon is no fault of it."""
    found = helm_python.lint(str(CHART), strict=True, kube_version="v1.30.0")
    messages = [f"{message['path']}: {message['error']}" for message in found["messages"]]
    return [*found["errors"], *(message for message in messages if "icon is recommended" not in message)]
