"""One policy, whatever its kind: whom it selects, what its rules allow and deny, and what it isolates."""

from datetime import date
from typing import NamedTuple, Protocol

from exporter.expectations.interface import NEVER, NO, UNKNOWN, YES, Match, NotEvaluated, PolicyRef, RuleRef
from exporter.expectations.labels import Selector
from exporter.expectations.outside_peers import NamePeer
from exporter.expectations.peers import Anywhere, Peer, star_matches
from exporter.expectations.ports import Ports, one_of
from exporter.expectations.question import Subject, Target


class Chooser(Protocol):
    """Whom a policy selects."""

    @property
    def namespace(self) -> str | None:
        """The only namespace in which it selects anybody; None when there may be several."""
        ...

    def selects(self, subject: Subject) -> Match:
        """Whether a policy applies to this workload."""
        ...

    def __str__(self) -> str: ...


class PodChooser(NamedTuple):
    """Pods by their labels; None is every namespace."""

    selector: Selector
    namespace: str | None

    def selects(self, subject: Subject) -> Match:
        """Never the host, even where the selector is empty."""
        if subject.is_host or self.namespace not in (None, subject.namespace):
            return NO
        return self.selector.selects(subject.labels)

    def __str__(self) -> str:
        return f"pods {self.selector}"


class HostChooser(NamedTuple):
    """Nodes by their labels: `nodeSelector`."""

    selector: Selector
    namespace: None = None

    def selects(self, subject: Subject) -> Match:
        """Hosts only."""
        return self.selector.selects(subject.labels) if subject.is_host else NO

    def __str__(self) -> str:
        return f"nodes {self.selector}"


class WorkloadChooser(NamedTuple):
    """Workloads by their names, in which a star stands for anything, and by labels of their pods."""

    namespace_pattern: str
    workload_pattern: str = "*"
    selector: Selector = Selector()

    @property
    def namespace(self) -> str | None:
        """Its namespace when it is spelled out."""
        return None if "*" in self.namespace_pattern else self.namespace_pattern

    def selects(self, subject: Subject) -> Match:
        """By name first, which is always known."""
        named = star_matches(subject.namespace, self.namespace_pattern) and star_matches(
            subject.workload, self.workload_pattern
        )
        return self.selector.selects(subject.labels) if named else NO

    def __str__(self) -> str:
        with_labels = f" with {self.selector}" if self.selector.requirements else ""
        return f"workloads {self.namespace_pattern}/{self.workload_pattern}{with_labels}"


class Allowed(NamedTuple):
    """Whether a rule means a contact, by peers that are not wide and by those that are."""

    narrow: Match
    wide: Match


class Rule(NamedTuple):
    """One rule: any of its peers, on any of its ports. No ports stand for everything, ICMP included."""

    ref: RuleRef
    peers: tuple[Peer, ...]
    ports: tuple[Ports, ...] = ()
    denies: bool = False
    expires: date = NEVER
    """The first day on which it allows nothing any more."""
    notes: tuple[str, ...] = ()
    """What it says beyond layer 4."""
    asks: tuple[NamePeer, ...] = ()
    """Names that the DNS proxy lets ask for on its ports; none is no restriction."""
    certain: bool = True
    """Whether all that it says is evaluated; of one that says more nobody knows whether it is about a contact."""

    def means(self, target: Target, protocol: str, port: int | None) -> Allowed:
        """Whether it is about this contact."""
        on_port = min(one_of(self.ports, protocol, port, target), YES if self.certain else UNKNOWN)
        narrow = wide = NO
        if on_port is not NO:
            for peer in self.peers:
                matches = peer.matches(target)
                if matches is NO:
                    continue
                if peer.wide:
                    wide = max(wide, matches)
                else:
                    narrow = max(narrow, matches)
        return Allowed(min(narrow, on_port), min(wide, on_port))

    def __str__(self) -> str:
        peers = ", ".join(map(str, self.peers)) or "nothing"
        ports = f" on {', '.join(map(str, self.ports))}" if self.ports else ""
        notes = f" [{'; '.join(self.notes)}]" if self.notes else ""
        until = f" until {self.expires}" if self.expires != NEVER else ""
        return f"{'deny' if self.denies else 'allow'} {peers}{ports}{until}{notes}"

    @property
    def is_wide(self) -> bool:
        """Whether some peer of it is as wide as the world."""
        return any(peer.wide for peer in self.peers) and not self.denies


class Policy(NamedTuple):
    """Whom it selects, and its rules. `isolates`: what no rule allows is denied to whom it selects."""

    ref: PolicyRef
    chooser: Chooser
    rules: tuple[Rule, ...]
    isolates: bool
    not_evaluated: tuple[NotEvaluated, ...] = ()


ANYWHERE: tuple[Peer, ...] = (Anywhere(),)
