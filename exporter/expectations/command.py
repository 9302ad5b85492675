"""`expectations check` and `expectations explain`: what policies and allowlists say, without an exporter."""

import argparse
import sys
from collections.abc import Callable, Iterable
from datetime import date

from exporter.destinations.scopes import Scopes
from exporter.expectations.asked import labels_from, port_from, subject_from, target_from, unused_labels
from exporter.expectations.check import check
from exporter.expectations.evaluator import Evaluator
from exporter.expectations.explain import explain
from exporter.expectations.files import read_files
from exporter.expectations.manifests import Manifests
from exporter.expectations.question import Question

_OK, _FAILED, _BAD_USE = 0, 1, 2
Complain = Callable[[object], None]
Commands = "argparse._SubParsersAction[argparse.ArgumentParser]"

_FILES = "policies and allowlists in YAML or JSON; a folder stands for all manifests below it"


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both to the command line."""
    what = "what policies and allowlists expect"
    top = commands.add_parser(
        "expectations", help=what, description=f"{what[0].upper()}{what[1:]}.", allow_abbrev=False
    )
    below = top.add_subparsers(dest="question", required=True, metavar="COMMAND")
    checking = below.add_parser("check", help="say which rules were understood", allow_abbrev=False)
    checking.add_argument("files", nargs="+", metavar="FILE", help=_FILES)
    asking = below.add_parser("explain", help="say whether a contact is expected, and why", allow_abbrev=False)
    add = asking.add_argument
    add("--from", dest="source", required=True, metavar="NS/WORKLOAD", help="who begins it; a node is /~host")
    add("--labels", metavar="K=V,...", help="all labels of its pods; without them they are not known")
    to = "NAME|ADDRESS|CIDR|ENTITY|NS/WORKLOAD"
    add("--to", required=True, metavar=to, help="where it goes; nothing else is known of it")
    add("--to-labels", metavar="K=V,...", help="all labels of that workload's pods")
    add("--port", required=True, metavar="PORT/PROTOCOL", help="such as 443/TCP, 53/UDP or ICMP")
    add("files", nargs="+", metavar="FILE", help=_FILES)


def run(options: argparse.Namespace, today: date, complain: Complain) -> int:
    """Answer on standard output; returns the exit code."""
    read = read_files(options.files)
    for fault in read.faults:
        complain(fault)
    if options.question == "check":
        _print(check(read))
        return _FAILED if read.faults else _OK
    if read.faults:
        return _BAD_USE
    try:
        question = _question(options, read)
    except ValueError as error:
        complain(error)
        return _BAD_USE
    _print(explain(Evaluator(read.policies), question, today))
    return _OK


def _question(options: argparse.Namespace, read: Manifests) -> Question:
    to_labels = labels_from(options.to_labels)
    if unused_labels(options.to, to_labels):
        raise ValueError("--to-labels are those of a workload; write --to NAMESPACE/WORKLOAD")
    source = subject_from(options.source, labels_from(options.labels), read.objects)
    target = target_from(options.to, to_labels, read.objects, Scopes())
    return Question(source, target, *port_from(options.port))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
