"""The command line: one flag per setting, made from the settings themselves."""

import argparse
import sys
from collections.abc import Sequence

from exporter.build import build
from exporter.duration import parse_duration
from exporter.expectations.command import add_commands
from exporter.flags import EPILOG, Commands, add_command
from exporter.known_options import add_known
from exporter.settings import Settings
from exporter.settings.fields import fields
from exporter.settings.names import nearest


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The parsed command line; leaves with exit code 2 on bad use, naming the nearest flag when one is unknown."""
    top, commands = _parsers()
    options, unknown = top.parse_known_args(_switches(sys.argv[1:] if arguments is None else arguments))
    if unknown:
        command = _named(commands, options)
        word = unknown[0].partition("=")[0]
        meant = nearest(word, [option for action in command._actions for option in action.option_strings])  # noqa: SLF001, argparse offers no other way to list them
        command.error(f"unknown flag or argument {word}" + (f"; did you mean {meant}?" if meant else ""))
    return options


def _named(commands: Commands, options: argparse.Namespace) -> argparse.ArgumentParser:
    """The parser of the command that was given, which may be one below another."""
    command = commands.choices[options.command]
    below = command._subparsers  # noqa: SLF001, the same
    for action in below._group_actions if below else ():  # noqa: SLF001, the same
        return action.choices[getattr(options, action.dest)]  # type: ignore[index, no-any-return] # parsers by name
    return command


def _switches(arguments: Sequence[str]) -> list[str]:
    """A flag that is on or off may stand alone, as Prometheus' flags do; `--flag=false` and `--flag false` work too."""
    switches = {field.flag for field in fields(Settings) if field.type == "true or false"}
    following = [*arguments, ""][1:]
    return [
        f"{argument}=true" if argument in switches and after not in ("true", "false") else argument
        for argument, after in zip(arguments, following, strict=True)
    ]


def _parsers() -> tuple[argparse.ArgumentParser, Commands]:
    top = argparse.ArgumentParser(
        prog="hubble-egress-exporter",
        description="Prometheus exporter for Cilium Hubble: where egress goes, and what became of it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    version = f"hubble-egress-exporter {build().version} (commit {build().commit}, python {build().python})"
    top.add_argument("--version", action="version", version=version)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_command(commands, "run", "stream flows from a Hubble Observer and serve /metrics")
    demo = add_command(
        commands,
        "demo",
        "the same against an embedded Observer with a small cluster's traffic",
        "[--once | --dump FILE] [flags]",
    )
    ways = demo.add_mutually_exclusive_group()
    ways.add_argument("--once", action="store_true", help="play the story to its end, print the metrics and leave")
    ways.add_argument("--dump", metavar="FILE", help="write the same story as recorded flows; - is standard output")
    replay = add_command(
        commands,
        "replay",
        "read recorded flows (hubble observe -o jsonpb, export files)",
        "[--once] [--speed N] [flags] FILE...",
    )
    replay.add_argument("files", nargs="+", metavar="FILE", help="recorded flows, plain or gzip; - is standard input")
    replay.add_argument("--once", action="store_true", help="print the metrics at the end and leave, serve nothing")
    replay.add_argument(
        "--speed", type=_speed, metavar="N", help="pace by the flows' own time, N times faster than life"
    )
    triage = add_command(
        commands,
        "triage",
        "say which workloads cannot resolve or reach names, why, and what to change",
        "[FILE... | --hubble.address ADDRESS --since 10m] [--policies DIR] [flags]",
    )
    add = triage.add_argument
    add("files", nargs="*", metavar="FILE", help="recorded flows; without any, Hubble is asked for the last minutes")
    add("--since", type=_duration, metavar="DURATION", help="how far back Hubble is asked (default 10m)")
    add("--policies", action="append", default=[], metavar="DIR", help="policies and allowlists, file or folder")
    add("--namespace", default="", metavar="NS", help="only workloads of this namespace")
    add("--workload", default="", metavar="NAME", help="only workloads of this name")
    add("--format", choices=("table", "json", "yaml"), default="table", help="how to say it (default table)")
    preflight = add_command(
        commands,
        "preflight",
        "try the connection to Hubble, and say what works and what to change",
        "[--seconds N] [flags]",
    )
    preflight.add_argument(
        "--seconds", type=_seconds, default=10.0, metavar="N", help="read flows for so long (default 10)"
    )
    add_command(commands, "check-config", "validate the settings and leave")
    add_commands(commands)
    add_known(commands)
    reference = commands.add_parser("reference", help="print CONFIGURATION.md and METRICS.md", allow_abbrev=False)
    reference.add_argument("document", nargs="?", choices=("configuration", "metrics"), help="only this one")
    reference.add_argument("--write", action="store_true", help="write the files into the current folder")
    reference.add_argument("--check", action="store_true", help="exit 1 if the files there differ")
    return top, commands


def _speed(text: str) -> float:
    return _above_zero(text, "speed")


def _seconds(text: str) -> float:
    return _above_zero(text, "time in seconds")


def _duration(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if seconds <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 10m")
    return seconds


def _above_zero(text: str, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no {what}; write a number above 0")
    return number
