"""The flags of Cilium's `hubble` command (1.19) as far as runbooks need them, and which of them exclude each other."""

from collections.abc import Iterator, Sequence

_SIDES = ("pod", "fqdn", "ip", "namespace", "label", "service", "port", "identity", "workload", "cluster")
VALUES = frozenset(
    {
        *(f"--{way}{side}" for side in _SIDES for way in ("", "from-", "to-")),
        *("--snat-ip", "--node-name", "--node-label", "--protocol", "--tcp-flags", "--type", "-t", "--verdict"),
        *("--drop-reason-desc", "--http-status", "--http-method", "--http-path", "--http-url", "--http-header"),
        *("--trace-id", "--uuid", "--ip-version", "-n", "-l", "--traffic-direction", "--cel-expression"),
        *("--interface", "--allowlist", "--denylist", "--last", "--first", "--since", "--until"),
        *("--output", "-o", "--time-format", "--color", "--input-file", "--field-mask", "--server", "--timeout"),
        *("--tls-ca-cert-files", "--tls-client-cert-file", "--tls-client-key-file", "--tls-server-name", "--config"),
        *("--port-forward-port", "--kube-context", "--kube-namespace", "--kubeconfig", "--request-timeout"),
    }
)
SWITCHES = frozenset(
    {
        *("--all", "--follow", "-f", "--not", "--ipv4", "-4", "--ipv6", "-6", "--all-namespaces", "-A"),
        *("--from-all-namespaces", "--to-all-namespaces", "--numeric", "--ip-translation", "--print-node-name"),
        *("--print-policy-names", "--silent-errors", "-s", "--print-raw-filters", "--use-default-field-masks"),
        *("--tls", "--tls-allow-insecure", "--port-forward", "-P", "--debug", "-D", "--help"),
    }
)
CLOSED = {
    "--verdict": {"FORWARDED", "DROPPED", "AUDIT", "REDIRECTED", "ERROR", "TRACED", "TRANSLATED"},
    "--protocol": {"icmp", "icmpv4", "icmpv6", "sctp", "tcp", "udp", "vrrp", "igmp", "dns", "http", "kafka"},
    "--traffic-direction": {"ingress", "egress"},
    "--output": {"compact", "dict", "json", "jsonpb", "table"},
}
TYPES = {"capture", "drop", "l7", "policy-verdict", "trace", "trace-sock"}
LONG = {"-t": "--type", "-n": "--namespace", "-l": "--label", "-o": "--output", "-f": "--follow"}
_ADDRESSED = ("--{0}fqdn", "--{0}ip", "--ip", "--fqdn")
EXCLUSIVE = [
    *([flag.format(way) for flag in _ADDRESSED] + [f"--{way}pod", "--pod"] for way in ("from-", "to-")),
    *([flag.format(way) for flag in _ADDRESSED] + [f"--{way}namespace", "--namespace"] for way in ("from-", "to-")),
    *([f"--{way}{side}", "--namespace"] for way in ("from-", "to-") for side in ("pod", "service")),
    *([f"--{way}{side}", f"--{side}"] for way in ("from-", "to-") for side in _SIDES if side != "cluster"),
    ["--first", "--last", "--all"],
]
SUBCOMMANDS = {("status",), ("list", "nodes"), ("list", "namespaces"), ("version",), ("watch", "peers")}


def faults(words: Sequence[str]) -> Iterator[str]:
    """What `hubble` would complain about; `words` are those behind its name."""
    plain = tuple(word for word in words if not word.startswith("-"))
    if words and words[0] == "observe":
        yield from _of_observe(list(words[1:]))
    elif not any(plain[: len(command)] == command for command in SUBCOMMANDS):
        yield f"hubble has no {' '.join(plain[:2]) or 'such command'}"


def _of_observe(words: list[str]) -> Iterator[str]:
    used: set[str] = set()
    negated = False
    while words:
        name, equals, value = words.pop(0).partition("=")
        flag = LONG.get(name, name)
        if flag not in VALUES | SWITCHES:
            yield f"hubble observe has no {name}"
            continue
        if flag in VALUES and not equals:
            if not words:
                yield f"{name} has no value"
                return
            value = words.pop(0)
        if flag in VALUES:
            yield from _of_value(flag, value)
        if not negated and flag != "--not":
            used.add(flag)
        negated = flag == "--not"
    for group in EXCLUSIVE:
        both = sorted(used & set(group))
        if len(both) > 1:
            yield f"hubble observe does not take {' and '.join(both)} together"


def _of_value(flag: str, value: str) -> Iterator[str]:
    if flag in CLOSED and value not in CLOSED[flag]:
        yield f"{flag} is never {value}"
    if flag == "--type" and value.partition(":")[0] not in TYPES:
        yield f"--type is never {value}"
