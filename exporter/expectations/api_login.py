"""Who we are to an API server: one token for a session, wherever it comes from.

lightkube's own ways ask once more after a 401, for which its HTTP client reads that answer to an end that may never
come; and they wait for a plugin for ever. A session is new for each attempt, so whatever changed is read by the next.
"""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.expectations.api_answer import mapping

if TYPE_CHECKING:
    from lightkube import SingleConfig
    from lightkube.config.models import User, UserExec

_PLUGINS = "client.authentication.k8s.io"
_PLUGIN_VERSIONS = tuple(f"{_PLUGINS}/{version}" for version in ("v1", "v1beta1", "v1alpha1"))


def read_token_file(config: "SingleConfig", user: "User") -> None:
    """Put the token in place of the file that holds it; as kubectl has it, a file counts more than a token.

    Raises:
        OSError, ValueError: when it cannot be read.
    """
    if user.token_file is not None:
        file = Path(config.abs_file(user.token_file))
        user.token, user.token_file = file.read_text(encoding="utf-8").strip(), None


def ask_plugin(user: "User", seconds: float) -> None:
    """Put the token in place of the plugin that gives it, if one is needed; it has so many seconds.

    Raises:
        OSError, TypeError, ValueError: when it gives none.
    """
    if user.exec is not None and user.token is None:
        user.token, user.exec = _token(user.exec, seconds), None


def _token(plugin: "UserExec", seconds: float) -> str:
    if plugin.apiVersion not in _PLUGIN_VERSIONS:
        raise ValueError(f"plugins of version {plugin.apiVersion} cannot be used")
    # Plugins of version v1 may insist on being told what is wanted.
    wanted = {"apiVersion": plugin.apiVersion, "kind": "ExecCredential", "spec": {"interactive": False}}
    added = {variable.name: variable.value for variable in plugin.env or ()}
    environment = {**os.environ, **added, "KUBERNETES_EXEC_INFO": json.dumps(wanted)}
    said = _output([plugin.command, *(plugin.args or ())], environment, seconds)
    token = mapping(mapping(json.loads(said)).get("status")).get("token")
    if not isinstance(token, str):
        raise TypeError(f"plugin {plugin.command} gave no token")
    return token


def _output(command: list[str], environment: dict[str, str], seconds: float) -> bytes:
    pipe = subprocess.PIPE
    # The kubeconfig names it, for that purpose. In a session of its own: what it started ends with it.
    with subprocess.Popen(  # noqa: S603, as said
        command, env=environment, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True
    ) as process:
        try:
            output, complaint = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            raise TimeoutError(f"plugin {command[0]} gave no answer within {seconds:g} s") from error
    if process.returncode:
        raise ValueError(f"plugin {command[0]} ended with {process.returncode}: {complaint.decode(errors='replace')}")
    return output
