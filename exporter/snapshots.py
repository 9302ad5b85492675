"""What the exporter says about itself, read from its boxes at one moment."""

from collections import Counter

from exporter.hubble.decode import Decoder
from exporter.hubble.settings import HubbleSettings
from exporter.metrics import families
from exporter.metrics.recorder import Recorder
from exporter.metrics.selfmetrics import Histogram, Snapshot
from exporter.pipeline import Pipeline
from exporter.reload import Reload
from exporter.stream import LAG_BUCKETS
from exporter.web.routes import Routes
from exporter.window import WindowStats


def snapshot(
    pipeline: Pipeline, recorder: Recorder, decoder: Decoder, settings: HubbleSettings, routes: Routes, reload: Reload
) -> Snapshot:
    """Everything under the pipeline's lock, so that the numbers fit each other."""
    with pipeline.lock:
        stream, budget = pipeline.stream, recorder.budget
        nodes = Counter(stream.nodes.values())
        endpoints = WindowStats(decoder.entries, settings.endpoint_cache, decoder.resets)
        return Snapshot(
            samples={
                families.FLOWS: {(outcome.value,): count for outcome, count in pipeline.outcomes.items()},
                families.EVENT_TYPES: {(name,): count for name, count in stream.event_types.items()},
                families.LOST_EVENTS: {(name,): count for name, count in stream.lost.items()},
                families.NODES: {(state,): count for state, count in nodes.items()},
                families.CONNECTED: {(): float(stream.connected)},
                families.CONNECTS: {(code, reason): number for (code, reason), number in stream.connects.items()},
                families.LAST_FLOW: {(): stream.last_flow_ns / 1e9},
                families.DECODE_ERRORS: {(reason,): count for reason, count in stream.decode_errors.items()},
                families.SCRAPES_REFUSED: {(): routes.scrapes_refused},
                families.SERIES: {(): recorder.exposition.size},
                families.FOLDED: {(): budget.folded},
                families.RELOAD_SUCCESSFUL: {(): float(reload.successful)},
                families.RELOAD_TIME: {(): reload.success_time},
            },
            histograms={families.LAG: Histogram(LAG_BUCKETS, tuple(stream.lag_counts), stream.lag_sum)},
            caches={**pipeline.cache_stats(), "endpoints": endpoints},
        )
