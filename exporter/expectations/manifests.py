"""From documents to policies: each Kubernetes object by its kind, and our own allowlist.

Objects that rules refer to are read first, wherever they stand. Kinds that say nothing about egress are skipped.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

import yaml

from exporter.documents.faults import DocumentError, Fault
from exporter.documents.fields import Field
from exporter.expectations.allowlist import KIND as ALLOWLIST
from exporter.expectations.allowlist import read_entry
from exporter.expectations.cilium_policy import read_cilium_policies
from exporter.expectations.interface import PolicyRef, SourceKind
from exporter.expectations.network_policy import read_network_policy
from exporter.expectations.objects import Objects
from exporter.expectations.policy import Policy, WorkloadChooser
from exporter.expectations.referred import READERS
from exporter.expectations.service_entry import read_service_entry

T = TypeVar("T")
R = TypeVar("R")

_GROUPS = {
    "NetworkPolicy": ("networking.k8s.io", "extensions"),
    "CiliumNetworkPolicy": ("cilium.io",),
    "CiliumClusterwideNetworkPolicy": ("cilium.io",),
    "ServiceEntry": ("networking.istio.io",),
}
POLICY_KINDS = (ALLOWLIST, *_GROUPS)
"""Kinds of documents that have rules."""


class Manifests(NamedTuple):
    """What was read, and what is wrong; who finds faults does not use the rest."""

    policies: tuple[Policy, ...]
    objects: Objects
    skipped: Counter[str]
    """Documents of other kinds, by kind."""
    faults: tuple[Fault, ...]


class _Document(NamedTuple):
    """One object, or the list of an allowlist."""

    kind: str
    group: str
    parts: dict[str, Field]
    root: Field


def read_manifests(
    roots: Iterable[tuple[str, yaml.Node]],
    gateways: tuple[WorkloadChooser, ...] = (),
    objects: Objects | None = None,
) -> Manifests:
    """Everything that stands in these documents; one fault spoils its own object only.

    `objects` are those that rules may refer to; what stands here joins them.
    """
    objects = Objects() if objects is None else objects
    faults, skipped = list[Fault](), Counter[str]()
    fields = list(_guarded(roots, lambda root: _unpacked(Field(*root)), faults))
    documents = list(_guarded(fields, lambda field: [_document(field)], faults))
    for document in documents:
        if document.kind in READERS and document.group in READERS[document.kind].groups:
            found = faults if READERS[document.kind].is_strict else []
            list(_guarded([document], lambda one: _refer(one, objects), found))
        elif not _is_policy(document):
            skipped[document.kind or "documents without a kind"] += 1
    policies = list[Policy]()
    for document in documents:
        if document.kind == ALLOWLIST:
            entries = list(_guarded([document], _entries, faults))
            policies += _guarded(entries, lambda entry: read_entry(*entry), faults)
        elif _is_policy(document):
            before = len(policies), len(faults)
            policies += _guarded([document], lambda one: _policies(one, objects, gateways), faults)
            if before == (len(policies), len(faults)):
                # Said, for one whose `egress` is misspelt looks like this too.
                skipped[f"{document.kind} without egress"] += 1
    return Manifests(tuple(policies), objects, skipped, tuple(faults))


def _guarded(these: Iterable[T], read: Callable[[T], Iterable[R]], faults: list[Fault]) -> Iterator[R]:
    for one in these:
        try:
            yield from list(read(one))
        except DocumentError as error:
            faults += error.faults


def _unpacked(root: Field) -> list[Field]:
    """The objects of a `List`, or the one object; nothing of an empty document."""
    if root.is_empty:
        return []
    parts = root.entries()
    if "items" in parts and "kind" in parts and parts["kind"].text().endswith("List"):
        return parts["items"].items()
    return [root]


def _document(field: Field) -> _Document:
    parts = field.entries()
    if "allow" in parts and "kind" not in parts:
        return _Document(ALLOWLIST, "", parts, field)
    kind = parts["kind"].text() if "kind" in parts else ""
    group, slash, _ = parts["apiVersion"].text().partition("/") if "apiVersion" in parts else ("", "", "")
    return _Document(kind, group if slash else "", parts, field)


def _is_policy(document: _Document) -> bool:
    return document.kind == ALLOWLIST or document.group in _GROUPS.get(document.kind, ())


def _refer(document: _Document, objects: Objects) -> Iterator[None]:
    namespace, name = _names(document)
    READERS[document.kind].read(document.parts, namespace, name, objects)
    yield None


def _entries(document: _Document) -> Iterator[tuple[Field, int]]:
    for key, part in document.parts.items():
        if key != "allow":
            part.refuse("an allowlist has the one key `allow`")
    for index, item in enumerate(document.parts["allow"].items()):
        yield item, index


def _policies(document: _Document, objects: Objects, gateways: tuple[WorkloadChooser, ...]) -> Iterable[Policy]:
    parts, kind = document.parts, document.kind
    namespace, name = _names(document)
    if kind == "CiliumClusterwideNetworkPolicy":
        namespace = ""
    ref = PolicyRef(SourceKind.POLICIES, kind, namespace, name, document.root.file, document.root.line)
    if kind.startswith("Cilium"):
        if not {"spec", "specs"} & parts.keys():
            document.root.refuse("a policy needs spec or specs")
        return read_cilium_policies(parts, ref, objects)
    if "spec" not in parts:
        document.root.refuse(f"a {kind} needs spec")
    if kind == "ServiceEntry":
        return read_service_entry(parts["spec"], ref, gateways)
    policy = read_network_policy(parts["spec"], ref, objects)
    return () if policy is None else (policy,)


def _names(document: _Document) -> tuple[str, str]:
    """Namespace (`default` when none is given, as the API server has it) and name."""
    metadata = document.parts["metadata"].entries() if "metadata" in document.parts else {}
    if "name" not in metadata:
        document.root.refuse(f"a {document.kind} needs metadata.name")
    namespace = metadata["namespace"].text() if "namespace" in metadata else ""
    return namespace or "default", metadata["name"].text()
