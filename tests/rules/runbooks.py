"""The YAML that stands in the runbooks, for people to apply."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from exporter.documents.syntax import compose_text
from exporter.expectations.manifests import Manifests, read_manifests
from tests.programs import ROOT

FOLDER = ROOT / "deploy/runbooks"
_BLOCK = re.compile(r"^```ya?ml\n(.*?)^```", re.MULTILINE | re.DOTALL)
KINDS = ("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "NetworkPolicy")


class Document(NamedTuple):
    """One document of a block of YAML, the name of its runbook, and its number there."""

    runbook: str
    number: int
    content: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.runbook}-{self.number}"

    @property
    def kind(self) -> str:
        """The kind of a policy, `Allowlist`, or nothing for what is neither."""
        if "allow" in self.content:
            return "Allowlist"
        return self.content["kind"] if self.content.get("kind") in KINDS else ""

    def read(self) -> Manifests:
        """As the exporter reads it."""
        text = yaml.safe_dump(self.content)
        return read_manifests([(self.runbook, root) for root in compose_text(self.runbook, text)])

    def rules(self, section: str) -> Iterator[dict[str, Any]]:
        """Rules of `egress` or `ingress`, those that deny among them."""
        for spec in (self.content.get("spec", {}), *self.content.get("specs", [])):
            yield from (*spec.get(section, []), *spec.get(f"{section}Deny", []))

    def mirrored(self) -> "Document":
        """Ingress read as egress, whose rules have the same shape: our reader knows egress only."""
        spec = self.content["spec"]
        turned = {
            section.replace("ingress", "egress"): [
                {re.sub(r"^from", "to", key): value for key, value in rule.items()} for rule in spec[section]
            ]
            for section in ("ingress", "ingressDeny")
            if section in spec
        }
        sides = {"policyTypes": ["Egress"]} if self.kind == "NetworkPolicy" else {}
        selector = {key: value for key, value in spec.items() if key.endswith("Selector")}
        return self._replace(content={**self.content, "spec": {**selector, **turned, **sides}})


def _documents() -> Iterator[Document]:
    for file in sorted(FOLDER.glob("*.md")):
        blocks = _BLOCK.findall(file.read_text())
        contents = (content for block in blocks for content in yaml.safe_load_all(block))
        yield from (Document(file.stem, number, content) for number, content in enumerate(contents, 1))


DOCUMENTS = list(_documents())
POLICIES = [one for one in DOCUMENTS if one.kind in KINDS]
