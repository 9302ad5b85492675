"""A pod of shop/web that asks a real resolver by a stub resolver of its own, and connects to what it is given."""

import io
import json
from pathlib import Path
from typing import Any

from dns.resolver import NXDOMAIN, NoNameservers, Resolver

from exporter.destinations.directory import Destinations
from exporter.destinations.settings import DestinationsSettings
from exporter.flow import Dns, Flow
from exporter.hubble.decode import Decoder
from exporter.hubble.lines import decode_line
from tests.programs import DEADLINE
from tests.real.dns_lines import connection_line
from tests.real.recorder import Recorder

_RESOLV_CONF = """
search shop.svc.cluster.local svc.cluster.local cluster.local
nameserver 127.0.0.1
options ndots:5
"""


class Pod:
    """What it does, in the order of time, and what Hubble shows of that."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder, self._connections = recorder, 0
        self._resolver = Resolver(io.StringIO(_RESOLV_CONF))
        self._resolver.port = recorder.port
        # It asks again when it loses patience, and every query is counted here.
        self._resolver.timeout = self._resolver.lifetime = DEADLINE

    def ask(self, name: str, record: str = "A") -> list[str]:
        """The addresses of a name, sorted; the search list is used unless it ends in a dot."""
        try:
            answer = self._resolver.resolve(name, record, search=True, raise_on_no_answer=False)
        except (NXDOMAIN, NoNameservers):
            return []
        return sorted(one.to_text() for one in answer.rrset or ())

    def connect(self, *addresses: str, at: float) -> None:
        """Open a connection to each address, so many seconds after the beginning."""
        for address in addresses:
            self._connections += 1
            self.recorder.lines.append(connection_line(at, address, 40_000 + self._connections))

    def wait(self, until: float) -> None:
        """What it asks from now on it asks so many seconds after the beginning."""
        self.recorder.seconds = until

    def recording(self, folder: Path) -> str:
        """A file with all of it, as `hubble observe -o jsonpb` would write it."""
        path = folder / "flows.jsonl"
        path.write_text("\n".join(self.recorder.lines) + "\n")
        return str(path)

    def answers(self) -> list[dict[str, Any]]:
        """The DNS records of the answers so far, as Hubble shows them."""
        records = [json.loads(line)["flow"].get("l7", {}) for line in self.recorder.lines]
        return [record["dns"] for record in records if record.get("type") == "RESPONSE"]

    def cnames(self, address: str, name: str) -> tuple[str, ...]:
        """The evidence that is kept for a connection to the address: the CNAMEs behind the name that was asked."""
        destinations, decoder = Destinations(DestinationsSettings()), Decoder(10)
        flows = [decode_line(line.encode(), "flow", decoder) for line in self.recorder.lines]
        found: tuple[str, ...] = ()
        for flow in flows:
            assert isinstance(flow, Flow)
            if flow.l7 is None and flow.destination_ip == address:
                found = next((one.cnames for one in destinations.dns.given(flow) if one.name == name), ())
            elif flow.l7 and isinstance(flow.l7.record, Dns) and flow.kind.is_reply:
                destinations.dns.answered(flow, flow.l7.record, destinations.asker_of(flow))
        return found
