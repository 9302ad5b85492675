"""A connection to a Valkey server that is made when it is needed, and made anew after every fault."""

from collections.abc import Sequence
from hashlib import sha1
from importlib import resources
from typing import Any

from redis.exceptions import NoScriptError, RedisError

from exporter.known.interface import StoreError
from exporter.known.settings import ValkeySettings
from exporter.known.valkey_faults import fault_of
from exporter.known.valkey_login import Login

_SCANNED = 1000
Command = Sequence[bytes | str | int]
Call = tuple[Sequence[bytes], Sequence[bytes | int]]
"""Keys and arguments of a script."""


class Script:
    """A script of the server, which knows it by its hash once it has seen it."""

    def __init__(self, file: str) -> None:
        self.text = resources.files("exporter.known").joinpath(file).read_bytes()
        self.sha = sha1(self.text, usedforsecurity=False).hexdigest()


class Link:
    """Asks the server. Every method but `close` raises StoreError when it does not answer, or refuses."""

    def __init__(self, settings: ValkeySettings) -> None:
        self._login = Login(settings)
        self._client = self._login.client()

    def ask(self, *commands: Command) -> list[Any]:
        """The answers to commands that are sent together, in which errors of single ones are values."""
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for command in commands:
                    pipeline.execute_command(*command)
                return pipeline.execute(raise_on_error=False)
        except (RedisError, OSError, UnicodeError) as error:
            # Not `from error`, whose text may hold the password.
            raise self._failed(error) from None
        except StoreError:
            self.close()
            raise

    def one(self, *command: bytes | str | int) -> Any:  # noqa: ANN401, answers are of any type
        """The answer to one command."""
        [answer] = self.checked(self.ask(command))
        return answer

    def run(self, script: Script, calls: Sequence[Call]) -> list[Any]:
        """The answers to calls of a script that are sent together."""
        sent = [(len(keys), *keys, *arguments) for keys, arguments in calls]
        answers = self.ask(*(("EVALSHA", script.sha, *call) for call in sent))
        unknown = [index for index, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        again = self.ask(*(("EVAL", script.text, *sent[index]) for index in unknown))
        for index, answer in zip(unknown, again, strict=True):
            answers[index] = answer
        return self.checked(answers)

    def scan(self, pattern: bytes) -> list[bytes]:
        """The keys like a pattern, each once; the server may name one several times."""
        keys: set[bytes] = set()
        cursor, more = 0, True
        while more:
            cursor, some = self.one("SCAN", cursor, "MATCH", pattern, "COUNT", _SCANNED)
            keys.update(some)
            more = cursor != 0
        return sorted(keys)

    def checked(self, answers: list[Any]) -> list[Any]:
        """The answers, when none of them is an error."""
        for answer in answers:
            if isinstance(answer, Exception):
                raise self._failed(answer)
        return answers

    def close(self) -> None:
        """Hang up; never raises."""
        self._client.close()

    def _failed(self, error: Exception) -> StoreError:
        self.close()
        self._login.check_authority()
        return self._login.error(fault_of(error), str(error) or type(error).__name__)
