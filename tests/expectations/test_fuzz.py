"""Whatever stands in a file: it is read without a crash, faults have their places, and what is good stays."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.destinations.scopes import Scopes
from exporter.expectations.asked import labels_from, port_from, subject_from, target_from
from exporter.expectations.check import check
from exporter.expectations.evaluator import Evaluator
from exporter.expectations.explain import explain
from exporter.expectations.files import read_files
from exporter.expectations.manifests import Manifests
from exporter.expectations.question import Question
from exporter.expectations.settings import workload_chooser

FULL = settings(max_examples=max(150, settings().max_examples), suppress_health_check=[HealthCheck.too_slow])
SCOPES = Scopes()
TODAY = date(2027, 3, 1)

POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: NAME, namespace: shop}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 443}]}]}
"""
SEEDS: list[dict[str, Any]] = list(
    yaml.safe_load_all("""
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: one, namespace: shop, labels: {app: web}}
spec:
  podSelector: {matchLabels: {app: web}, matchExpressions: [{key: tier, operator: In, values: [a, b]}]}
  policyTypes: [Egress]
  egress:
    - to:
        - ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}
        - namespaceSelector: {matchLabels: {team: a}}
          podSelector: {}
      ports: [{port: 443, endPort: 8000, protocol: TCP}, {port: http}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: two, namespace: shop}
spec:
  endpointSelector: {matchLabels: {k8s:app: web}}
  enableDefaultDeny: {egress: true}
  egress:
    - toFQDNs: [{matchName: api.example.com}, {matchPattern: "*.example.com"}]
      toPorts: [{ports: [{port: "443", protocol: TCP}], rules: {http: [{path: /}]}}]
    - toEndpoints: [{matchLabels: {app: db, io.kubernetes.pod.namespace: db}}]
    - toServices: [{k8sService: {serviceName: web, namespace: shop}}, {k8sServiceSelector: {selector: {}}}]
  egressDeny:
    - toCIDRSet: [{cidr: 192.0.2.0/24, except: [192.0.2.7/32]}, {cidrGroupRef: partners}]
    - toEntities: [kube-apiserver]
---
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: three}
specs:
  - nodeSelector: {matchLabels: {role: worker}}
    egress: [{toGroups: [{aws: {region: x}}]}, {icmps: [{fields: [{type: 8}]}]}]
  - endpointSelector: {}
    egress: [{toCIDR: [10.0.0.0/8, "2001:db8::/32"]}, {}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: four, namespace: shop}
spec:
  hosts: [api.example.com, "*.example.com"]
  addresses: [192.0.2.1]
  exportTo: ["."]
  ports: [{number: 443, name: tls, protocol: TLS}]
---
apiVersion: cilium.io/v2alpha1
kind: CiliumCIDRGroup
metadata: {name: partners, labels: {kind: a}}
spec: {externalCIDRs: [192.0.2.0/24]}
---
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 443}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ext-1, namespace: shop, labels: {kubernetes.io/service-name: ext}}
addressType: IPv4
endpoints: [{addresses: [192.0.2.9]}]
---
apiVersion: v1
kind: Endpoints
metadata: {name: ext, namespace: shop}
subsets: [{addresses: [{ip: 192.0.2.9}]}]
---
allow:
  - workloads: [shop/web, "shop/*"]
    matchLabels: {app: web}
    to: [{matchName: api.example.com}, {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}, {entity: host}, {workload: db/web}]
    ports: [443/TCP, 8000-8100/UDP, ICMP]
    owner: team
    reason: it
    expires: "2027-03-01"
""")
)
ODD: list[Any] = [
    *(None, True, False, 0, -1, 65536, 10**30, 1.5, float("nan"), float("inf"), date(2027, 3, 1), b"bytes"),
    *("", " ", "x", "*", "**", "/", "a/b", "a/", "/b", "0", "-1", "1_000", "0x10", "1e3", "443/TCP", "99999999", "~"),
    *("0.0.0.0/0", "::/0", "10.0.0.0/33", "10.0.0.1/8", "::ffff:10.0.0.1", "1.2.3", "fe80::1%eth0", "10.0.0.0/-1"),
    *("\u0661", "\uff14\uff14\uff13", "\u212a", "\U0001f600", "\u202e", "\x85", "a\nb", "\x1b[31m", "[", "?", "[!a]"),
    *("NetworkPolicy", "CiliumNetworkPolicy", "List", "Allowlist", "v1", "cilium.io/v2", "reserved:init", "all", "In"),
    *("a" * 300, "*" * 255, f"*.{'a' * 250}", f"*.{'a' * 253}", "2027-02-30", "9999-12-31", "{{ .Values.name }}"),
    *([], {}, [[]], [{}], {"": ""}, [None], {"a": None}, {"1": [1, 2]}, ["a", ["b"]], {"matchLabels": []}),
]
PATHS = st.lists(st.integers(0, 5), min_size=1, max_size=9)


