"""What the exporter says about itself, read from its boxes at one moment."""

from collections import Counter

from exporter.detectors.dns import DnsDetector
from exporter.expectations.allowlist import KIND
from exporter.expectations.expectations import Expectations
from exporter.expectations.manifests import POLICY_KINDS
from exporter.hubble.decode import Decoder
from exporter.hubble.interface import SourceStats
from exporter.hubble.settings import HubbleSettings
from exporter.metrics import families
from exporter.metrics.families import Family
from exporter.metrics.recorder import Recorder
from exporter.metrics.selfmetrics import Histogram, Snapshot
from exporter.metrics.store import Store
from exporter.pipeline import Pipeline
from exporter.reload import Reload
from exporter.stream import LAG_BUCKETS
from exporter.web.routes import Routes
from exporter.window import WindowStats


def snapshot(
    pipeline: Pipeline,
    recorder: Recorder,
    decoder: Decoder,
    settings: HubbleSettings,
    source: SourceStats,
    routes: Routes,
    reload: Reload,
) -> Snapshot:
    """Everything under the pipeline's lock, so that the numbers fit each other."""
    with pipeline.lock:
        stream, store = pipeline.stream, recorder.store
        coverage = stream.coverage
        nodes = Counter(stream.nodes.values())
        endpoints = WindowStats(decoder.entries, settings.endpoint_cache, decoder.resets)
        return Snapshot(
            samples={
                families.FLOWS: {(outcome.value,): count for outcome, count in pipeline.outcomes.items()},
                families.EVENT_TYPES: {(name,): count for name, count in stream.event_types.items()},
                families.LOST_EVENTS: {(name,): count for name, count in stream.lost.items()},
                families.LOST_ESTIMATED: {(): coverage.estimated},
                families.SERVER_FLOWS: {(name,): number for name, number in coverage.server_flows.items()},
                families.COVERAGE: {(name,): ratio for name, ratio in coverage.ratios.items()},
                families.CLUSTER_COVERAGE: {(): coverage.of_cluster},
                families.DROPS_FROM_VERDICTS: {(): pipeline.nodes_without_drops},
                families.GAP_SECONDS: {(): coverage.gap_seconds},
                families.NODES: {(state,): count for state, count in nodes.items()},
                families.CONNECTED: {(): float(stream.connected)},
                families.CONNECTS: {(code, reason): number for (code, reason), number in stream.connects.items()},
                families.CERTIFICATE_EXPIRY: {(name,): end for name, end in source.certificate_ends.items()},
                families.FIELD_MASK: {(source.mask,): 1.0} if source.mask else {},
                families.POSITION_SAVED: {(): float(source.saves_position)},
                families.LAST_FLOW: {(): stream.last_flow_ns / 1e9},
                families.DECODE_ERRORS: {(reason,): count for reason, count in stream.decode_errors.items()},
                families.SCRAPES_REFUSED: {(): routes.scrapes_refused},
                **_of_series(store),
                families.RELOAD_SUCCESSFUL: {(): float(reload.successful)},
                families.RELOAD_TIME: {(): reload.success_time},
                **_of_expectations(pipeline.expectations),
                **_of_dns(pipeline.dns, stream.last_flow_ns),
            },
            histograms={
                families.LAG: {(): Histogram(LAG_BUCKETS, tuple(stream.lag_counts), stream.lag_sum)},
                families.DNS_LATENCY: recorder.latency.histograms,
            },
            caches={
                **pipeline.cache_stats(),
                "endpoints": endpoints,
                **({"resume": source.window} if source.window else {}),
            },
        )


def _of_expectations(expectations: Expectations) -> dict[Family, dict[tuple[str, ...], float]]:
    """Rules and what is not evaluated of them; a kind of rules that is not there is 0."""
    policies = expectations.policies
    rules: dict[tuple[str, ...], float] = {
        ("allowlist" if kind == KIND else "policies", kind): 0 for kind in POLICY_KINDS
    }
    for policy in policies:
        rules[policy.ref.source.value, policy.ref.kind] += len(policy.rules)
    unread: dict[tuple[str, ...], float] = {}
    for policy in policies:
        for name in {field.field for field in policy.not_evaluated}:
            unread[(name,)] = unread.get((name,), 0) + 1
    return {
        families.EXPECTATION_RULES: rules,
        families.EXPECTATION_UNREAD: unread,
        families.EXPECTATION_RELOAD: {(): float(expectations.is_current)},
        families.EXPECTATION_EVALUATIONS: {(name.value,): count for name, count in expectations.evaluations.items()},
    }


def _of_dns(dns: DnsDetector, now_ns: int) -> dict[Family, dict[tuple[str, ...], float]]:
    """What is broken now."""
    return {
        families.DNS_BREAKAGE: {(*workload, cause.value): 1.0 for workload, cause in dns.breakages},
        families.DNS_FAILING_NAMES: {tuple(workload): number for workload, number in dns.gauge(now_ns).items()},
    }


def _of_series(store: Store) -> dict[Family, dict[tuple[str, ...], float]]:
    """What became of the series, by family."""
    by_name = {(family.short,): series for family, series in store.families.items()}
    kept: dict[tuple[str, ...], float] = {}
    for (name,), series in by_name.items():
        kept |= {
            (name, "live"): series.kept,
            (name, "retained"): series.retained,
            (name, "forgotten"): series.forgotten,
        }
    return {
        families.SERIES: {name: len(series.live) for name, series in by_name.items()},
        families.SERIES_LIMIT: {(): store.ceiling.most},
        families.RETAINED_SERIES: {name: series.retained_series for name, series in by_name.items()},
        families.RETAINED_LIMIT: {(): store.retained.most},
        families.EXPIRED: {name: series.expired for name, series in by_name.items()},
        families.RESUMED: {name: series.resumed for name, series in by_name.items()},
        families.REFUSED: {name: series.refused for name, series in by_name.items()},
        families.FOLDED: {
            (*name, label): number for name, series in by_name.items() for label, number in series.folded.items()
        },
        families.COUNTED: {name: series.counted for name, series in by_name.items()},
        families.KEPT: kept,
    }
