"""Reading runbooks: chapters, blocks of code, and the commands and queries in them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from promql_parser import Expr

from tests.rules.reading import ROOT, parsed

FOLDER = ROOT / "deploy" / "runbooks"
CHAPTERS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "False positive"]
SHELL = ("", "sh", "bash", "console", "shell")
_ENDS = {"|", "||", "&&", ";", "&", "|&"}
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Runbook:
    """One page."""

    name: str
    text: str

    @cached_property
    def chapters(self) -> dict[str, str]:
        """Text by heading of the second level, in their order."""
        # A block may have such a line too, as a comment.
        text = _BLOCK.sub(lambda block: block[0].replace("\n## ", "\n\0## "), self.text)
        parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
        return {head: text.replace("\0", "") for head, text in zip(parts[1::2], parts[2::2], strict=True)}

    @property
    def title(self) -> str:
        """The first line."""
        return self.text.partition("\n")[0]


def blocks(text: str, *languages: str) -> list[str]:
    """The blocks of code in these languages."""
    return [block[3] for block in _BLOCK.finditer(text) if block[2] in languages]


def prose(text: str) -> str:
    """The text without its blocks."""
    return _BLOCK.sub("", text)


def commands(text: str) -> Iterator[list[str]]:
    """Every command, word by word; what stands behind a pipe is one of its own."""
    for block in blocks(text, *SHELL):
        for line in block.replace("\\\n", " ").splitlines():
            yield from _of_line(line.strip().removeprefix("$ "))


def _of_line(line: str) -> Iterator[list[str]]:
    words = shlex.shlex(line, posix=True, punctuation_chars="|;&>")
    words.whitespace_split = True
    command: list[str] = []
    is_target = False
    for word in (*words, ";"):
        if word in _ENDS:
            yield from _inner(command)
            command = []
        elif not is_target and not word.startswith(">"):
            command.append(word)
        is_target = word.startswith(">")


def _inner(command: list[str]) -> Iterator[list[str]]:
    """The command, and the one that it starts in a pod (`kubectl exec … -- command`)."""
    if command:
        yield command
    if "--" in command:
        yield command[command.index("--") + 1 :]


def queries(text: str) -> Iterator[Expr]:
    """Every query of the blocks in PromQL: one a block, or several divided by comments, empty lines or lines."""
    for block in blocks(text, "promql"):
        for part in re.split(r"^\s*(?:#.*)?$", block, flags=re.MULTILINE):
            if part.strip():
                yield from _of_part(part)


def _of_part(part: str) -> list[Expr]:
    """The longest beginning that is a query, then the rest."""
    lines, found = part.strip().splitlines(), []
    while lines:
        for length in range(len(lines), 0, -1):
            try:
                found.append(parsed("\n".join(lines[:length])))
            except ValueError:
                if length == 1:
                    raise
            else:
                lines = lines[length:]
                break
    return found


def runbooks() -> dict[str, Runbook]:
    """All runbooks, by name."""
    return {path.stem: Runbook(path.stem, path.read_text()) for path in sorted(FOLDER.glob("*.md"))}


def of_text(text: str, name: str = "HubbleEgressExample") -> Runbook:
    """A runbook with this text."""
    return Runbook(name, text)


def files_of(folder: Path, texts: list[str]) -> list[str]:
    """Each text as a file."""
    paths = [folder / f"{number}.yaml" for number, _ in enumerate(texts)]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return [str(path) for path in paths]
