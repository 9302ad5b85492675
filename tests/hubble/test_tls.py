"""TLS towards the Observer, with real certificates over real gRPC: every way to get it wrong has a word of its own."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from exporter.flow import Flow
from exporter.hubble.decode import Decoder
from exporter.hubble.interface import Connected, Disconnected, Event
from exporter.hubble.observer import Observer
from exporter.hubble.pb.flow import flow_pb2
from exporter.hubble.pb.observer import observer_pb2
from exporter.hubble.settings import HubbleSettings, SourcesSettings, TlsSettings
from exporter.hubble.tls import TlsFileError, expiries, read_files
from exporter.journal import hint_of
from tests.hubble.authority import PAST, UI, Authority, TlsServer
from tests.programs import DEADLINE


def flow(number: int) -> bytes:
    """A flow with a time and a port of its own."""
    message = flow_pb2.Flow(node_name="n", verdict=flow_pb2.FORWARDED)
    message.time.seconds = 1_700_000_000 + number
    message.l4.TCP.source_port, message.l4.TCP.destination_port = 10_000 + number, 443
    return observer_pb2.GetFlowsResponse(flow=message).SerializeToString()


def quiet(context: grpc.ServicerContext) -> Iterator[bytes]:
    """One flow, then nothing until the client leaves."""
    left = threading.Event()
    context.add_callback(left.set)
    yield flow(0)
    left.wait(DEADLINE)


def source(address: str, **tls: Path | str) -> Observer:
    """A client with these settings of TLS that tries again soon, and looks after its stream all the time."""
    settings = HubbleSettings(
        address=address,
        tls=TlsSettings.model_validate({"enabled": bool(tls), **{name: str(value) for name, value in tls.items()}}),
        backoff_min=0.001,
        backoff_max=0.05,
        check_interval=0.02,
        connect_timeout=5.0,
    )
    return Observer(settings, SourcesSettings(), Decoder(100), random.Random(0))  # noqa: S311, jitter


def first(observer: Observer) -> Event:
    """What comes of the first attempt: a flow, or why there is none."""
    watchdog = threading.Timer(DEADLINE, observer.stop)
    watchdog.start()
    try:
        for event in observer.events():
            if isinstance(event, Flow | Disconnected):
                return event
    finally:
        observer.stop()
        watchdog.cancel()
    pytest.fail("nothing came")


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    """The authority of the cluster."""
    return Authority(tmp_path, "cilium")


@pytest.fixture
def others(tmp_path: Path) -> Authority:
    """An authority that nobody here knows."""
    return Authority(tmp_path, "other")


def test_tls(ours: Authority) -> None:
    """A server whose certificate is signed by `ca-file` and has `server-name` is streamed from."""
    server = TlsServer(quiet, ours.server())
    assert isinstance(first(source(server.address, ca_file=ours.file, server_name=UI)), Flow)
    server.stop()


def test_mutual_tls(ours: Authority) -> None:
    """A server that asks for a certificate gets ours; an agent's has the name of its node."""
    mine = ours.client()
    server = TlsServer(quiet, ours.server("node-1.default.hubble-grpc.cilium.io"), clients=ours.pem)
    files = {"ca_file": ours.file, "cert_file": mine.certificate, "key_file": mine.key}
    name = "node-1.default.hubble-grpc.cilium.io"
    assert isinstance(first(source(server.address, **files, server_name=name)), Flow)
    server.stop()


def _fails(observer: Observer, reason: str, *words: str) -> None:
    ended = first(observer)
    assert isinstance(ended, Disconnected)
    assert ended.reason == reason, ended
    assert all(word in ended.detail for word in words), ended
    assert hint_of(ended.reason) != hint_of("anything else"), "it says what to change"


def test_wrong_authority(ours: Authority, others: Authority) -> None:
    """A certificate that `ca-file` did not sign."""
    server = TlsServer(quiet, ours.server())
    _fails(source(server.address, ca_file=others.file, server_name=UI), "tls_unknown_authority")
    server.stop()


def test_expired(ours: Authority) -> None:
    """A server's certificate that has ended."""
    server = TlsServer(quiet, ours.server(ends=PAST))
    _fails(source(server.address, ca_file=ours.file, server_name=UI), "tls_expired")
    server.stop()


