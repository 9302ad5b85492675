"""Files and folders are read again when they change, and what is broken never replaces what was good."""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.expectations import files as module
from exporter.expectations.files import ExpectationsError, read_files, stamps_of
from exporter.expectations.live import LiveFiles
from exporter.expectations.settings import ExpectationsSettings

POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: NAME, namespace: shop}
spec: {podSelector: {}, policyTypes: [Egress]}
"""


def names(folder: Path) -> list[str]:
    """The policies in a folder."""
    return [policy.ref.name for policy in read_files([str(folder)]).policies]


def live(*paths: Path) -> LiveFiles:
    """The files as the service reads them."""
    return LiveFiles(ExpectationsSettings(files=tuple(map(str, paths))))


def test_folder(tmp_path: Path) -> None:
    """A folder stands for all manifests below it in the order of their names; hidden and other files are left out."""
    for name in ("b.yaml", "a.yml", "sub/c.json", ".hidden/d.yaml", "..data/a.yml", "notes.txt", ".e.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(POLICY.replace("NAME", Path(name).stem))
    assert names(tmp_path) == ["a", "b", "c"]


def test_mounted_config_map(tmp_path: Path) -> None:
    """Kubernetes mounts a ConfigMap as links into a hidden folder, and changes all of them at once."""
    for number in (1, 2):
        (tmp_path / f"..{number}").mkdir()
        (tmp_path / f"..{number}" / "policy.yaml").write_text(POLICY.replace("NAME", f"version-{number}"))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "policy.yaml").symlink_to("..data/policy.yaml")
    files = live(tmp_path)
    assert [policy.ref.name for policy in files.read.policies] == ["version-1"]
    (tmp_path / "..new").symlink_to("..2")
    (tmp_path / "..new").rename(tmp_path / "..data")
    read = files.look()
    assert read is not None
    assert [policy.ref.name for policy in read.policies] == ["version-2"]


def test_nothing_new(tmp_path: Path) -> None:
    """Unchanged files are not read again, unless somebody asks for it."""
    (tmp_path / "a.yaml").write_text(POLICY)
    files = live(tmp_path)
    assert files.look() is None
    assert files.look(again=True) is not None


@pytest.mark.parametrize("change", ["added", "removed", "written"])
def test_change(change: str, tmp_path: Path) -> None:
    """A file that is added, removed or written is seen."""
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text(POLICY.replace("NAME", name))
    files = live(tmp_path)
    if change == "added":
        (tmp_path / "c.yaml").write_text(POLICY.replace("NAME", "c"))
    elif change == "removed":
        (tmp_path / "b.yaml").unlink()
    else:
        (tmp_path / "b.yaml").write_text(POLICY.replace("NAME", "longer"))
    read = files.look()
    assert read is not None
    wanted = {"added": ["a", "b", "c"], "removed": ["a"], "written": ["a", "longer"]}
    assert [policy.ref.name for policy in read.policies] == wanted[change]


def test_broken_file_never_replaces_a_good_one(tmp_path: Path) -> None:
    """The previous expectations stay, each fault is said with its place, and the mended file is read."""
    file = tmp_path / "a.yaml"
    file.write_text(POLICY.replace("NAME", "good"))
    files = live(file)
    file.write_text(POLICY.replace("{podSelector: {}", "{podSelector: []"))
    with capture_logs() as logs:
        assert files.look() is None
        assert files.look() is None
    assert (files.successful, files.read.policies[0].ref.name) == (False, "good")
    assert [entry["event"] for entry in logs] == ["expectations_refused"]
    assert logs[0]["fault"].startswith(f"{file}:4:21: spec.podSelector: a list, where")
    file.write_text(POLICY.replace("NAME", "mended"))
    assert files.look() is not None
    assert files.successful


def test_file_that_is_gone(tmp_path: Path) -> None:
    """A file that is named and gone is a fault, not an empty file."""
    file = tmp_path / "a.yaml"
    file.write_text(POLICY)
    files = live(file)
    file.unlink()
    assert files.look() is None
    assert not files.successful
    assert files.read.policies


def test_start_with_a_broken_file(tmp_path: Path) -> None:
    """The start refuses what it cannot understand."""
    (tmp_path / "a.yaml").write_text("allow: [{workloads: [shop/cart]}]\n")
    with pytest.raises(ExpectationsError, match=r"a\.yaml:1:9: allow\[0\]: an entry needs owner"):
        live(tmp_path / "a.yaml")


def test_one_fault_spoils_its_own_object_only(tmp_path: Path) -> None:
    """`check` shows what was understood beside what was not."""
    bad = POLICY.replace("spec:", "spec: {policyTypes: {}}\nother:")
    (tmp_path / "a.yaml").write_text(f"{POLICY}---\n{bad}")
    (tmp_path / "b.yaml").write_text("a: [\n")
    (tmp_path / "c.yaml").write_text(POLICY)
    read = read_files([str(tmp_path)])
    assert [Path(policy.ref.file).name for policy in read.policies] == ["a.yaml", "c.yaml"]
    assert sorted(Path(fault.place.name).name for fault in read.faults) == ["a.yaml", "b.yaml"]
    assert all(fault.place.line for fault in read.faults)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("ports: [443-]", "'443-' is no port"),
        ("ports: []", "ports has nothing in it"),
        ("to: []", "to has nothing in it"),
        ("expires: 2027-W09-1", "'2027-W09-1' is no date"),
        ("expires: 2027-02-30", "'2027-02-30' is no date"),
        ("to: [{matchName: a.example, cidr: 10.0.0.0/8}]", "write one of matchName"),
        ("to: [{entity: moon}]", "'moon' is no entity"),
        ("owners: x", "no key of an entry"),
    ],
)
def test_one_bad_entry_spoils_itself_only(entry: str, said: str, tmp_path: Path) -> None:
    """What an entry of the allowlist gets wrong is said, and the entry behind it is understood."""
    good = "  - {workloads: [shop/cart], owner: o, reason: r}\n"
    (tmp_path / "a.yaml").write_text(
        f"allow:\n  - workloads: [shop/a]\n    owner: o\n    reason: r\n    {entry}\n{good}"
    )
    read = read_files([str(tmp_path)])
    (fault,) = read.faults
    assert said in fault.text
    assert fault.place.line == 5
    assert [str(policy.chooser) for policy in read.policies] == ["workloads shop/cart"]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("{podSelector: {}, policyTypes: [egress]}", "'egress' is no policy type; write Ingress or Egress"),
        ("{podSelector: {}, egress: [{ports: [{port: -5}]}]}", "'-5' is no whole number from 1 to 65535"),
        ("{podSelector: {}, egress: [{to: [{}]}]}", "a peer is a podSelector, a namespaceSelector or an ipBlock"),
    ],
)
def test_policy_that_the_api_server_refuses(spec: str, said: str, tmp_path: Path) -> None:
    """A policy that can be in no cluster is a fault."""
    (tmp_path / "a.yaml").write_text(POLICY.replace("{podSelector: {}, policyTypes: [Egress]}", spec))
    (fault,) = read_files([str(tmp_path)]).faults
    assert said in fault.text


def test_fields_that_nobody_knows_are_told(tmp_path: Path) -> None:
    """A misspelt field does not look like one that is not there."""
    spec = "{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, excepts: [10.0.0.0/24]}}]}]}"
    (tmp_path / "a.yaml").write_text(POLICY.replace("{podSelector: {}, policyTypes: [Egress]}", spec))
    (policy,) = read_files([str(tmp_path)]).policies
    assert [field.path for field in policy.not_evaluated] == ["spec.egress[0].to[0].ipBlock.excepts"]
    assert not policy.rules[0].certain


def test_pipe_is_not_read(tmp_path: Path) -> None:
    """Reading a pipe may never end: among manifests it is left out, by its name it is a fault."""
    os.mkfifo(tmp_path / "pipe.yaml")
    assert not read_files([str(tmp_path)]).faults
    (fault,) = read_files([str(tmp_path / "pipe.yaml")]).faults
    assert fault.text == "cannot be read: it is neither a file nor a folder"


def test_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file cannot take all memory."""
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    (tmp_path / "a.yaml").write_text(POLICY)
    (fault,) = read_files([str(tmp_path)]).faults
    assert fault.text == f"has {len(POLICY)} bytes, and 100 are the most; split it"


def test_stamps_of_what_is_not_there(tmp_path: Path) -> None:
    """A path without a file has no stamp, and gets one when it appears."""
    assert stamps_of([str(tmp_path / "later")]) == {}