def mutated(document: dict[str, Any], steps: Sequence[int], how: int, odd: object) -> object:
    """A copy in which the value at the end of some steps is replaced, dropped, wrapped, or has a sibling."""
    copy: Any = deepcopy(document)
    at: Any = copy
    for index, step in enumerate(steps):
        keys: list[Any] = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return copy
        key = keys[step % len(keys)]
        if index == len(steps) - 1 or not isinstance(at[key], dict | list):
            _change(at, key, how, odd)
            return copy
        at = at[key]
    return copy


def _change(at: Any, key: Any, how: int, odd: object) -> None:  # noqa: ANN401, whatever YAML can say
    match how:
        case 0:
            del at[key]
        case 1:
            at[key] = [at[key]]
        case 2:
            at[key] = {"inner": at[key]}
        case 3 if isinstance(at, dict):
            at["somethingNew"] = odd
        case 3:
            at.append(odd)
        case _:
            at[key] = odd


def good(name: str) -> str:
    """A policy that nothing is wrong with."""
    return POLICY.replace("NAME", name)


def read(*contents: bytes | str) -> Manifests:
    """These files and one that is good; every fault has the file that it is about, and a line."""
    with tempfile.TemporaryDirectory() as folder:
        for index, content in enumerate((*contents, good("beside"))):
            data = content if isinstance(content, bytes) else content.encode()
            (Path(folder) / f"{index}.yaml").write_bytes(data)
        found = read_files([folder])
        files = {str(path) for path in Path(folder).iterdir()}
    for fault in found.faults:
        assert fault.place.name in files
        assert fault.place.line >= 1
        assert fault.place.column >= 1
        assert fault.text
        assert len(str(fault).splitlines()) == 1
        str(fault).encode()
    assert "beside" in names(found)
    return found


def names(found: Manifests) -> list[str]:
    """The policies that were understood."""
    return [policy.ref.name for policy in found.policies]


def use(found: Manifests) -> None:
    """What was understood is told, and asked, without an error."""
    "\n".join(check(found)).encode()
    evaluator = Evaluator(found.policies)
    for source in ("shop/web", "/~host"):
        for to in ("api.example.com", "192.0.2.7", "10.0.0.0/7", "::/0", "all", "host", "db/web"):
            who = subject_from(source, labels_from("app=web"), found.objects)
            target = target_from(to, None, found.objects, SCOPES)
            question = Question(who, target, *port_from("443/TCP"))
            "\n".join(explain(evaluator, question, TODAY)).encode()


@FULL
@given(
    content=st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode(errors="replace")))
)
def test_fuzz_bytes(content: bytes) -> None:
    """Any bytes at all."""
    use(read(content))


INDICATORS = st.text("ab:-?[]{},#&*!|>'\"%@` \n\t~<=\\01.\u00e9\U0001f600\ufeff\x85\u2028", max_size=40)


@FULL
@given(content=INDICATORS)
def test_fuzz_yaml(content: str) -> None:
    """Any text of what means something to YAML."""
    use(read(content))


@FULL
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(PATHS, st.integers(0, 7), st.sampled_from(ODD)), min_size=1, max_size=3),
    with_others=st.booleans(),
)
def test_fuzz_objects(seed: dict[str, Any], changes: list[tuple[list[int], int, object]], *, with_others: bool) -> None:
    """Any object with something else in some places: the good ones before and behind it in the file stay."""
    document: object = seed
    for steps, how, odd in changes:
        if isinstance(document, dict):
            document = mutated(document, steps, how, odd)
    others = yaml.safe_dump_all(SEEDS) if with_others else ""
    text = f"{good('before')}---\n{yaml.safe_dump(document, allow_unicode=True)}---\n{good('behind')}"
    found = read(text, others)
    assert {"before", "behind"} <= set(names(found))
    use(found)


