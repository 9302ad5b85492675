"""Documents that are made from the code are the ones the code makes, and promise nothing that is not there."""

import re
import subprocess
from pathlib import Path

import pytest

from exporter.metrics import families
from exporter.metrics.reference import metrics_markdown
from exporter.settings.reference import configuration_markdown
from tests.programs import required, run

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("file", "text"), [("CONFIGURATION.md", configuration_markdown()), ("METRICS.md", metrics_markdown())]
)
def test_generated_documents_are_fresh(file: str, text: str) -> None:
    """`make reference` would change nothing."""
    assert (ROOT / file).read_text() == text


def test_readme_names_the_two_commands() -> None:
    """A stranger finds how to see it and how to prove it."""
    readme = (ROOT / "README.md").read_text()
    assert "make demo" in readme
    assert "make test" in readme


def test_readme_shows_metrics_that_exist() -> None:
    """Every metric that the README shows or asks for is a family of ours."""
    known = {family.name for family in (*families.PRODUCT, *families.READ, *families.EXPORTER)}
    known |= {f"{family.name}_bucket" for family in families.READ if family.kind == "histogram"}
    words = (ROOT / "README.md").read_text().replace("{", " ").replace("(", " ").replace("[", " ").replace("`", " ")
    shown = {word.strip(".,;") for word in words.split() if word.startswith("hubble_egress_")}
    assert shown
    assert shown <= known


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link of a document is a file of the repository, and what stands behind its # a heading there."""
    documents = [*ROOT.glob("*.md"), *ROOT.glob("deploy/**/*.md"), *ROOT.glob("tests/benchmarks/*.md")]
    for document in documents:
        for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
            target, _, heading = link.partition("#")
            if "://" not in link:
                led = document.parent / target if target else document
                assert led.exists(), f"{document.name}: {link}"
                assert not heading or heading in anchors(led.read_text()), f"{document.name}: {link}"


def anchors(text: str) -> set[str]:
    """The names of the headings of a document: small letters, dashes for spaces, no punctuation."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_every_family_of_the_reference_is_exposed() -> None:
    """METRICS.md and the exposition name the same families of ours, with the same type; none stands in one only."""
    chapters = re.findall(r"^### `(\w+)`\n\n(\w+)\.", (ROOT / "METRICS.md").read_text(), re.MULTILINE)
    exposed = re.findall(r"^# TYPE (hubble_egress_\w+) (\w+)$", run("demo", "--once").stdout, re.MULTILINE)
    assert [(name, kind.lower()) for name, kind in chapters] == exposed


def test_nothing_is_left_to_be_done() -> None:
    """No file of the repository holds a note to its author."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    listed = subprocess.run([required("git"), "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    marks = re.compile(rb"\b(?:TO" + rb"DO|FIX" + rb"ME)\b")
    files = [ROOT / name.decode() for name in listed.split(b"\0") if name]
    assert [str(file) for file in files if file.is_file() and marks.search(file.read_bytes())] == []


def test_readme_shows_an_allowlist_that_is_understood(tmp_path: Path) -> None:
    """The allowlist of the README is one, and it allows what it seems to."""
    (example,) = re.findall(r"^```yaml\n(allow:.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "allow.yaml").write_text(example)
    asked = ("--from", "shop/report-daily", "--to", "a.cdn.example", "--port", "443/TCP")
    ended = run("expectations", "explain", *asked, str(tmp_path))
    assert ended.stdout.splitlines()[0] == "expected"