@pytest.mark.parametrize("name", ["relay.example.com", ""])
def test_wrong_name(ours: Authority, name: str) -> None:
    """A certificate of another name; without `server-name` that of the address is looked for, which no relay has."""
    server = TlsServer(quiet, ours.server())
    _fails(source(server.address, ca_file=ours.file, server_name=name), "tls_wrong_name")
    server.stop()


def test_plaintext_against_tls(ours: Authority) -> None:
    """We speak plaintext, the server TLS: it hangs up, and we find out why."""
    server = TlsServer(quiet, ours.server())
    _fails(source(server.address), "tls_required", server.address)
    server.stop()


def test_tls_against_plaintext(ours: Authority) -> None:
    """We speak TLS, the server plaintext."""
    server = TlsServer(quiet, None)
    _fails(source(server.address, ca_file=ours.file, server_name=UI), "tls_not_spoken")
    server.stop()


def test_no_certificate_of_ours(ours: Authority) -> None:
    """A server that asks for a certificate and gets none."""
    server = TlsServer(quiet, ours.server(), clients=ours.pem)
    _fails(source(server.address, ca_file=ours.file, server_name=UI), "tls_certificate_refused", "no certificate")
    server.stop()


def test_a_certificate_of_ours_that_is_refused(ours: Authority, others: Authority) -> None:
    """A server that asks for a certificate and does not know who signed ours, or finds that it has ended."""
    server = TlsServer(quiet, ours.server(), clients=ours.pem)
    for mine in (others.client("strange"), ours.client("ended", ends=PAST)):
        files = {"ca_file": ours.file, "cert_file": mine.certificate, "key_file": mine.key}
        _fails(source(server.address, **files, server_name=UI), "tls_certificate_refused", "refuses our certificate")
    server.stop()


def test_a_server_that_is_gone_is_no_question_of_tls(ours: Authority) -> None:
    """Nobody listens: that is said, with TLS and without."""
    server = TlsServer(quiet, None)
    server.stop()
    _fails(source(server.address), "connection_refused")
    _fails(source(server.address, ca_file=ours.file), "connection_refused")


def test_files_that_cannot_be_used(tmp_path: Path, ours: Authority, others: Authority) -> None:
    """A file that is missing, empty, of another kind or of another key says which it is, and heals by itself."""
    mine, strange = ours.client(), others.client("strange")
    missing, empty = tmp_path / "missing.crt", tmp_path / "empty.crt"
    empty.touch()
    good = {"ca_file": ours.file, "cert_file": mine.certificate, "key_file": mine.key}
    for wrong, word in (
        ({"ca_file": missing}, "cannot be read: No such file"),
        ({"ca_file": empty}, "no certificate in PEM form"),
        ({"cert_file": mine.key}, "no certificate in PEM form"),
        ({"key_file": mine.certificate}, "no private key in PEM form"),
        ({"key_file": tmp_path}, "cannot be read: Is a directory"),
        ({"key_file": strange.key}, "does not belong to the certificate"),
    ):
        (name, file), *_ = wrong.items()
        _fails(source("127.0.0.1:1", **{**good, **wrong}), "tls_file", name.replace("_", "-"), str(file), word)


def test_a_passphrase(tmp_path: Path, ours: Authority) -> None:
    """A key with a passphrase is refused in so many words; the key itself is never in them."""
    mine = ours.client()
    lines = mine.key.read_text().splitlines()
    secret = lines[1]
    locked = tmp_path / "locked.key"
    locked.write_text(
        "\n".join([lines[0], "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-256-CBC,00" + "0" * 30, "", *lines[1:]])
    )
    settings = TlsSettings(enabled=True, cert_file=str(mine.certificate), key_file=str(locked))
    with pytest.raises(TlsFileError) as error:
        read_files(settings)
    assert secret not in str(error.value)
    assert str(locked) in str(error.value)


