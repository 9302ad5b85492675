"""In a pod the service account says who asks, over TLS, and its token may change at any time."""

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme

from exporter.expectations import api_access
from exporter.expectations.api_access import connect
from exporter.expectations.files import ExpectationsError
from exporter.expectations.interface import Expectation
from exporter.expectations.kinds import KINDS
from exporter.expectations.settings import ExpectationsSettings, KubernetesSettings
from exporter.expectations.trouble import ApiError, Trouble
from tests.expectations.fake_api import TOKEN, FakeApi
from tests.expectations.following import Following
from tests.programs import eventually

SETTINGS = KubernetesSettings(enabled=True, rebuild_interval=0.0, first_delay=0.02, longest_delay=0.05, timeout=600.0)


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    """An API server over TLS, and what Kubernetes puts into a pod."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    fake = FakeApi()
    fake.start(context)
    (tmp_path / "token").write_text(TOKEN)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    (tmp_path / "namespace").write_text("monitoring")
    monkeypatch.setattr(api_access, "SERVICE_ACCOUNT", str(tmp_path))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(fake.port))
    yield fake
    fake.stop()


def test_service_account(api: FakeApi) -> None:
    """Policies are followed, and who stops does not wait for the next event."""
    api.put("networkpolicies", "a", "shop", spec={"podSelector": {}, "policyTypes": ["Egress"]})
    run = Following(ExpectationsSettings(kubernetes=SETTINGS))
    run.becomes(Expectation.UNEXPECTED)
    api.delete("networkpolicies", "a", "shop")
    run.becomes(Expectation.NOT_COVERED)
    run.stop()


@pytest.mark.usefixtures("api")
def test_token_that_changes(tmp_path: Path) -> None:
    """The next list or watch brings the new token."""
    (tmp_path / "token").write_text("of yesterday")
    run = Following(ExpectationsSettings(kubernetes=SETTINGS))
    eventually(lambda: run.state("services").trouble is Trouble.UNAUTHORIZED, "a refusal")
    (tmp_path / "token").write_text(TOKEN)
    run.settle()
    run.stop()


def test_refusal_that_has_no_end(api: FakeApi, tmp_path: Path) -> None:
    """Who does not take our token need not say why at any length: after 64 KiB nobody listens."""
    (tmp_path / "token").write_text("of yesterday")
    api.refuses_without_end = True
    run = Following(ExpectationsSettings(kubernetes=SETTINGS))
    eventually(lambda: run.state("services").ends[Trouble.UNAUTHORIZED] > 1, "refusals")
    run.stop()


@pytest.mark.usefixtures("api")
def test_token_of_a_line(tmp_path: Path) -> None:
    """A line break at the end of the file is not of the token."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    run = Following(ExpectationsSettings(kubernetes=SETTINGS))
    run.settle()
    run.stop()


def test_proxy_of_the_environment(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy is for the way out of the cluster: the own API server is reached without it, whatever NO_PROXY says."""
    for name in ("HTTPS_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    run = Following(ExpectationsSettings(kubernetes=SETTINGS))
    run.settle()
    run.stop()
    assert api.requests


def test_server_that_nobody_vouches_for(api: FakeApi, tmp_path: Path) -> None:
    """The token is sent to no server whose certificate is of another authority."""
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    run = Following(ExpectationsSettings(kubernetes=SETTINGS))
    eventually(lambda: run.state("services").trouble is Trouble.UNREACHABLE, "a refusal")
    run.stop()
    assert not api.requests


def test_end_before_tls(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who stops while a connection is made shuts it when TLS has begun, and before anything is said."""
    session = connect(SETTINGS)
    opened, shut = session._opened, []

    def told(step: str, what: Mapping[str, Any]) -> None:
        opened(step, what)
        if step.endswith(".complete"):
            shut.append((step.rpartition(".")[0].rpartition(".")[2], session._socket is not None))

    monkeypatch.setattr(session, "_opened", told)
    session.stop()
    with pytest.raises(ApiError):
        session.page(KINDS[0], KINDS[0].versions[0], "", 1)
    session.close()
    assert shut[:2] == [("connect_tcp", False), ("start_tls", True)]
    assert not api.requests


def test_without_a_token(api: FakeApi, tmp_path: Path) -> None:
    """A pod whose token is not mounted cannot follow anything: bad use."""
    (tmp_path / "token").unlink()
    assert not api.requests
    with pytest.raises(ExpectationsError, match=r"No such file .*token.*; run in a pod with a service account"):
        Following(ExpectationsSettings(kubernetes=SETTINGS))
