"""The commands. Each ends in an exit code: 0 success, 1 failure at run time, 2 bad use, settings or input."""

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from exporter import log
from exporter.accepting.command import run as accept_command
from exporter.documents.faults import DocumentError
from exporter.expectations.api_access import check_access
from exporter.expectations.command import run as expectations_command
from exporter.expectations.files import load_files
from exporter.flags import given_flags
from exporter.hubble.decode import Decoder
from exporter.hubble.observer import Observer
from exporter.hubble.replay import Recording, UnreadableRecordingError, check_readable
from exporter.knowing.command import run as known_command
from exporter.known.stores import open_store
from exporter.metrics.reference import metrics_markdown
from exporter.options import parse
from exporter.preflight import Preflight
from exporter.progress import above, progress
from exporter.reload import Reading
from exporter.service import Service
from exporter.settings import Settings
from exporter.settings.layers import load
from exporter.settings.reference import configuration_markdown
from exporter.settings.web_file import read_web_config
from exporter.signals import Signals
from exporter.triage.table import to_table
from exporter.triage.written import to_json, to_yaml
from exporter.triaging import UnreadableSourceError, triage
from exporter.web.server import CannotListenError

_OK, _FAILED, _BAD_USE = 0, 1, 2
_DOCUMENTS: dict[str, tuple[str, Callable[[], str]]] = {
    "configuration": ("CONFIGURATION.md", configuration_markdown),
    "metrics": ("METRICS.md", metrics_markdown),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        try:
            return _command(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has left, as `| head` does; nobody is there to be told.
        _give_up_output()
        return _OK
    except OSError as error:
        _give_up_output()
        _complain(f"cannot write: {error.strerror or error}")
        return _FAILED


def _command(arguments: Sequence[str] | None) -> int:
    options = parse(arguments)
    if options.command in ("run", "demo", "replay") and not getattr(options, "once", False):
        Signals.deafen()
    try:
        if options.command == "expectations":
            return expectations_command(options, datetime.now(tz=UTC).date(), _complain)
        if options.command == "known" and options.action == "accept":
            return accept_command(options, datetime.now(tz=UTC).date(), _complain)
        return _reference(options) if options.command == "reference" else _with_settings(options)
    except (DocumentError, UnreadableRecordingError, UnreadableSourceError) as error:
        _complain(error)
        return _BAD_USE
    except CannotListenError as error:
        _complain(error)
        return _FAILED
    except KeyboardInterrupt:
        return _OK


def _give_up_output() -> None:
    """Let what is still buffered go nowhere, or the interpreter complains about it when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interruptible() -> None:
    """Let SIGTERM end a command that serves nothing as Ctrl-C does: in order, with exit code 0."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # A shell lets what it starts in the background ignore SIGINT; whoever sends it all the same means it.
        signal.signal(number, signal.default_int_handler)


def _with_settings(options: argparse.Namespace) -> int:
    flags = given_flags(options)
    config_file = flags.pop("config.file", [None])[-1]
    read = partial(load, Settings, config_file=config_file, environment=os.environ, flags=flags)
    settings = read()
    log.configure(settings.log)
    options.reading = Reading(settings, partial(read, again=True))
    commands = {
        "run": _run,
        "demo": _demo,
        "replay": _replay,
        "triage": _triage,
        "preflight": _preflight,
        "check-config": _check_config,
        "known": _known,
    }
    return commands[options.command](settings, options)


def _run(settings: Settings, options: argparse.Namespace) -> int:
    decoder = Decoder(settings.hubble.endpoint_cache)
    source = _observer(settings, decoder)
    store = open_store(settings.known)
    service = Service(settings, source, decoder, live=True, reading=options.reading, store=store)
    source.keep(service.pipeline.handover)
    service.signals.listen()
    if not settings.hubble.position_file:
        log.logger().info("position_not_kept", hint="hubble.position-file is unset: a restart begins with new flows")
    return service.run(lambda _url: None)


def _demo(settings: Settings, options: argparse.Namespace) -> int:
    # Imported here, for thousands of exporters on their nodes need no story and no server of Hubble in their memory.
    from exporter.demo.declared import ALLOWLIST  # noqa: PLC0415
    from exporter.demo.learning import DEMO_LEARNING  # noqa: PLC0415
    from exporter.demo.server import CannotServeError  # noqa: PLC0415
    from exporter.demo.telling import Demo  # noqa: PLC0415
    from exporter.narration import announce, show  # noqa: PLC0415

    if options.dump is not None:
        return _dump(settings, options.dump)
    if "listen_address" not in settings.web.model_fields_set:
        # A demonstration on a laptop does not open a port to the network unless somebody says so.
        web = settings.web.model_copy(update={"listen_address": "127.0.0.1:9968"})
        settings = settings.model_copy(update={"web": web})
    if not settings.known.learning.model_fields_set:
        # The story has two hours of history, not two weeks.
        known = settings.known.model_copy(update={"learning": DEMO_LEARNING})
        settings = settings.model_copy(update={"known": known})
    if "files" not in settings.expectations.model_fields_set:
        expectations = settings.expectations.model_copy(update={"files": (ALLOWLIST,)})
        settings = settings.model_copy(update={"expectations": expectations})
    server = Demo(settings.demo, once=options.once, announce=None if options.once else announce)
    try:
        address = server.start()
        settings = settings.model_copy(update={"hubble": settings.hubble.model_copy(update={"address": address})})
        decoder = Decoder(settings.hubble.endpoint_cache)
        source = _observer(settings, decoder, once=options.once)
        service = Service(settings, source, decoder, live=not options.once, reading=options.reading)
        if options.once:
            _interruptible()
            service.consume_to_its_end()
            return _print_metrics(service)
        service.signals.listen()
        return service.run(lambda url: show(service, url, address))
    except CannotServeError as error:
        _complain(error)
        return _FAILED
    finally:
        server.stop()


def _dump(settings: Settings, file: str) -> int:
    from exporter.demo.telling import dumped  # noqa: PLC0415, as in `_demo`

    _interruptible()
    if file == "-":
        sys.stdout.writelines(dumped(settings.demo))
        return _OK
    path = Path(file)
    # A file that is cut off looks like a shorter story: it gets its name when it is whole.
    part = path.with_name(f"{path.name}.part") if path.name and (path.is_file() or not path.exists()) else path
    try:
        with part.open("w") as written:
            written.writelines(dumped(settings.demo))
        if part != path:
            part.rename(path)
    except OSError as error:
        _complain(f"cannot write {file}: {error.strerror or error}")
        return _FAILED
    return _OK


def _replay(settings: Settings, options: argparse.Namespace) -> int:
    check_readable(options.files)
    decoder = Decoder(settings.hubble.endpoint_cache)
    with progress(options.files) as bar:
        log.configure(settings.log, above(bar))
        source = Recording(
            options.files,
            decoder,
            longest_line=settings.hubble.recording_line,
            speed=options.speed,
            progress=bar.update,
        )
        service = Service(settings, source, decoder, live=False, reading=options.reading)
        if not options.once:
            service.signals.listen()
            code = service.run(lambda _url: None, finished=lambda: bool(source.hopeless))
            return _FAILED if _is_hopeless(source) else code
        _interruptible()
        service.consume_to_its_end()
    if any(report.usable for report in source.reports):
        _print_metrics(service)
    return _FAILED if _is_hopeless(source) else _OK


def _preflight(settings: Settings, options: argparse.Namespace) -> int:
    _interruptible()
    # Looked at twice at least in this time, or there is no coverage to tell.
    often = min(settings.hubble.check_interval, options.seconds / 3)
    hubble = settings.hubble.model_copy(update={"check_interval": often, "position_file": ""})
    source = Observer(hubble, settings.sources, Decoder(hubble.endpoint_cache), random.SystemRandom())
    preflight = Preflight(hubble, source)
    works = preflight.run(options.seconds)
    for finding in preflight.findings(options.seconds):
        print(f"{finding.sign:2}  {finding.what:<12}  {finding.said}")  # noqa: T201, the command's answer
    return _OK if works else _FAILED


def _triage(settings: Settings, options: argparse.Namespace) -> int:
    if options.files and options.since is not None:
        _complain("--since is for Hubble; of files everything is read")
        return _BAD_USE
    _interruptible()
    found = triage(settings, options)
    texts = {"json": to_json, "yaml": to_yaml, "table": to_table}
    code = _FAILED if found.workloads else _OK if found.coverage.flows else _BAD_USE
    try:
        # A terminal that knows ASCII only gets escapes.
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(texts[options.format](found).encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        # `triage | head -1` has found what it has found.
        _give_up_output()
    return code


def _known(settings: Settings, options: argparse.Namespace) -> int:
    return known_command(settings.known, options, time.time_ns(), _complain)


def _check_config(settings: Settings, _options: argparse.Namespace) -> int:
    if settings.web.config.file:
        read_web_config(settings.web.config.file)
    load_files(settings.expectations.files)
    if settings.expectations.kubernetes.enabled and settings.expectations.kubernetes.kubeconfig:
        check_access(settings.expectations.kubernetes)
    print("the settings are valid")  # noqa: T201, the command's answer
    return _OK


def _reference(options: argparse.Namespace) -> int:
    wanted = [options.document] if options.document else list(_DOCUMENTS)
    stale = []
    for file, text in (_DOCUMENTS[name] for name in wanted):
        path = Path(file)
        if options.write:
            try:
                path.write_text(text())
            except OSError as error:
                _complain(f"cannot write {path.absolute()}: {error.strerror}")
                return _FAILED
        elif options.check:
            if not path.exists() or path.read_text() != text():
                stale.append(file)
        else:
            sys.stdout.write(text())
    if stale:
        _complain(f"out of date: {', '.join(stale)}; run `hubble-egress-exporter reference --write`")
    return _FAILED if stale else _OK


def _observer(settings: Settings, decoder: Decoder, *, once: bool = False) -> Observer:
    return Observer(settings.hubble, settings.sources, decoder, random.SystemRandom(), once=once)


def _is_hopeless(source: Recording) -> bool:
    """Whether a file gave nothing at all; says so for each."""
    for report in source.hopeless:
        why = report.first_fault or ("it is empty" if not report.lines else "all lines are blank")
        _complain(f"{report.path}: no usable line among {report.lines}: {why}")
    return bool(source.hopeless)


def _print_metrics(service: Service) -> int:
    sys.stdout.write(service.exposition("").body.decode())
    sys.stdout.flush()
    return _OK


def _complain(what: object) -> None:
    print(f"hubble-egress-exporter: {what}", file=sys.stderr)  # noqa: T201, the command's answer