def places(value: object, path: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """The way to every value below."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    for step, one in enumerate(inner):
        yield (*path, step)
        yield from places(one, (*path, step))


@pytest.mark.parametrize("seed", [pytest.param(seed, id=seed.get("kind", "Allowlist")) for seed in SEEDS])
def test_everywhere(seed: dict[str, Any]) -> None:
    """Every odd value at every place of every kind, all those of a place in one file."""
    for path in places(seed):
        text = yaml.dump_all([mutated(seed, path, 4, odd) for odd in ODD], Dumper=yaml.CSafeDumper)
        use(read(text))


@FULL
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(PATHS, st.integers(0, 7), st.sampled_from(ODD)), min_size=1, max_size=2),
)
def test_fuzz_gateways(seed: dict[str, Any], changes: list[tuple[list[int], int, object]]) -> None:
    """The same where a mesh has gateways, and as JSON, which is YAML too."""
    document: object = seed
    for steps, how, odd in changes:
        if isinstance(document, dict):
            document = mutated(document, steps, how, odd)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "one.json"
        file.write_text(yaml.safe_dump(document, default_flow_style=True, width=10**9))
        use(read_files([str(file)], [workload_chooser("shop/*")]))


@FULL
@given(
    seeds=st.lists(st.sampled_from(SEEDS), min_size=1, max_size=3),
    changes=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 3), INDICATORS), min_size=1, max_size=3),
)
def test_fuzz_texts(seeds: list[dict[str, Any]], changes: list[tuple[int, int, str]]) -> None:
    """Manifests with some characters replaced, dropped or added."""
    text = yaml.safe_dump_all(seeds, sort_keys=False)
    for place, dropped, added in changes:
        at = place % len(text)
        text = text[:at] + added[:3] + text[at + dropped :]
    use(read(text))


@pytest.mark.parametrize(
    ("content", "understood"),
    [
        pytest.param(b"\xef\xbb\xbf" + good("one").encode(), True, id="a byte order mark"),
        pytest.param(good("one").replace("\n", "\r\n"), True, id="lines of Windows"),
        pytest.param(good("one").replace("\n", "\r"), True, id="lines of old Macs"),
        pytest.param(good("one").encode("utf-16"), False, id="UTF-16"),
        pytest.param(good("one").encode("utf-32"), False, id="UTF-32"),
        pytest.param(good("one").encode() + b"\0", False, id="NUL"),
        pytest.param(good("one").encode() + b"# \xff\xfe\n", False, id="no UTF-8 in a comment"),
        pytest.param(f"--- # a comment\n---\n...\n---\n{good('one')}...\n", True, id="empty documents"),
        pytest.param(good("one").replace("shop", "shop, name: two"), False, id="a key twice"),
        pytest.param(good("one").replace("{}", "{<<: {matchLabels: {}}}"), True, id="a merge key"),
        pytest.param(good("one").replace("{}", "{<<: text}"), False, id="a merge of a text"),
        pytest.param(good("one").replace("shop", "!env SHOP"), False, id="a tag"),
        pytest.param(good("one").replace("shop", "!!binary c2hvcA=="), False, id="bytes"),
        pytest.param(good("one").replace("kind: N", "? [kind]\n: N"), False, id="a list as a key"),
        pytest.param(f"--- &a\n{good('one')}status: *a\n", True, id="an alias of the whole"),
        pytest.param(good("one").replace("{}", "&s {matchLabels: {}, <<: *s}"), True, id="a merge of itself"),
        pytest.param(good("one").replace("{}", "&s {matchLabels: *s}"), False, id="an alias of itself"),
        pytest.param(good("one").replace("{}", "*nothing"), False, id="an alias of nothing"),
        pytest.param("items: &i [*i]\nkind: List\napiVersion: v1\n", False, id="a list in itself"),
        pytest.param("&l {kind: List, apiVersion: v1, items: [*l]}\n", False, id="an object in itself"),
        pytest.param(good("one").replace("443", "9" * 100_000), False, id="a number of many digits"),
        pytest.param(f"%YAML {'9' * 5000}.1\n---\n{good('one')}", False, id="a version of many digits"),
        pytest.param(good("one").replace("one", '"\\UFFFFFFFF"'), False, id="a character beyond Unicode"),
        pytest.param("# nothing\n", False, id="nothing"),
    ],
)
def test_files(content: bytes | str, *, understood: bool) -> None:
    """How else a file can be odd, and whether its policy is understood."""
    found = read(content)
    assert ("one" in names(found)) is understood
    use(found)


def test_half_of_a_character() -> None:
    """An escape of half a character is written as one can print it, or is a fault."""
    use(read(good("one").replace("one", '"\\ud83d"')))


def test_a_line_for_each() -> None:
    """What a manifest says cannot make further lines, nor colours, of what is told of it."""
    found = read(good("one").replace("one", '"one\\nNetworkPolicy shop/two: isolates nobody \\e[31m"'))
    assert all(line.isprintable() for line in check(found))


def test_a_list_with_a_broken_item() -> None:
    """In a `List`, what is broken takes nothing with it."""
    item = good("NAME").replace("\n", "\n  ").strip()
    for broken in ("5", "[]", "{kind: []}", "{kind: NetworkPolicy, apiVersion: []}", "{a: 1, a: 2}"):
        items = f"- {item.replace('NAME', 'one')}\n- {broken}\n- {item.replace('NAME', 'two')}\n"
        found = read(f"apiVersion: v1\nkind: List\nitems:\n{items}")
        assert found.faults, broken
        assert {"one", "two"} <= set(names(found)), broken


def test_a_list_in_a_list() -> None:
    """A `List` in a `List` is read as one, or is said to be skipped."""
    item = good("one").replace("\n", "\n      ").strip()
    found = read(f"kind: List\napiVersion: v1\nitems:\n- kind: List\n  apiVersion: v1\n  items:\n    - {item}\n")
    assert "one" in names(found) or found.skipped["List"] == 1
    assert not found.faults


def test_broken_syntax_behind() -> None:
    """Where a file ends in no YAML at all, nothing of it is half in effect, and the fault has its line."""
    found = read(f"{good('one')}---\nspec: [\n")
    assert [fault.place.line for fault in found.faults] == [7]
    assert names(found) == ["beside"]


def bomb(width: int, depth: int) -> str:
    """Lists of aliases of lists of aliases."""
    lines = [f"a0: &a0 [{','.join(['{podSelector: {}}'] * width)}]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * width)}]" for n in range(1, depth)]
    return "\n".join(lines)


def test_bombs() -> None:
    """Aliases of aliases that make more values than any file is long are a fault, and cost no more than that."""
    wide = f"x: &x [{','.join(['v'] * 1000)}]\ny: &y [{','.join(['{key: k, operator: In, values: *x}'] * 1000)}]\n"
    selectors = ",".join(["{podSelector: {matchExpressions: *y}}"] * 1000)
    for content in (
        f"{bomb(10, 20)}\n{good('one').replace('ports', 'to: *a19, ports')}",
        f"{bomb(10, 20)}\n{good('one')}",
        wide + good("one").replace("ports", f"to: [{selectors}], ports"),
    ):
        found = read(content)
        assert not any("one" in str(fault.text) for fault in found.faults)
        use(found)


def _cli(file: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Our own command in a process of its own: what overflows the stack of C ends that one by a signal."""
    words = [sys.executable, "-m", "exporter", "expectations", *command, str(file.parent)]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)


