"""What was understood of files, in one readable line for each rule: what `expectations check` prints."""

from collections.abc import Iterator

from exporter.documents.faults import printable
from exporter.expectations.manifests import Manifests


def check(read: Manifests) -> Iterator[str]:
    """Policies with their rules; wide ones are marked, and so is what is not evaluated."""
    # Names come from files that anybody may have written.
    return map(printable, _check(read))


def _check(read: Manifests) -> Iterator[str]:
    for policy in read.policies:
        effect = "isolates egress" if policy.isolates else "isolates nobody"
        yield f"{policy.ref}: {policy.chooser}; {effect}"
        for rule in policy.rules:
            yield f"  {'WIDE ' if rule.is_wide else ''}{rule.ref.section}[{rule.ref.number}]  {rule}"
        if not policy.rules:
            yield "  no rules: nothing is allowed"
        for field in policy.not_evaluated:
            yield f"  NOT EVALUATED line {field.line}: {field.path}"
    yield summary(read)


def summary(read: Manifests) -> str:
    """Numbers of what was read."""
    rules = [rule for policy in read.policies for rule in policy.rules]
    wide = sum(rule.is_wide for rule in rules)
    unread = sum(len(policy.not_evaluated) for policy in read.policies)
    skipped = ", ".join(f"{count} {kind}" for kind, count in sorted(read.skipped.items()))
    return (
        f"policies: {len(read.policies)}, rules: {len(rules)}, wide rules: {wide}, fields not evaluated: {unread}, "
        f"errors: {len(read.faults)}, skipped: {skipped or 'nothing'}"
    )
