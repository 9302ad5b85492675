"""At level `debug`: a line per flow, sampled, with what was found out about it."""

from exporter.counting import Outcome
from exporter.flow import Flow, Verdict
from exporter.log import Level, LogSettings, Sampler, logger
from exporter.pipeline import Pipeline

_VERDICTS = {verdict.value: verdict.name.lower() for verdict in Verdict}


class FlowLines:
    """Called by the stream thread, never under a lock; `wanted` is all that a flow costs at other levels."""

    def __init__(self, settings: LogSettings, pipeline: Pipeline, sampler: Sampler | None = None) -> None:
        self.wanted = settings.level is Level.DEBUG and settings.flow_lines_per_second > 0
        self._sampler = sampler or Sampler(settings.flow_lines_per_second)
        self._pipeline, self._log = pipeline, logger()

    def note(self, flow: Flow, outcome: Outcome) -> None:
        """Write the line, unless it is one too many."""
        flows_between = self._sampler.admit()
        if flows_between is None:
            return
        workload, destination = self._pipeline.ends(flow)
        self._log.debug(
            "flow_seen",
            workload=f"{workload.namespace}/{workload.name}".lstrip("/"),
            destination=destination.label,
            destination_port=flow.destination_port,
            protocol=flow.kind.protocol,
            verdict=_VERDICTS.get(flow.kind.verdict, f"verdict_{flow.kind.verdict}"),
            outcome=outcome.value,
            node_name=flow.node_name,
            flows_between=flows_between,
        )