def test_expiry(ours: Authority) -> None:
    """When the first certificate of each file ends, as the files say; of the system's authorities nobody is told."""
    mine = ours.client(ends=PAST)
    with_ours = TlsSettings(
        enabled=True, ca_file=str(ours.file), cert_file=str(mine.certificate), key_file=str(mine.key)
    )
    ends = expiries(with_ours, read_files(with_ours))
    assert ends["client"] == PAST.timestamp()
    assert ends["ca"] > PAST.timestamp()
    for settings, names in (
        (TlsSettings(enabled=True, ca_file=str(ours.file)), {"ca"}),
        (TlsSettings(enabled=True), set()),
    ):
        assert set(expiries(settings, read_files(settings))) == names


def test_a_fault_of_tls_is_tried_again_at_the_longest_delay(
    ours: Authority, others: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trying soon is of no use, and a file that is corrected heals the stream by itself."""
    server = TlsServer(quiet, ours.server())
    ca_file = ours.folder / "ca.crt"
    ca_file.write_bytes(others.pem)
    observer = source(server.address, ca_file=ca_file, server_name=UI)
    waited: list[float] = []
    wait = observer._stopped.wait

    def note(timeout: float) -> bool:
        waited.append(timeout)
        ca_file.write_bytes(ours.pem)
        return wait(timeout)

    # The wait between two attempts is what is looked at.
    monkeypatch.setattr(observer._stopped, "wait", note)
    events = []
    for event in observer.events():
        events.append(event)
        if isinstance(event, Flow):
            observer.stop()
    server.stop()
    assert [type(event) for event in events[:3]] == [Disconnected, Connected, Flow]
    assert 0.04 <= waited[0] <= 0.06, "the longest delay, with its jitter of a fifth"


def test_rotation_under_load(ours: Authority, others: Authority) -> None:
    """Certificates that change on disk are used at once, once they work, and no flow is lost or comes twice."""
    mine = ours.client()
    bundle = ours.folder / "bundle.crt"
    bundle.write_bytes(ours.pem)
    progress = threading.Condition()
    sent = [0]

    def flowing(context: grpc.ServicerContext) -> Iterator[bytes]:
        left = threading.Event()
        context.add_callback(left.set)
        # What a ring does that holds everything: from the beginning, for the overlap covers all of it.
        for number in range(2000):
            yield flow(number)
            with progress:
                sent[0] = max(sent[0], number)
            if number % 100 == 99 and left.wait(0.005):
                return
        left.wait(DEADLINE)

    server = TlsServer(flowing, ours.server(), clients=ours.pem + others.pem)
    observer = source(
        server.address,
        ca_file=bundle,
        cert_file=mine.certificate,
        key_file=mine.key,
        server_name=UI,
    )
    seen: list[int] = []
    anew = 0
    rotated = False
    for event in observer.events():
        if isinstance(event, Disconnected):
            assert (event.reason, event.detail) == ("asked_anew", "the certificates have changed")
            anew += 1
        if isinstance(event, Flow) and not event.replayed:
            seen.append(event.source_port)
        if len(seen) == 500 and not rotated:
            rotated = True
            mine.write(others.signer.issue_cert("exporter.monitoring"))
        if anew and len(seen) == 2000:
            observer.stop()
    server.stop()
    assert seen == list(range(10_000, 12_000))
    assert anew >= 1
    assert server.calls == anew + 1


def test_certificates_that_do_not_work_are_not_used(ours: Authority, others: Authority) -> None:
    """The stream goes on with the old ones when the server refuses the new ones or they are half written."""
    mine = ours.client()
    tried = threading.Event()

    def until_tried(context: grpc.ServicerContext) -> Iterator[bytes]:
        left = threading.Event()
        context.add_callback(left.set)
        yield flow(0)
        tried.wait(DEADLINE)
        yield flow(1)
        left.wait(DEADLINE)

    server = TlsServer(until_tried, ours.server(), clients=ours.pem)
    files = {"ca_file": ours.file, "cert_file": mine.certificate, "key_file": mine.key}
    observer = source(server.address, **files, server_name=UI)
    attempts = 0
    events: list[Event] = []
    for event in observer.events():
        events.append(event)
        if isinstance(event, Flow) and not tried.is_set():
            mine.key.write_text("half")
            threading.Timer(0.1, lambda: mine.write(others.signer.issue_cert("x"))).start()
            threading.Timer(0.3, tried.set).start()
            attempts += 1
        elif isinstance(event, Flow):
            observer.stop()
    server.stop()
    assert [type(event) for event in events] == [Connected, Flow, Flow]
