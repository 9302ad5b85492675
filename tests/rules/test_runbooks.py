"""Runbooks have what somebody needs at night: the chapters, and commands that work."""

from collections.abc import Callable, Iterator

import pytest

from tests.rules import hubble_cli, lint_copied, lint_runbooks
from tests.rules.catalogue import Catalogue, exported
from tests.rules.pages import CHAPTERS, Runbook, commands, of_text, runbooks
from tests.rules.reading import rules_of, shipped

Lint = Callable[[Runbook, Catalogue], Iterator[str]]
LINTS: tuple[Lint, ...] = (*lint_runbooks.LINTS, *lint_copied.LINTS)
KNOWN = Catalogue(exported(), rules_of(shipped()))
CODE = """
```sh
NAMESPACE=shop    # the alert's source_namespace
kubectl -n kube-system port-forward deployment/hubble-relay 4245 >/dev/null & sleep 2
hubble-egress-exporter triage --namespace "$NAMESPACE" --since 10m   # the causes
hubble observe --from-pod "$NAMESPACE/" --verdict DROPPED --since 10m
for NODE in a b; do
  kubectl get node "$NODE" -o json | jq '.a as $b | $b'
done
```

```promql
# How many?
sum without (instance, pod) (hubble_egress_dns_breakage)
up == 0
hubble_egress_exporter_connected{job="a"}
  == 0
```
"""
GOOD = "# HubbleEgressExample\n\n" + "".join(
    f"## {name}\n\nText.\n{CODE if name == 'Diagnosis' else ''}\n" for name in CHAPTERS
)
POLICY = """
```yaml
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: a, namespace: shop}
spec: {endpointSelector: {}, egress: [{toEntities: [%s]}]}
```
"""


@pytest.mark.parametrize("book", runbooks().values(), ids=runbooks())
def test_runbook(book: Runbook) -> None:
    """No lint finds anything in a runbook."""
    assert [fault for lint in LINTS for fault in lint(book, KNOWN)] == []


def test_good_example() -> None:
    """A runbook as it should be has no faults."""
    book = of_text(GOOD + POLICY % "world")
    assert [fault for lint in LINTS for fault in lint(book, KNOWN)] == []


BAD = [
    (lint_runbooks.chapters, "# HubbleEgressExample", "# Something", "title"),
    (lint_runbooks.chapters, "## Impact", "## Effect", "chapters are"),
    (lint_runbooks.chapters, "## False positive\n\nText.\n", "## False positive\n\n", "False positive is empty"),
    (lint_runbooks.diagnosis, "hubble-egress-exporter triage", "kubectl get", "no command of hubble-egress-exporter"),
    (lint_runbooks.diagnosis, "hubble observe", "cilium observe", "no command of hubble"),
    (lint_runbooks.diagnosis, "```sh\n", "```sh\nhubble status\n", "before"),
    (lint_runbooks.diagnosis, "```promql", "```text", "no query"),
    (lint_runbooks.our_commands, "triage --namespace", "triage --from-namespace", "--from-namespace"),
    (lint_runbooks.our_commands, "exporter triage", "exporter triag", "triag"),
    (lint_runbooks.our_commands, "triage --namespace", "known show", "namespace/workload"),
    (lint_runbooks.hubble_commands, "--from-pod", "--source-pod", "no --source-pod"),
    (lint_runbooks.promql, "up == 0", "up == )", "does not parse"),
    (lint_runbooks.promql, "up == 0", "down == 0", "no metric down"),
    (lint_runbooks.promql, "up == 0", 'up{workload="a"} == 0', "no label workload"),
    (lint_runbooks.manifests, "Text.", "```yaml\na: [\n```", "no YAML"),
    (lint_runbooks.manifests, "Text.", POLICY % "moon", "not valid"),
    (lint_runbooks.manifests, "Text.", "```yaml\nallow:\n  - to: [{name: a.example}]\n```", "not valid"),
    (lint_copied.variables, "NAMESPACE=shop", "NAME=shop", "$NAMESPACE is set nowhere before"),
    (lint_copied.variables, "for NODE", "for NODES", "$NODE is set nowhere before"),
    (lint_copied.variables, "Text.", '`kubectl get pod "$POD"` says it.', "$POD is set nowhere"),
    (lint_copied.placeholders, '"$NODE"', "NODE_NAME", "NODE_NAME is no variable"),
    (lint_copied.ports, "hubble-relay 4245", "hubble-relay 4244", "port 4245 was not forwarded: hubble observe"),
    (lint_copied.ports, "port-forward", "get", "port 4245 was not forwarded: hubble observe"),
    (lint_copied.ports, "for NODE", "curl localhost:9968\nfor NODE", "port 9968 was not forwarded"),
    (lint_copied.ports, "Text.", "`curl localhost:9968` says it.", "port 9968 is forwarded nowhere"),
    (lint_runbooks.links, "Text.", "[other](HubbleEgressNoSuch.md#x)", "leads nowhere"),
]


@pytest.mark.parametrize(
    ("lint", "good", "bad", "said"), BAD, ids=[f"{lint.__name__}-{number}" for number, (lint, *_) in enumerate(BAD)]
)
def test_bad_examples(lint: Lint, good: str, bad: str, said: str) -> None:
    """Each lint finds its bad examples, and says what is wrong with them."""
    assert good in GOOD
    found = list(lint(of_text(GOOD.replace(good, bad)), KNOWN))
    assert any(said in fault for fault in found), found


def test_every_lint_has_a_bad_example() -> None:
    """A lint that cannot fail would hold nothing."""
    assert {lint for lint, *_ in BAD} == set(LINTS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("observe --verdict dropped", "never dropped"),
        ("observe --type drops", "never drops"),
        ("observe --protocol https", "never https"),
        ("observe --from-pod", "no value"),
        ("observe --from-pod shop/a --namespace shop", "together"),
        ("observe --to-fqdn a.example --to-ip 192.0.2.1", "together"),
        ("observe --last 5 --all", "together"),
        ("list pods", "no list pods"),
    ],
)
def test_bad_use_of_hubble(words: str, said: str) -> None:
    """What Hubble's command would refuse is found."""
    assert any(said in fault for fault in hubble_cli.faults(words.split()))


@pytest.mark.parametrize(
    "words",
    [
        "observe -t trace:to-network --not --to-ip 10.0.0.0/8 --to-fqdn *.example --since=10m -f -o jsonpb",
        "observe --from-pod shop/a --to-namespace kube-system --to-port 53 --protocol udp --last 20",
        "status -P",
        "list nodes",
    ],
)
def test_good_use_of_hubble(words: str) -> None:
    """What it takes is not complained about."""
    assert list(hubble_cli.faults(words.split())) == []


def test_commands_are_found() -> None:
    """Behind pipes, over several lines, in a pod, and without what a shell keeps for itself."""
    text = "```\n$ kubectl get cnp -A > all.yaml\na --b \\\n  c | d 'e f'; g # h\nkubectl exec x -- i -j\n```\n"
    assert list(commands(text)) == [
        ["kubectl", "get", "cnp", "-A"],
        ["a", "--b", "c"],
        ["d", "e f"],
        ["g"],
        ["kubectl", "exec", "x", "--", "i", "-j"],
        ["i", "-j"],
    ]
