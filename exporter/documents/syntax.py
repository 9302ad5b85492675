"""From a file to YAML nodes, which know their lines; everything that can be wrong before a value is looked at."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import yaml

from exporter.documents.faults import DocumentError, Fault, Place

T = TypeVar("T")

_DEEPEST = 100
_QUOTED = re.compile(r"'([^']*)'")
_HARMLESS = re.compile(r"<.*>|\\?.")


def compose(file: str) -> yaml.Node | None:
    """The root node of `file`; None when nothing is written in it.

    Raises:
        DocumentError: when the file cannot be read, or is no YAML.
    """
    return _composed(file, _read(file), lambda loader: loader.get_single_node())


def compose_all(file: str) -> list[yaml.Node]:
    """The root nodes of all documents in `file`.

    Raises:
        DocumentError: when the file cannot be read, or is no YAML.
    """
    return compose_text(file, _read(file))


def compose_text(file: str, text: str) -> list[yaml.Node]:
    """The same of a text that stands, or would stand, in this file.

    Raises:
        DocumentError: when it is no YAML.
    """
    try:
        # The C library takes a tenth of the time; what is wrong, the other one says better.
        if not _is_deep(text):
            return list(_documents(yaml.CSafeLoader(text)))
    except (yaml.YAMLError, ValueError, OverflowError):
        pass
    return _composed(file, text, lambda loader: list(_documents(loader)))


def _is_deep(text: str) -> bool:
    """Whether nodes are nested so deeply that the C library, which asks nobody, would run out of stack and crash."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                return True
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return False


def _documents(loader: yaml.SafeLoader | yaml.CSafeLoader) -> Iterator[yaml.Node]:
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                yield node
    finally:
        loader.dispose()


def _composed(file: str, text: str, read: Callable[[yaml.SafeLoader], T]) -> T:
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        hint = f"character U+{ord(text[error.position]):04X} is not allowed in YAML; remove it"
        raise DocumentError([Fault(_place(file, text[: error.position]), hint)]) from None
    try:
        return read(loader)
    except yaml.MarkedYAMLError as error:
        fault = _syntax_fault(file, error)
    except RecursionError:
        fault = Fault(
            _reached(file, loader), "nested too deeply; nothing that is read here is more than a few levels deep"
        )
    except (ValueError, OverflowError):
        # The scanner passes on what chr() and int() say of impossible escapes and versions.
        fault = Fault(_reached(file, loader), "an escape or a directive has an impossible number; correct it")
    finally:
        loader.dispose()
    raise DocumentError([fault])


def _reached(file: str, loader: yaml.SafeLoader) -> Place:
    mark = loader.get_mark()
    return Place(file, mark.line + 1, mark.column + 1)


def _read(file: str) -> str:
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise DocumentError([Fault(Place(file), f"cannot be read: {error.strerror or error}")]) from None
    except ValueError:
        raise DocumentError([Fault(Place(file), "cannot be read: this is no file name")]) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", errors="replace")
        hint = f"byte 0x{content[error.start]:02X} is not UTF-8; save the file as UTF-8"
        raise DocumentError([Fault(_place(file, before), hint)]) from None


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
