"""One scrape: product families from our own exposition, self-metrics from prometheus_client, one text."""

from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from exporter.metrics.exposition import Exposition

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_EOF = b"# EOF\n"


def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header prefers OpenMetrics to the text format; Prometheus orders them by quality."""
    best = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for offer in accept.split(","):
        media, *parameters = (part.strip().lower() for part in offer.split(";"))
        if media in best:
            best[media] = max(best[media], _quality(parameters))
    return best["application/openmetrics-text"] > best["text/plain"]


def exposition(
    products: Exposition, lock: AbstractContextManager[object], registry: CollectorRegistry, *, as_openmetrics: bool
) -> bytes:
    """The whole exposition; the lock is taken once per slice of the product families."""
    text = "".join(products.render(lock, openmetrics=as_openmetrics)).encode(errors="replace")
    if as_openmetrics:
        own: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call] # untyped in the library
        return text + own.removesuffix(_EOF) + _EOF
    return text + generate_latest(registry)


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0
