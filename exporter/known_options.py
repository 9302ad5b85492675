"""The command line of `known`: what is remembered of workloads, and findings that somebody accepts."""

import argparse

from exporter.destinations.interface import HOST
from exporter.flags import Commands, add_command

_WORKLOAD = "NAMESPACE/WORKLOAD"
_CLUSTER = "only of this cluster"


def add_known(commands: Commands) -> None:
    """Add all of them."""
    what = "look into the memory of where each workload goes, change it, and accept findings"
    top = commands.add_parser("known", help=what, description=f"{what[0].upper()}{what[1:]}.", allow_abbrev=False)
    below = top.add_subparsers(dest="action", required=True, metavar="COMMAND")
    _list(below)
    _show(below)
    _forget(below)
    add_command(below, "known export", "write all facts to standard output, one JSON line each")
    taking = add_command(below, "known import", "merge facts that `known export` has written", "[flags] FILE")
    taking.add_argument("file", metavar="FILE", help="such facts; - is standard input")
    _accept(below)


def _accept(below: Commands) -> None:
    what = "make an entry of an allowlist of a finding, or of a contact"
    command = below.add_parser(
        "accept",
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        epilog="What the flags say wins over the finding. The entry is checked: it allows the contact, and no more.",
        allow_abbrev=False,
    )
    add = command.add_argument
    add("finding", nargs="?", metavar="FINDING", help="file of findings, or a finding as JSON; - is standard input")
    add("--id", metavar="ID", help="of several findings this one")
    add("--from", dest="source", metavar=_WORKLOAD, help="who may go there; a node is /~host")
    add("--to", metavar="NAME|ADDRESS|CIDR|ENTITY|NS/WORKLOAD", help="where it may go")
    add("--port", metavar="PORT/PROTOCOL", help="such as 443/TCP, 53/UDP or ICMP")
    add("--domain", action="store_true", help="allow all names of the registered domain, not the one name only")
    add("--owner", required=True, metavar="TEXT", help="who answers for it")
    add("--reason", required=True, metavar="TEXT", help="why it is allowed")
    add("--expires", required=True, metavar="WHEN", help="until when: 2027-03-01, or 30d from today on")
    add("--write", metavar="FILE", help="append the entry to this allowlist file instead of printing it")


def _list(below: Commands) -> None:
    command = add_command(below, "known list", "list the workloads that are known, and how far each has learnt")
    command.add_argument("--namespace", default=None, metavar="NS", help="only workloads of this namespace")
    command.add_argument("--cluster", default=None, metavar="NAME", help=_CLUSTER)
    _add_format(command)


def _show(below: Commands) -> None:
    usage = f"[--format NAME] [flags] {_WORKLOAD}"
    command = add_command(below, "known show", "show where a workload goes, and why it is still learning", usage)
    command.add_argument("workload", type=_workload, metavar=_WORKLOAD, help="whose memory; a node is /~host")
    command.add_argument("--cluster", default=None, metavar="NAME", help=_CLUSTER)
    _add_format(command)


def _forget(below: Commands) -> None:
    what = "forget a workload, or one destination of it, which is new when it comes again"
    command = add_command(below, "known forget", what, f"[flags] {_WORKLOAD} [DESTINATION]")
    command.epilog = f"A running exporter holds what it uses: it forgets when it starts again.\n{command.epilog}"
    command.add_argument("workload", type=_workload, metavar=_WORKLOAD, help="whose memory; a node is /~host")
    command.add_argument("destination", nargs="?", metavar="DESTINATION", help="as `known show` names it")
    command.add_argument("--cluster", default=None, metavar="NAME", help=_CLUSTER)


def _add_format(command: argparse.ArgumentParser) -> None:
    command.add_argument("--format", choices=("table", "json"), default="table", help="how to say it (default table)")


def _workload(text: str) -> tuple[str, str]:
    namespace, slash, name = text.partition("/")
    if not slash or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is no namespace/workload (a node is /{HOST.name})")
    return namespace, name
