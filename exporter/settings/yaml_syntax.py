"""From a file to YAML nodes, which know their lines; everything that can be wrong before settings are looked at."""

import re
from pathlib import Path

import yaml

from exporter.settings.faults import Fault, Place, SettingsError

_QUOTED = re.compile(r"'([^']*)'")
_HARMLESS = re.compile(r"<.*>|\\?.")


def compose(file: str) -> yaml.Node | None:
    """The root node of `file`; None when nothing is written in it.

    Raises:
        SettingsError: when the file cannot be read, or is no YAML.
    """
    text = _read(file)
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        hint = f"character U+{ord(text[error.position]):04X} is not allowed in YAML; remove it"
        raise SettingsError([Fault(_place(file, text[: error.position]), hint)]) from None
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        fault = _syntax_fault(file, error)
    except RecursionError:
        fault = Fault(_reached(file, loader), "nested too deeply; settings are a few levels deep")
    except (ValueError, OverflowError):
        # The scanner passes on what chr() and int() say of impossible escapes and versions.
        fault = Fault(_reached(file, loader), "an escape or a directive has an impossible number; correct it")
    finally:
        loader.dispose()
    raise SettingsError([fault])


def _reached(file: str, loader: yaml.SafeLoader) -> Place:
    mark = loader.get_mark()
    return Place(file, mark.line + 1, mark.column + 1)


def _read(file: str) -> str:
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise SettingsError([Fault(Place(file), f"cannot be read: {error.strerror or error}")]) from None
    except ValueError:
        raise SettingsError([Fault(Place(file), "cannot be read: this is no file name")]) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", errors="replace")
        hint = f"byte 0x{content[error.start]:02X} is not UTF-8; save the file as UTF-8"
        raise SettingsError([Fault(_place(file, before), hint)]) from None


def _place(file: str, before: str) -> Place:
    return Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _syntax_fault(file: str, error: yaml.MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    # A quoted word of the file may be a secret (`token: *hunter2`); tokens and single characters are not.
    problem = _QUOTED.sub(lambda match: match[0] if _HARMLESS.fullmatch(match[1]) else "", error.problem or "")
    if problem.startswith("but "):
        problem = f"{error.context}, {problem}"
    hint = "indent with spaces, not tabs" if "'\\t'" in problem else "correct the YAML here or just above"
    return Fault(place, f"{' '.join(problem.split())}; {hint}")
