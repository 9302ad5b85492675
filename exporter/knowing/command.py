"""`known list`, `show`, `forget`, `export` and `import`, against the store that the settings name."""

import argparse
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from typing import NamedTuple

from exporter.knowing import table
from exporter.knowing.forgetting import facts_of, meant
from exporter.knowing.moving import export_facts, import_facts
from exporter.knowing.output import say, say_json
from exporter.knowing.reports import Moment, report_of, shown_of
from exporter.known.interface import Store, StoreError, WorkloadKey
from exporter.known.settings import KnownSettings, StoreKind
from exporter.known.stores import open_store

_OK, _FAILED, _BAD_USE = 0, 1, 2
_NODE = "~node"
Complain = Callable[[object], None]


class Asked(NamedTuple):
    """One command: the store, what was asked of it, and when."""

    store: Store
    options: argparse.Namespace
    moment: Moment
    complain: Complain

    @property
    def title(self) -> str:
        """The workload that was named."""
        return "/".join(self.options.workload)

    def found(self, namespace: str | None, name: str | None) -> list[WorkloadKey]:
        """Workloads that are meant, of one cluster or of all; what is noted of nodes is none."""
        return [
            one
            for one in self.store.workloads()
            if one.name != _NODE
            and namespace in (None, one.namespace)
            and name in (None, one.name)
            and self.options.cluster in (None, one.cluster)
        ]


def run(settings: KnownSettings, options: argparse.Namespace, now_ns: int, complain: Complain) -> int:
    """Carry one of them out; returns the exit code.

    Raises:
        DocumentError: when a file to be imported cannot be used.
    """
    if why := _unusable(settings, options.action):
        complain(why)
        return _BAD_USE
    commands = {"list": _list, "show": _show, "forget": _forget, "export": _export, "import": _import}
    try:
        with closing(open_store(settings)) as store:
            return commands[options.action](Asked(store, options, Moment(now_ns, settings.learning), complain))
    except StoreError as error:
        complain(error.detail)
        return _FAILED


def _unusable(settings: KnownSettings, action: str) -> str:
    """Why there is no store to look into. To look into one must not make it."""
    match settings.store:
        case StoreKind.MEMORY:
            return "known.store is memory, which ends with its exporter; write --known.store sqlite or valkey"
        case StoreKind.SQLITE if action != "import" and not os.path.exists(settings.file):  # noqa: PTH110, it never raises
            return f"{settings.file}: there is no such file, or it cannot be seen; --known.file names the exporter's"
        case StoreKind.VALKEY if not settings.valkey.address:
            return "known.valkey.address is not set; write --known.valkey.address HOST:PORT"
    return ""


def _list(asked: Asked) -> int:
    store, at = asked.store, asked.moment
    found = [report_of(one, store.load(one), at) for one in asked.found(asked.options.namespace, None)]
    if asked.options.format == "json":
        say_json({"workloads": tuple(found)})
    elif found:
        say(table.workloads(found, at.now))
    if not found:
        asked.complain("no such workload is known")
    return _OK if found else _FAILED


def _show(asked: Asked) -> int:
    found = _named(asked)
    if not found:
        return _FAILED
    shown = [shown_of(one, asked.store.load(one), asked.moment) for one in found]
    if asked.options.format == "json":
        flat = ({**asdict(one.about), "destinations": one.destinations, "addresses": one.addresses} for one in shown)
        say_json({"workloads": tuple(flat)})
    else:
        for number, one in enumerate(shown):
            say(("",) if number else ())
            say(table.destinations(one))
    return _OK


def _forget(asked: Asked) -> int:
    found, destination = _named(asked), asked.options.destination
    if not found:
        return _FAILED
    if len(found) > 1:
        clusters = ", ".join(one.cluster for one in found)
        asked.complain(f"{asked.title} is known in several clusters; choose one with --cluster: {clusters}")
        return _BAD_USE
    (workload,) = found
    title = asked.title
    if destination is None:
        number = asked.store.forget(workload)
    else:
        marks = asked.store.load(workload).keys()
        number = asked.store.forget(workload, facts_of(destination, marks))
        title = f"{destination} of {title}"
        if not number and (known_as := meant(destination, marks)):
            asked.complain(f"{destination} is remembered as {known_as}")
    if not number:
        asked.complain(f"nothing is known of {title}")
        return _FAILED
    say((f"forgot {title}: {number:,} facts",))
    return _OK


def _export(asked: Asked) -> int:
    export_facts(asked.store)
    return _OK


def _import(asked: Asked) -> int:
    done = import_facts(asked.store, asked.options.file)
    say((f"merged {done.facts:,} facts of {done.workloads:,} workloads; {done.new:,} of them were not known",))
    return _OK


def _named(asked: Asked) -> list[WorkloadKey]:
    """The workload that was named, in each cluster where it is known; says so when it is nowhere."""
    found = asked.found(*asked.options.workload)
    if not found:
        asked.complain(f"nothing is known of {asked.title}")
    return found
