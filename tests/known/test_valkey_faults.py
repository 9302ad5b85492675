"""A Valkey or Redis server that is away, unwilling or full: what the store says of it, and that it heals by itself."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from traceback import format_exception

import pytest
import trustme
from redis.exceptions import ResponseError

from exporter.known.interface import Fact, Fault, Mark, Row, StoreError, What, WorkloadKey, seen
from exporter.known.valkey import ValkeyStore
from exporter.known.valkey_login import host_and_port
from tests.known.valkey_server import Saying, ValkeyServer, valkey_store
from tests.programs import eventually, free_port

SHOP, PAYPAL = WorkloadKey("prod", "shop", "checkout"), Mark(What.DESTINATION, "443/TCP paypal.com")
FACT = Fact(SHOP, PAYPAL, seen(1_790_000_000_123_456_789))
KNOWN = {PAYPAL: FACT.row}
SECRET = "correct horse battery"  # noqa: S105, the password of a server that ends with the test


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server to be bad to."""
    with ValkeyServer(tmp_path) as started:
        yield started


@pytest.fixture
def store(server: ValkeyServer) -> Iterator[ValkeyStore]:
    """An empty store."""
    opened = valkey_store(server.port)
    yield opened
    opened.close()


def fault_of(store: ValkeyStore, port: int) -> tuple[Fault, str]:
    """Why a merge fails, and what is said of it, which names the server."""
    with pytest.raises(StoreError) as raised:
        store.merge([FACT])
    place, _, said = raised.value.detail.partition(": ")
    assert place == f"Valkey server 127.0.0.1:{port}"
    assert SECRET not in "".join(format_exception(raised.value))
    return raised.value.fault, said


def is_busy(server: ValkeyServer) -> bool:
    """Whether it runs a script, and nothing else."""
    with suppress(ResponseError):
        server.ask("PING")
        return False
    return True


def test_a_server_that_was_away_is_used_again_by_itself(store: ValkeyStore, server: ValkeyServer) -> None:
    """While it is away each call says so; when it is back without its memory, facts that are merged again are there."""
    store.merge([FACT])
    server.stop()
    for _ in range(2):
        fault, said = fault_of(store, server.port)
        assert fault is Fault.UNREACHABLE
        assert "Connection refused" in said
        assert "known.valkey.address" in said
    server.start()
    assert store.load(SHOP) == {}
    assert store.merge([FACT]) == [None]
    assert store.load(SHOP) == KNOWN


def test_a_connection_that_the_server_ended_meanwhile_is_no_fault(store: ValkeyStore, server: ValkeyServer) -> None:
    """Servers hang up on the idle; the next call makes a new connection."""
    store.merge([FACT])
    server.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert store.load(SHOP) == KNOWN


def test_a_script_that_the_server_forgot_is_sent_again(store: ValkeyStore, server: ValkeyServer) -> None:
    """The answer is the same, for each workload of the batch."""
    other = FACT._replace(workload=WorkloadKey("", "", ""))
    store.merge([FACT])
    server.ask("SCRIPT", "FLUSH")
    assert store.merge([other, FACT]) == [None, FACT.row]


def test_a_server_that_hangs_is_not_waited_for(server: ValkeyServer) -> None:
    """An answer that does not come within the timeout is none; when the server goes on, so does the store."""
    store = valkey_store(server.port, timeout=0.1)
    store.merge([FACT])
    server.pause()
    fault, said = fault_of(store, server.port)
    assert (fault, "Timeout" in said) == (Fault.UNREACHABLE, True)
    # Now the kernel takes the new connection, and the server does not greet.
    assert fault_of(store, server.port)[0] is Fault.UNREACHABLE
    server.resume()
    patient = valkey_store(server.port)
    assert patient.load(SHOP) == KNOWN
    store.close()
    patient.close()


def test_a_server_that_takes_no_connection_is_not_waited_for() -> None:
    """As behind a network policy that drops packets."""
    with socket.socket() as full, ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        # The queue of the kernel is full after these; the next ones are not answered.
        for _ in range(4):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        port = full.getsockname()[1]
        store = valkey_store(port, timeout=0.1)
        fault, said = fault_of(store, port)
        assert (fault, "Timeout connecting" in said) == (Fault.UNREACHABLE, True)
        store.close()


