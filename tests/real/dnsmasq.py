"""dnsmasq, a real DNS server: it answers on loopback, from the records that a test gives it, and asks nobody else."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from dns.exception import DNSException
from dns.message import make_query
from dns.query import tcp

from tests.programs import eventually, free_port, required

_ALONE = (
    # In the foreground, with no child per TCP query, and as whoever tests: only debug mode has all of that.
    "--no-daemon",
    "--conf-file=/dev/null",
    "--no-resolv",
    "--no-hosts",
    "--listen-address=127.0.0.1",
    "--bind-interfaces",
)
# Digest of the root's key: any would do, for nothing that our servers say is signed.
_KEY = "20326,8,2,E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"


@contextmanager
def dnsmasq(*records: str) -> Iterator[int]:
    """A server with these options; its port, on which it answers by UDP and TCP."""
    port = free_port()
    command = [required("dnsmasq"), *_ALONE, f"--port={port}", *records]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            eventually(lambda: server.poll() is not None or _answers(port), "a dnsmasq that answers")
            assert server.poll() is None, server.communicate()[1]
            yield port
        finally:
            server.kill()


def distrusting(domain: str, port: int) -> tuple[str, ...]:
    """Options of a server that asks another one for a domain, and wants its answers signed by a key we made up."""
    return (
        "--dnssec",
        *(f"--trust-anchor={signed},{_KEY}" for signed in (".", domain)),
        f"--server=/{domain}/127.0.0.1#{port}",
    )


def _answers(port: int) -> bool:
    # By TCP: a datagram to a port where nobody listens yet is lost without a word.
    try:
        tcp(make_query("ready.invalid.", "A"), "127.0.0.1", port=port, timeout=10)
    except (OSError, EOFError, DNSException):
        return False
    return True
