"""Where the API server is and who we are, from the own pod or from a kubeconfig file."""

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from exporter.documents.faults import Fault, Place
from exporter.expectations.api_server import Session
from exporter.expectations.files import ExpectationsError
from exporter.expectations.settings import KubernetesSettings
from exporter.expectations.trouble import ApiError, Trouble

if TYPE_CHECKING:
    from httpx2 import Client
    from lightkube import SingleConfig
    from lightkube.config.models import User

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_MISSING = "the package lightkube is not installed; install hubble-egress-exporter[kubernetes]"
_IN_CLUSTER = "run in a pod with a service account token, or name a file with expectations.kubernetes.kubeconfig"
_EXEC_V1 = "client.authentication.k8s.io/v1"
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
        _client(settings).close()
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
        return Session(_client(settings), settings)
    except Exception as error:
        raise ApiError(Trouble.UNREACHABLE, _told(error)) from error


def _client(settings: KubernetesSettings) -> "Client":
    from lightkube import KubeConfig  # noqa: PLC0415, who reads no cluster need not have it
    from lightkube.config.client_adapter import Client, ConnectionParams  # noqa: PLC0415, the same

    if not settings.kubeconfig:
        config = KubeConfig.from_service_account(SERVICE_ACCOUNT).get()
        # A proxy that the environment names is for the way out of the cluster, and cannot know its service addresses.
        return Client(_certain(config), ConnectionParams(trust_env=False))
    path = Path(settings.kubeconfig).expanduser()
    config = KubeConfig.from_dict(_kubeconfig(path), path).get(settings.context or None)
    return Client(_certain(config), ConnectionParams())


def _kubeconfig(path: Path) -> dict[str, object]:
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(read, dict):
        raise TypeError("it is no mapping")
    for entry in read.get("clusters") or ():
        cluster = entry.get("cluster") if isinstance(entry, Mapping) else None
        if isinstance(cluster, Mapping) and (found := [name for name in _NOT_READ if cluster.get(name)]):
            raise ValueError(f"{', '.join(found)} of cluster {entry.get('name')} cannot be used here")
    return read


def _certain(config: "SingleConfig | None") -> "SingleConfig":
    if config is None or config.user is None:
        raise ValueError("the context names no user")
    _tell_plugin(config.user)
    return config


def _tell_plugin(user: "User") -> None:
    """Plugins of version v1 may insist on being told what is wanted; their tokens come as those of v1beta1 do."""
    from lightkube.config.models import NameValue  # noqa: PLC0415, as above

    plugin = user.exec
    if plugin is None:
        return
    wanted = {"apiVersion": plugin.apiVersion, "kind": "ExecCredential", "spec": {"interactive": False}}
    plugin.env = [*(plugin.env or ()), NameValue("KUBERNETES_EXEC_INFO", json.dumps(wanted))]
    if plugin.apiVersion == _EXEC_V1:
        plugin.apiVersion = f"{_EXEC_V1}beta1"


def _refusal(name: str, text: str) -> ExpectationsError:
    return ExpectationsError([Fault(Place(name), text)])


def _told(error: Exception) -> str:
    told = " ".join(str(error).split()) or type(error).__name__
    return f"no {told}" if isinstance(error, KeyError) else told