def test_a_wrong_password_is_refused_and_never_shown(server: ValkeyServer) -> None:
    """No password, a wrong one, and one that the server does not want."""
    unwanted = valkey_store(server.port, password=SECRET)
    assert fault_of(unwanted, server.port)[0] is Fault.REFUSED
    server.ask("CONFIG", "SET", "requirepass", "another")
    for user, password in (("", ""), ("", SECRET), ("nobody", SECRET)):
        store = valkey_store(server.port, user=user, password=password)
        fault, said = fault_of(store, server.port)
        assert (fault, SECRET in said, "known.valkey" in said) == (Fault.REFUSED, False, True)
        store.close()
    unwanted.close()


def test_a_password_file_is_read_for_each_connection(server: ValkeyServer, tmp_path: Path) -> None:
    """A password that is rotated, on the server and in the file, is used from the next connection on."""
    file = tmp_path / "password"
    store = valkey_store(server.port, password_file=str(file), user="default")
    fault, said = fault_of(store, server.port)
    assert (fault, f"{file} cannot be read: No such file" in said) == (Fault.REFUSED, True)
    file.write_bytes(b"\xff")
    assert "no UTF-8 text" in fault_of(store, server.port)[1]
    server.ask("CONFIG", "SET", "requirepass", SECRET)
    file.write_text(f"{SECRET}\n")
    assert store.merge([FACT]) == [None]
    rotated = SECRET[::-1]
    server.ask("CONFIG", "SET", "requirepass", rotated, password=SECRET)
    server.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", password=rotated)
    assert fault_of(store, server.port)[0] is Fault.REFUSED
    file.write_text(rotated)
    assert store.load(SHOP) == KNOWN
    store.close()


def test_a_user_needs_the_keys_of_the_prefix_and_few_commands(server: ValkeyServer) -> None:
    """What the documentation asks for is enough, without INFO; a command that is missing is named."""
    commands = "+get +set +incrby +evalsha +eval +hget +hset +hdel +hlen +hgetall +expire +unlink +scan +select"
    server.ask("ACL", "SETUSER", "exporter", "on", f">{SECRET}", "~hubble-egress:*", *commands.split())
    store = valkey_store(server.port, user="exporter", password=SECRET, database=1, expire_pause=60)
    assert store.merge([FACT]) == [None]
    assert list(store.facts()) == [FACT]
    assert server.ask("DBSIZE") == 0, "the database is another"
    assert store.size()[:] == (1, 0)
    assert store.expire(FACT.row.last_ns + 1) == 1
    store.merge([FACT])
    assert store.forget(SHOP) == 1
    for command in ("hset", "evalsha", "get"):
        server.ask("ACL", "SETUSER", "exporter", f"-{command}")
        fault, said = fault_of(store, server.port)
        assert (fault, "permissions" in said, SECRET in said) == (Fault.REFUSED, True, False)
    store.close()


def test_a_full_server_can_be_read_and_emptied(store: ValkeyStore, server: ValkeyServer) -> None:
    """Nothing is merged; what is there can be read, expired and forgotten, and then there is room."""
    other = FACT._replace(mark=Mark(What.DNS))
    store.merge([FACT._replace(row=seen(1)), other])
    server.ask("CONFIG", "SET", "maxmemory", 1)
    guarded = valkey_store(server.port, expire_pause=3600)
    fault, said = fault_of(guarded, server.port)
    assert (fault, "maxmemory" in said) == (Fault.FULL, True)
    assert set(guarded.load(SHOP)) == {PAYPAL, other.mark}
    assert guarded.forget(SHOP, [other.mark]) == 1
    assert guarded.expire(2) == 1
    server.ask("CONFIG", "SET", "maxmemory", 0)
    assert guarded.merge([FACT]) == [None]
    guarded.close()


def test_an_empty_server_that_is_full_can_be_read(server: ValkeyServer) -> None:
    """That the schema cannot be noted is no reason not to look."""
    server.ask("CONFIG", "SET", "maxmemory", 1)
    store = valkey_store(server.port)
    assert store.load(SHOP) == {}
    assert fault_of(store, server.port)[0] is Fault.FULL
    store.close()


def test_a_replica_can_be_read_only(store: ValkeyStore, server: ValkeyServer) -> None:
    """After a failover the address may lead to the old primary; when it is one again, it is used again."""
    store.merge([FACT])
    server.ask("REPLICAOF", "127.0.0.1", free_port())
    connection = store._link.one("CLIENT", "ID")
    fault, said = fault_of(store, server.port)
    assert (fault, "primary" in said) == (Fault.READ_ONLY, True)
    assert store._link.one("CLIENT", "ID") > connection, "the address may lead elsewhere now"
    assert store.load(SHOP) == KNOWN
    server.ask("REPLICAOF", "NO", "ONE")
    assert store.merge([FACT]) == [FACT.row]


