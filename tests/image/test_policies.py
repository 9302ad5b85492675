"""The image follows the policies of a cluster, as a pod with a service account does."""

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from tests.expectations.fake_api import TOKEN, FakeApi
from tests.image.conftest import Image
from tests.image.running import Container
from tests.image.tools import HARDENED
from tests.programs import eventually, free_port, value_of

_LIVE = ("--hubble.address", "127.0.0.1:1", "--known.store", "memory", "--expectations.kubernetes.enabled", "true")
_RULES = 'hubble_egress_exporter_expectation_rules{kind="NetworkPolicy",source="policies"}'
_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_POLICY = {"podSelector": {}, "egress": [{"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}]}]}


class Cluster(NamedTuple):
    """An API server, and the flags of podman that give a container what Kubernetes gives a pod."""

    api: FakeApi
    given: tuple[str, ...]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """One over TLS on loopback, with a policy."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    account = tmp_path / "account"
    account.mkdir()
    account.chmod(0o755)
    (account / "token").write_text(TOKEN)
    (account / "namespace").write_text("hubble-egress")
    authority.cert_pem.write_to_path(str(account / "ca.crt"))
    api = FakeApi()
    api.put("networkpolicies", "a", "shop", spec=_POLICY)
    api.start(context)
    where = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(api.port)}
    variables = (part for name, value in where.items() for part in ("--env", f"{name}={value}"))
    yield Cluster(api, (*variables, "--volume", f"{account}:{_ACCOUNT}:ro"))
    api.stop()


def _has_rules(container: Container, number: int) -> None:
    eventually(lambda: value_of(container.get("/metrics"), _RULES) == number, f"{number} rules")


def test_policies_are_followed(image: Image, cluster: Cluster) -> None:
    """What is there is read, what comes and goes is seen, and the token is not told."""
    with Container(image, "run", *_LIVE, given=cluster.given, port=free_port()) as container:
        _has_rules(container, 1)
        cluster.api.put("networkpolicies", "b", "shop", spec=_POLICY)
        _has_rules(container, 2)
        cluster.api.delete("networkpolicies", "a", "shop")
        _has_rules(container, 1)
        assert container.events("objects_not_read") == []
        assert container.stop() == 0
        assert TOKEN not in container.log()


def test_an_api_server_that_does_not_answer(image: Image, cluster: Cluster) -> None:
    """It goes on, and says what it could not do."""
    cluster.api.stop()
    with Container(image, "run", *_LIVE, given=cluster.given, port=free_port()) as container:
        eventually(lambda: bool(container.events("objects_not_read")), "a line of the log")
        line = container.events("objects_not_read")[0]
        assert (line["level"], line["reason"]) == ("warning", "unreachable")
        assert "may the pod reach the API server" in line["hint"]
        assert container.get("/-/healthy")
        assert container.stop() == 0


def test_no_service_account(image: Image) -> None:
    """Without a token there is nothing to follow: it ends with 2, and says what to do."""
    command = image.tools.podman("run", "--rm", *HARDENED, image.tag, "run", *_LIVE)
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "run in a pod with a service account token" in ended.stderr
