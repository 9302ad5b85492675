"""Peers outside the cluster, by prefix, by group, by name, and what stands behind services.

Sources: Cilium's documentation of layer 3 policy; pkg/policy/api of cilium/cilium.
"""

from typing import NamedTuple

from exporter.destinations.patterns import matches_all, matches_name, matches_pattern
from exporter.expectations.interface import NO, UNKNOWN, YES, Match
from exporter.expectations.labels import Selector
from exporter.expectations.objects import Objects
from exporter.expectations.question import Target
from exporter.expectations.spans import Span, within


class PrefixPeer(NamedTuple):
    """`toCIDR`, `toCIDRSet` and `ipBlock`: a prefix without some prefixes inside it. Never pods, nor nodes."""

    prefix: Span
    excepted: tuple[Span, ...] = ()

    @property
    def wide(self) -> bool:
        """A /0, whatever is excepted."""
        return self.prefix.is_whole

    def matches(self, target: Target) -> Match:
        """By the address; a range as a whole, or nobody knows."""
        if target.external is NO:
            return NO
        if target.address is None:
            of_family = target.families[self.prefix.version]
            return of_family if self.wide else min(target.narrow, of_family)
        return min(target.external, within(target.address, self.prefix, self.excepted))

    def __str__(self) -> str:
        but = f" except {', '.join(map(str, self.excepted))}" if self.excepted else ""
        return f"{self.prefix}{but}"


class Outside(NamedTuple):
    """0.0.0.0/0 and ::/0 in one rule: whatever is outside, its address known or not."""

    wide: bool = True

    def matches(self, target: Target) -> Match:
        """Outside the cluster it is."""
        return target.external

    def __str__(self) -> str:
        return "any address"


class GroupPeer(NamedTuple):
    """`cidrGroupRef` and `cidrGroupSelector`: the prefixes of CiliumCIDRGroups."""

    objects: Objects
    name: str = ""
    selector: Selector | None = None
    excepted: tuple[Span, ...] = ()

    @property
    def wide(self) -> bool:
        """Whether a /0 is in it."""
        return any(prefix.is_whole for prefix in self._prefixes() or ())

    def matches(self, target: Target) -> Match:
        """By the label of the identity, or the prefixes of the groups that are known."""
        if target.external is NO:
            return NO
        if self.name in target.groups and not self.excepted:
            return YES
        prefixes = self._prefixes()
        if prefixes is None:
            return UNKNOWN if target.address is not None or target.narrow is UNKNOWN else NO
        return max((PrefixPeer(prefix, self.excepted).matches(target) for prefix in prefixes), default=NO)

    def _prefixes(self) -> list[Span] | None:
        groups = self.objects.groups
        if self.selector is None:
            return list(groups[self.name].prefixes) if self.name in groups else None
        chosen = [group for group in groups.values() if self.selector.selects(group.labels) is YES]
        return [prefix for group in chosen for prefix in group.prefixes] if chosen else None

    def __str__(self) -> str:
        but = f" except {', '.join(map(str, self.excepted))}" if self.excepted else ""
        what = self.name if self.selector is None else f"with {self.selector}"
        return f"group of prefixes {what}{'' if self._prefixes() is not None else ' (unknown)'}{but}"


class NamePeer(NamedTuple):
    """`toFQDNs`: a name, or a pattern of names, read as Cilium reads them."""

    name: str = ""
    pattern: str = ""

    @property
    def wide(self) -> bool:
        """Any name at all."""
        return matches_all(self.pattern)

    def matches(self, target: Target) -> Match:
        """By the names that are known, or the agent's own label."""
        if target.external is NO:
            return NO
        if any(map(self._is, target.names)) or self._selector in target.fqdn_labels:
            return target.external
        return min(target.named, target.external) if self.wide else min(target.other_names, target.external)

    @property
    def _selector(self) -> str:
        return (self.name or self.pattern).lower().removesuffix(".")

    def _is(self, name: str) -> bool:
        return matches_name(self.name, name) if self.name else matches_pattern(self.pattern, name)

    def __str__(self) -> str:
        return f"name {self.name}" if self.name else f"names {self.pattern}"


class ServicePeer(NamedTuple):
    """`toServices`: what stands behind services, which are known by name or by labels."""

    objects: Objects
    namespace: str
    name: str = ""
    selector: Selector | None = None
    wide: bool = False

    def matches(self, target: Target) -> Match:
        """Pods with the labels that a service selects, or the addresses of one that selects none."""
        found = self._services()
        if not found:
            return UNKNOWN
        return max(self._behind(key, target) for key in found)

    def _services(self) -> list[tuple[str, str]]:
        services = self.objects.services
        if self.selector is None and self.namespace:
            return [(self.namespace, self.name)] if (self.namespace, self.name) in services else []
        # Without a namespace it is a service of any (pkg/policy/k8s/service.go).
        chosen, name = self.selector, self.name
        return [
            key
            for key, service in services.items()
            if self.namespace in ("", key[0])
            and (key[1] == name if chosen is None else chosen.selects(service.labels) is YES)
        ]

    def _behind(self, key: tuple[str, str], target: Target) -> Match:
        selector = self.objects.services[key].selector
        if selector is not None:
            return selector.selects(target.labels)
        addresses = self.objects.backends.get(key)
        if target.external is NO:
            return NO
        if addresses is None:
            return UNKNOWN
        return max((PrefixPeer(address).matches(target) for address in addresses), default=NO)

    def __str__(self) -> str:
        namespace = self.namespace or "*"
        what = f"{namespace}/{self.name}" if self.selector is None else f"{namespace}/[{self.selector}]"
        return f"service {what}{'' if self._services() else ' (unknown)'}"