def test_a_server_that_runs_a_script_without_end_is_busy(store: ValkeyStore, server: ValkeyServer) -> None:
    """When the script is ended, the store goes on."""
    store.merge([FACT])
    server.ask("CONFIG", "SET", "lua-time-limit", 1)
    with socket.create_connection(("127.0.0.1", server.port)) as endless:
        endless.sendall(b'EVAL "while true do end" 0\r\n')
        eventually(lambda: is_busy(server), "a script without end")
        assert fault_of(store, server.port)[0] is Fault.BUSY
        server.ask("SCRIPT", "KILL")
        assert endless.recv(100).startswith(b"-")
    assert store.load(SHOP) == KNOWN


@pytest.mark.parametrize("schema", ["2", "10", "x", ""])
def test_what_a_newer_version_wrote_is_left_alone(server: ValkeyServer, schema: str) -> None:
    """Neither read nor written, until it is ours again."""
    server.ask("SET", "hubble-egress:schema", schema)
    store = valkey_store(server.port)
    fault, said = fault_of(store, server.port)
    assert (fault, f"schema {schema}" in said) == (Fault.NEWER_SCHEMA, True)
    assert server.ask("DBSIZE") == 1
    server.ask("SET", "hubble-egress:schema", "1")
    assert store.merge([FACT]) == [None]
    store.close()


def test_the_schema_is_noted(store: ValkeyStore, server: ValkeyServer) -> None:
    """Versions to come find out who wrote this."""
    store.load(SHOP)
    assert server.ask("GET", "hubble-egress:schema") == b"1"


def test_keys_of_another_program_are_not_touched(store: ValkeyStore, server: ValkeyServer) -> None:
    """What stands where a workload belongs, and is none, is a fault with a way out."""
    server.ask("SET", "hubble-egress:known:prod/shop/checkout", "x")
    fault, said = fault_of(store, server.port)
    assert (fault, "known.valkey.prefix" in said, "script" in said) == (Fault.CORRUPT, True, False)


def test_a_workload_that_cannot_be_merged_does_not_keep_the_others_out(
    store: ValkeyStore, server: ValkeyServer
) -> None:
    """All or nothing holds for each workload of a batch."""
    server.ask("SET", "hubble-egress:known:prod/shop/cart", "x")
    with pytest.raises(StoreError):
        store.merge([FACT._replace(workload=WorkloadKey("prod", "shop", "cart")), FACT])
    assert store.load(SHOP) == KNOWN


def test_a_number_that_cannot_be_kept_takes_no_answer_away(store: ValkeyStore, server: ValkeyServer) -> None:
    """What is merged and forgotten is answered though the number of facts is not; expiry sets it right."""
    number, dns = "hubble-egress:entries", Mark(What.DNS)
    server.ask("SET", number, "x")
    assert store.merge([FACT, FACT._replace(mark=dns)]) == [None, None]
    assert store.forget(SHOP, [dns]) == 1
    assert (store.load(SHOP), store.size().entries, server.ask("GET", number)) == (KNOWN, 0, b"x")
    assert store.expire(0) == 0
    assert store.size().entries == 1
    server.ask("SET", number, "x")
    assert store.expire(FACT.row.last_ns + 1) == 1
    assert store.size().entries == 0


