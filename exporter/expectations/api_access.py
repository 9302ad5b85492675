"""Where the API server is and who we are, from the own pod or from a kubeconfig file."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from exporter.documents.faults import Fault, Place
from exporter.expectations.api_login import ask_plugin, read_token_file
from exporter.expectations.api_server import Session
from exporter.expectations.files import ExpectationsError
from exporter.expectations.settings import KubernetesSettings
from exporter.expectations.trouble import ApiError, Trouble

if TYPE_CHECKING:
    from httpx2 import Client
    from lightkube import SingleConfig

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_MISSING = "the package lightkube is not installed; install hubble-egress-exporter[kubernetes]"
_IN_CLUSTER = "run in a pod with a service account token, or name a file with expectations.kubernetes.kubeconfig"
_NOT_READ = ("proxy-url", "tls-server-name")
"""Of a cluster in a kubeconfig, what the library would pass over in silence."""


def check_access(settings: KubernetesSettings) -> None:
    """Whether it is said how to reach an API server; whether one answers is another question.

    Raises:
        ExpectationsError: when it is not, or the package that reads it is not installed.
    """
    if find_spec("lightkube") is None:
        raise _refusal("expectations.kubernetes.enabled", _MISSING)
    try:
        _client(settings, asks=False).close()
    except Exception as error:
        # Whatever is wrong with a file, its reader says it in its own way.
        name, hint = ("expectations.kubernetes.kubeconfig", "") if settings.kubeconfig else ("", f"; {_IN_CLUSTER}")
        raise _refusal(name or "expectations.kubernetes.enabled", f"{_told(error)}{hint}") from error


def connect(settings: KubernetesSettings) -> Session:
    """A new connection: tokens and certificates are read anew for each.

    Raises:
        ApiError: when they cannot be read.
    """
    try:
        return Session(_client(settings, asks=True), settings)
    except Exception as error:
        raise ApiError(Trouble.UNREACHABLE, _told(error)) from error


def _client(settings: KubernetesSettings, *, asks: bool) -> "Client":
    """`asks`: a plugin is asked for a token, which a session needs and a look at the settings does not."""
    from lightkube.config.client_adapter import Client, ConnectionParams  # noqa: PLC0415, who reads no cluster need not

    config = _config(settings)
    if config is None or config.user is None:
        raise ValueError("the context names no user")
    read_token_file(config, config.user)
    if asks:
        ask_plugin(config.user, settings.timeout)
    # A proxy that the environment names is for the way out of the cluster, and cannot know its service addresses.
    return Client(config, ConnectionParams(trust_env=bool(settings.kubeconfig)))


def _config(settings: KubernetesSettings) -> "SingleConfig | None":
    from lightkube import KubeConfig  # noqa: PLC0415, who reads no cluster need not have it

    if not settings.kubeconfig:
        return KubeConfig.from_service_account(SERVICE_ACCOUNT).get()
    path = Path(settings.kubeconfig).expanduser()
    return KubeConfig.from_dict(_kubeconfig(path), path).get(settings.context or None)


def _kubeconfig(path: Path) -> dict[str, object]:
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(read, dict):
        raise TypeError("it is no mapping")
    for entry in read.get("clusters") or ():
        cluster = entry.get("cluster") if isinstance(entry, Mapping) else None
        if isinstance(cluster, Mapping) and (found := [name for name in _NOT_READ if cluster.get(name)]):
            raise ValueError(f"{', '.join(found)} of cluster {entry.get('name')} cannot be used here")
    return read


def _refusal(name: str, text: str) -> ExpectationsError:
    return ExpectationsError([Fault(Place(name), text)])


def _told(error: Exception) -> str:
    told = " ".join(str(error).split()) or type(error).__name__
    return f"no {told}" if isinstance(error, KeyError) else told
