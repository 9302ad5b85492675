"""The command `triage`: reads recordings, or what Hubble's rings hold of the last minutes, and reports once."""

import argparse
import random
import time
from collections.abc import Callable

from exporter import log
from exporter.hubble.decode import Decoder
from exporter.hubble.observer import Observer
from exporter.hubble.replay import Recording, UnreadableRecordingError, check_readable
from exporter.log import Level
from exporter.progress import progress
from exporter.service import Service
from exporter.settings import Settings
from exporter.triage.interface import Report
from exporter.triage.report import report

_SINCE = 600.0
_FOR_EVER = 100 * 365 * 86_400.0


class UnreadableSourceError(Exception):
    """Hubble cannot be read; the text says why."""


def triage(settings: Settings, options: argparse.Namespace, now: Callable[[], float] = time.time) -> Report:
    """What is broken by these flows.

    Raises:
        ExpectationsError: when one of the policies cannot be used.
        UnreadableRecordingError: when a file cannot be read, or gave nothing.
        UnreadableSourceError: when Hubble cannot be read.
    """
    settings = _adapted(settings, options.policies)
    since_ns = int((now() - (options.since or _SINCE)) * 1e9)
    service = _of_files(settings, options.files) if options.files else _of_hubble(settings, since_ns)
    return report(service.pipeline, namespace=options.namespace, workload=options.workload)


def _adapted(settings: Settings, policies: list[str]) -> Settings:
    """Everything in the input is recent, and nobody waits for a cause to settle: the input has an end."""
    if "level" not in settings.log.model_fields_set:
        log.configure(settings.log.model_copy(update={"level": Level.ERROR}))
    dns = settings.detectors.dns.model_copy(update={"quiet": _FOR_EVER, "settle": 0.0})
    files = (*settings.expectations.files, *policies)
    return settings.model_copy(
        update={
            "detectors": settings.detectors.model_copy(update={"dns": dns}),
            "expectations": settings.expectations.model_copy(update={"files": files}),
            "hubble": settings.hubble.model_copy(update={"position_file": ""}),
        }
    )


def _of_files(settings: Settings, files: list[str]) -> Service:
    check_readable(files)
    decoder = Decoder(settings.hubble.endpoint_cache)
    with progress(files) as bar:
        source = Recording(files, decoder, longest_line=settings.hubble.recording_line, progress=bar.update)
        service = Service(settings, source, decoder, live=False, remembers=False)
        service.consume_to_its_end()
    service.pipeline.finish()
    for hopeless in source.hopeless:
        why = hopeless.first_fault or "it is empty"
        raise UnreadableRecordingError(f"{hopeless.path}: no usable line among {hopeless.lines}: {why}")
    return service


def _of_hubble(settings: Settings, since_ns: int) -> Service:
    decoder = Decoder(settings.hubble.endpoint_cache)
    source = Observer(
        settings.hubble, settings.sources, decoder, random.SystemRandom(), once=True, past_since_ns=since_ns
    )
    service = Service(settings, source, decoder, live=False, remembers=False)
    service.consume_to_its_end()
    service.pipeline.finish()
    fault = service.pipeline.stream.last_fault
    if fault is not None and fault.code != "OK":
        raise UnreadableSourceError(f"{settings.hubble.address}: {fault.reason} ({fault.code}): {fault.detail}")
    return service