DEEP = 100_000


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("[" * DEEP, id="lists that do not end"),
        pytest.param("a: " + "[" * DEEP + "]" * DEEP, id="lists"),
        pytest.param("{a: " * DEEP + "}" * DEEP, id="mappings"),
        pytest.param('{"a":' * DEEP, id="JSON"),
        pytest.param("- " * DEEP + "a", id="lists in block style"),
        pytest.param("? " * DEEP + "a", id="mappings as keys"),
        pytest.param("".join(f"{' ' * n}a:\n" for n in range(3000)), id="steps"),
        pytest.param("a: &a " + "[" * 20_000 + "]" * 20_000 + "\nb: *a\n", id="lists that are named"),
        pytest.param(good("one").replace("{}", "{matchLabels: " + "[" * DEEP + "]" * DEEP + "}"), id="in a policy"),
        pytest.param("[&a " * DEEP, id="names"),
        pytest.param("!" * DEEP, id="tags"),
        pytest.param("&a [" + "*a," * DEEP + "]", id="aliases of itself"),
        pytest.param("a: &a {x: 1}\nb: {<<: [" + "*a," * DEEP + "]}", id="merges"),
        pytest.param("[{- ?:&a *a\n" * (DEEP // 10), id="a bit of everything"),
    ],
)
def test_nesting(tmp_path: Path, content: str) -> None:
    """However deep it is nested: an error with file and line, and the file beside it is understood."""
    (tmp_path / "deep.yaml").write_text(content)
    (tmp_path / "good.yaml").write_text(good("beside"))
    done = _cli(tmp_path / "deep.yaml", "check")
    assert done.returncode in (0, 1), done.stderr[-500:]
    assert "Traceback" not in done.stderr
    assert "NetworkPolicy shop/beside" in done.stdout
    if done.returncode:
        assert all("deep.yaml:" in line for line in done.stderr.splitlines())


def test_a_host_as_long_as_any(tmp_path: Path) -> None:
    """A host with a star that is longer than a pattern may be is a fault or a host, and no crash when one asks."""
    spec = f"{{hosts: ['*.{'a' * 254}']}}"
    mesh = f"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: one}}\nspec: {spec}\n"
    (tmp_path / "mesh.yaml").write_text(mesh)
    asked = ("explain", "--from", "shop/web", "--to", "api.example.com", "--port", "443")
    done = _cli(tmp_path / "mesh.yaml", *asked)
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 2)


def test_no_such_thing(tmp_path: Path) -> None:
    """A file that is not there, one that is a broken link, and a name that is none, are faults by their names."""
    (tmp_path / "link.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "good.yaml").write_text(good("beside"))
    found = read_files([str(tmp_path), str(tmp_path / "missing.yaml"), "no\0name"])
    assert [fault.place.name for fault in found.faults] == [
        str(tmp_path / "missing.yaml"),
        "no\0name",
        str(tmp_path / "link.yaml"),
    ]
    assert names(found) == ["beside"]
