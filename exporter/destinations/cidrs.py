"""Prefixes: what Cilium's `cidr:` and `cidrgroup:` labels say, and the names an operator gave to prefixes."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from socket import AF_INET, inet_pton

# Written by the agent since 1.17 on the identity of every prefix of a CiliumCIDRGroup (pkg/policy/api/cidr.go).
_GROUP = "cidrgroup:io.cilium.policy.cidrgroupname/"


def parsed(address: str) -> IPv4Address | IPv6Address | None:
    """The address without its IPv6 zone (`fe80::1%eth0` is `fe80::1`); None when it is no address."""
    try:
        # Most are IPv4, which the C library reads by the same rules in a third of the time.
        return IPv4Address(inet_pton(AF_INET, address))
    except (OSError, ValueError):
        pass
    try:
        return ip_address(address.partition("%")[0])
    except ValueError:
        return None


def network(prefix: str) -> IPv4Network | IPv6Network:
    """A configured prefix, such as `10.0.0.0/8`; a single address is a prefix too.

    Raises:
        ValueError: it is no prefix, or has bits set right of its length (`10.0.0.1/8`: was the host or the net meant?).
    """
    try:
        return ip_network(prefix)
    except ValueError as error:
        raise ValueError(f"bad prefix {prefix!r}: {error}") from None


def label_prefix(label: str) -> str | None:
    """The canonical prefix of a `cidr:` label, None when it is another label or a broken one.

    Cilium writes `-` for every `:`, since a label has only one, with a 0 before a leading and after a trailing one
    (`maskedIPToLabel` in pkg/labels/cidr.go): `cidr:2001-db8--0/32` is `2001:db8::/32`.
    """
    source, _, value = label.partition(":")
    address, _, length = value.removesuffix("=").replace("-", ":").rpartition("/")
    # ip_network would also take a netmask, or no length at all, neither of which an agent writes.
    if source != "cidr" or not (length.isascii() and length.isdecimal()):
        return None
    try:
        return str(ip_network(f"{address}/{length}", strict=False))
    except ValueError:
        return None


def longest_prefix(labels: Iterable[str]) -> str | None:
    """The most specific prefix among the `cidr:` labels; older agents listed every parent as well."""
    prefixes = [prefix for prefix in map(label_prefix, labels) if prefix]
    # Length first; the text only makes a tie come out the same every time.
    return max(prefixes, key=lambda prefix: (int(prefix.rpartition("/")[2]), prefix), default=None)


def cidr_group(labels: Iterable[str]) -> str | None:
    """The CiliumCIDRGroup that the labels name; of several the alphabetically first, so that it never flaps."""
    groups = (label.removeprefix(_GROUP).partition("=")[0] for label in labels if label.startswith(_GROUP))
    return min(filter(None, groups), default=None)


class CidrNames:
    """The names an operator gave to prefixes: `{"198.51.100.0/24": "payment-provider"}`.

    Raises:
        ValueError: a prefix is bad, or stands there twice in two spellings; the message has it.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        # version -> length -> network address -> name: one look-up per length in use, however many prefixes there are.
        tables: dict[int, dict[int, dict[int, str]]] = {4: {}, 6: {}}
        for prefix, name in names.items():
            net = network(prefix)
            table = tables[net.version].setdefault(net.prefixlen, {})
            if int(net.network_address) in table:
                raise ValueError(f"bad prefix {prefix!r}: {net} has a name already")
            table[int(net.network_address)] = name
        self._longest_first = {version: sorted(tables[version].items(), reverse=True) for version in tables}

    def name_of(self, address: str) -> str | None:
        """The name of the longest prefix with this address in it; None when there is none, or it is no address."""
        ip = parsed(address)
        if ip is None:
            return None
        for length, names in self._longest_first[ip.version]:
            host_bits = ip.max_prefixlen - length
            name = names.get(int(ip) >> host_bits << host_bits)
            if name is not None:
                return name
        return None