ANSWERS = [
    (b"-LOADING Redis is loading the dataset in memory", Fault.BUSY),
    (b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", Fault.BUSY),
    (b"-CLUSTERDOWN The cluster is down", Fault.BUSY),
    (b"-TRYAGAIN Multiple keys request during rehashing of slot", Fault.BUSY),
    (b"-BUSY Redis is busy running a script.", Fault.BUSY),
    (b"-ERR max number of clients reached", Fault.BUSY),
    (b"-NOREPLICAS Not enough good replicas to write.", Fault.BUSY),
    (b"-NOAUTH Authentication required.", Fault.REFUSED),
    (b"-DENIED Redis is running in protected mode because protected mode is enabled", Fault.REFUSED),
    (b"-NOPERM this user has no permissions to run the 'get' command", Fault.REFUSED),
    (b"-ERR wrong number of arguments for 'auth' command", Fault.REFUSED),
    (b"-OOM command not allowed when used memory > 'maxmemory'.", Fault.FULL),
    (b"-ERR Error running script: @user_script: 1: -OOM command not allowed when used memory", Fault.FULL),
    (b"-ERR Error running script: @user_script: 1: -READONLY You can't write against", Fault.READ_ONLY),
    (b"-ERR Error running script: @user_script: 1: -NOPERM this user", Fault.REFUSED),
    (b"-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to", Fault.READ_ONLY),
    (b"-MOVED 3999 10.0.0.2:6381", Fault.OTHER),
    (b"-ERR unknown command 'GET'", Fault.OTHER),
    (b"HTTP/1.1 400 Bad Request", Fault.OTHER),
]


@pytest.mark.parametrize(("line", "fault"), ANSWERS)
def test_what_servers_say_has_a_fault(line: bytes, fault: Fault) -> None:
    """Every refusal that is known of servers, old ones too, is one of ours."""
    with Saying(line) as server:
        store = valkey_store(server.port)
        assert fault_of(store, server.port)[0] is fault
        assert server.asked == 1, "what may have been carried out is not asked again"
        store.close()


@pytest.mark.parametrize(
    "said", [f"unknown command 'AUTH', with args beginning with: '{SECRET[:12]}'", f"what is {SECRET}"]
)
def test_a_server_that_repeats_the_password_is_not_cited(said: str) -> None:
    """Servers that do not know a command repeat its arguments."""
    with Saying(f"-ERR {said}".encode()) as server:
        store = valkey_store(server.port, password=SECRET)
        assert "correct" not in fault_of(store, server.port)[1]
        store.close()


@pytest.mark.parametrize("address", ["", "host.invalid:6379", f"{'a' * 70}.example:1"])
def test_an_address_that_leads_nowhere_is_unreachable(address: str) -> None:
    """Names that do not exist, and such that cannot."""
    store = valkey_store(1, address=address)
    with pytest.raises(StoreError) as raised:
        store.load(SHOP)
    assert raised.value.fault is Fault.UNREACHABLE
    store.close()


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("valkey.monitoring:6380", ("valkey.monitoring", 6380)),
        ("valkey", ("valkey", 6379)),
        ("[2001:db8::1]:6380", ("2001:db8::1", 6380)),
        ("[2001:db8::1]", ("2001:db8::1", 6379)),
        ("2001:db8::1", ("2001:db8::1", 6379)),
    ],
)
def test_an_address_has_a_host_and_a_port(address: str, parts: tuple[str, int]) -> None:
    """Also IPv6, and the usual port when none is given."""
    assert host_and_port(address) == parts


def test_tls_trusts_the_authority_of_the_settings(tmp_path: Path) -> None:
    """A server whose certificate the authority signed is used; another authority is a refusal."""
    authority, other = trustme.CA(), trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "tls.key")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "tls.crt")
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    other.cert_pem.write_to_path(tmp_path / "other.crt")
    files = ("--tls-cert-file", str(tmp_path / "tls.crt"), "--tls-key-file", str(tmp_path / "tls.key"))
    port = str(free_port())
    with ValkeyServer(tmp_path, "--port", "0", "--tls-port", port, *files, "--tls-auth-clients", "no"):
        store = valkey_store(int(port), tls=True, ca_file=str(tmp_path / "ca.crt"))
        assert store.merge([FACT]) == [None]
        store.close()
        for file in (str(tmp_path / "other.crt"), ""):
            store = valkey_store(int(port), tls=True, ca_file=file)
            fault, said = fault_of(store, int(port))
            assert (fault, "certificate verify failed" in said) == (Fault.REFUSED, True)
            store.close()
        missing = valkey_store(int(port), tls=True, ca_file=str(tmp_path / "missing.crt"))
        fault, said = fault_of(missing, int(port))
        assert (fault, "missing.crt cannot be read: No such file" in said) == (Fault.REFUSED, True)
        missing.close()
        plain = valkey_store(int(port))
        assert fault_of(plain, int(port))[0] is Fault.UNREACHABLE
        plain.close()


def test_a_row_keeps_every_nanosecond(store: ValkeyStore) -> None:
    """Numbers of the server's scripts would lose the last digits."""
    row = Row(1_790_000_000_123_456_787, 1_790_000_000_123_456_791, 1_790_000_000_123_456_789)
    store.merge([FACT._replace(row=row)])
    store.merge([FACT._replace(row=row._replace(first_ns=row.first_ns + 1, last_ns=row.last_ns - 1))])
    assert store.load(SHOP)[PAYPAL] == row
