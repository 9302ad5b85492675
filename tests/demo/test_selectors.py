"""Label selectors: Kubernetes' syntax over Cilium's labels."""

import pytest

from exporter.demo.filters.predicates import BadFilterError
from exporter.demo.filters.selectors import parse_selector, selects

LABELS = (
    "k8s:app=web",
    "k8s:io.kubernetes.pod.namespace=shop",
    "reserved:host",
    "bare=1",
    "k8s:empty",
    "cidr:10.0.0.0/8",
)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("", True),
        ("  ", True),
        ("app", True),
        ("k8s:app", True),
        ("any:app", True),
        ("container:app", False),
        ("ap", False),
        ("!app", False),
        ("! tier", True),
        ("!k8s:app", False),
        ("!container:app", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web", True),
        ("app=db", False),
        ("app!=db", True),
        ("app!=web", False),
        ("tier!=db", True),
        ("app in (db, web)", True),
        ("app in(web)", True),
        ("app in (db)", False),
        ("tier in (db)", False),
        ("app notin (db)", True),
        ("app notin (web,db)", False),
        ("tier notin (db)", True),
        ("empty=", True),
        ("empty in ()", True),
        ("empty in (a,)", True),
        ("app notin ()", True),
        ("app=", False),
        ("k8s:io.kubernetes.pod.namespace=shop", True),
        ("io.kubernetes.pod.namespace in (shop)", True),
        ("reserved:host", True),
        ("reserved:world", False),
        ("cidr:10.0.0.0/8", True),
        ("bare=1", True),
        ("k8s:bare", False),
        ("k8s.app=web", False),
        ("app=web,!tier,reserved:host", True),
        ("app=web, tier", False),
        ("in=1", False),
        ("notin notin (notin)", True),
    ],
)
def test_selector(selector: str, expected: bool) -> None:
    """A requirement without a source is for labels of any; what is not there has no value."""
    assert selects(parse_selector(selector), LABELS) is expected


@pytest.mark.parametrize(
    "selector",
    [
        "=",
        "()",
        ",",
        "a,",
        ",a",
        "a,,b",
        "!",
        "!!a",
        "a b",
        "a in b",
        "a in",
        "a in (",
        "a in (b",
        "a in (b c)",
        "a notin b)",
        "!a in (b)",
        "a=b=c",
        "a=b c",
        "a>1",
        "any:k8s:a",
        "k8s:",
        ":a",
        "a*",
        "a=b*",
        "a=-b",
        "a-",
        "fqdn:*.example",
        f"a={'b' * 64}",
    ],
)
def test_no_selector(selector: str) -> None:
    """What Kubernetes' parser refuses is refused, and so are its `>` and `<`, which no label of Cilium's needs."""
    with pytest.raises(BadFilterError, match="invalid label selector"):
        parse_selector(selector)
