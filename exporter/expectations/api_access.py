"""Where the API server is and who we are, from the own pod or from a kubeconfig file."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from exporter.documents.faults import Fault, Place
from exporter.expectations.api_server import Session
from exporter.expectations.files import ExpectationsError
from exporter.expectations.settings import KubernetesSettings
from exporter.expectations.trouble import ApiError, Trouble

if TYPE_CHECKING:
    from kubernetes.client import Configuration

_MISSING = "the package kubernetes is not installed; install hubble-egress-exporter[kubernetes]"
_IN_CLUSTER = "run in a pod with a service account token, or name a file with expectations.kubernetes.kubeconfig"


def check_access(settings: KubernetesSettings) -> None:
    """Whether it is said how to reach an API server; whether one answers is another question.

    Raises:
        ExpectationsError: when it is not, or the package that reads it is not installed.
    """
    if find_spec("kubernetes") is None:
        raise _refusal("expectations.kubernetes.enabled", _MISSING)
    try:
        _configuration(settings)
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
        return Session(_configuration(settings), settings)
    except Exception as error:
        raise ApiError(Trouble.UNREACHABLE, _told(error)) from error


def _configuration(settings: KubernetesSettings) -> "Configuration":
    from kubernetes.client import Configuration  # noqa: PLC0415, who reads no cluster need not have it
    from kubernetes.config import load_incluster_config, load_kube_config  # noqa: PLC0415, the same

    configuration = Configuration()
    if settings.kubeconfig:
        load_kube_config(  # type: ignore[no-untyped-call] # untyped in the library
            settings.kubeconfig,
            context=settings.context or None,
            client_configuration=configuration,
            persist_config=False,
        )
    else:
        load_incluster_config(configuration)  # type: ignore[no-untyped-call] # the same
    # It is tried again by us, and what became of a peer that says nothing is found out by the kernel.
    configuration.retries, configuration.keep_alive = False, True
    return configuration


def _refusal(name: str, text: str) -> ExpectationsError:
    return ExpectationsError([Fault(Place(name), text)])


def _told(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
