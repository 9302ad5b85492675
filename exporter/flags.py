"""Flags: one per setting, made from the settings themselves."""

import argparse
from typing import TypeAlias

from exporter.settings import Settings
from exporter.settings.fields import SettingField, fields
from exporter.settings.names import CONFIG_FILE, flag_of

_SEPARATOR = "setting:"
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001, it has no other name
EPILOG = """\
Every setting can also stand in a YAML file (--config.file) and in the environment:
  web.listen-address  --web.listen-address  HUBBLE_EGRESS_WEB__LISTEN_ADDRESS
Flags win over the environment, the environment over the file. CONFIGURATION.md explains all of them.
exit codes: 0 success or ended by a signal, 1 failure at run time, 2 bad use, bad settings or unreadable input
"""


def given_flags(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """The settings given as flags: path to raw texts."""
    return {
        name.removeprefix(_SEPARATOR): texts
        for name, texts in vars(arguments).items()
        if name.startswith(_SEPARATOR) and texts is not None
    }


def add_command(commands: Commands, name: str, what: str, usage: str = "[flags]") -> argparse.ArgumentParser:
    """Add a command that takes all settings; the name of one below another has both, `known list`."""
    command = commands.add_parser(
        name.rpartition(" ")[2],
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        # The generated usage would name every flag before saying anything.
        usage=f"hubble-egress-exporter {name} {usage}",
    )
    _add(command, CONFIG_FILE, "FILE", "YAML file with settings.")
    groups: dict[str, argparse._ArgumentGroup] = {}
    for setting in fields(Settings):
        group = groups.get(setting.block) or command.add_argument_group(f"settings: {setting.block}")
        groups[setting.block] = group
        _add(group, setting.path, _metavar(setting), _help(setting))
    return command


def _add(to: "argparse._ActionsContainer", path: str, metavar: str, text: str) -> None:
    to.add_argument(
        flag_of(path), dest=_SEPARATOR + path, action="append", metavar=metavar, help=text.replace("%", "%%")
    )


def _metavar(setting: SettingField) -> str:
    if setting.type == "true or false":
        return "[=true|false]"
    return setting.type.split()[0].rstrip(",").upper() if not setting.type.startswith("one of ") else "NAME"


def _help(setting: SettingField) -> str:
    choices = f" {setting.type[0].upper()}{setting.type[1:]}." if setting.type.startswith("one of ") else ""
    default = f" Default: {setting.default}" if setting.default not in ("", "[]", "{}") else ""
    return setting.description.replace("`", "") + choices + default
