"""`matchPattern`: Cilium's patterns of names, held against Cilium's own regular expression."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.destinations.patterns import check_name, check_pattern, matches_all, matches_name, matches_pattern

EXAMPLES = max(150, settings().max_examples)
CHARACTERS = "[-a-zA-Z0-9_]"


def cilium(pattern: str, name: str) -> bool:
    """Sanitize and ToAnchoredRegexp of pkg/fqdn/matchpattern, and dns.FQDN, step by step."""
    if not re.fullmatch(r"\*+\.?", pattern):
        pattern = fqdn(pattern)
    return re.fullmatch(expression(pattern.strip().lower()), fqdn(name)) is not None


def fqdn(name: str) -> str:
    """Lower case, with a dot at its end."""
    lower = name.lower()
    return lower if lower.endswith(".") else f"{lower}."


def expression(pattern: str) -> str:
    """What Cilium compiles."""
    if re.fullmatch(r"\*+\.?", pattern):
        return f"(({CHARACTERS}+[.])+)|([.])"
    text = pattern.replace(".", "[.]")
    text = re.sub(r"^\*{2,}\[\.\]", "<labels>", text)
    text = re.sub(r"\*+", f"{CHARACTERS}*", text)
    return text.replace("<labels>", f"({CHARACTERS}+([.]{CHARACTERS}+){{0,}})[.]")


@pytest.mark.parametrize(
    ("pattern", "names", "others"),
    [
        pytest.param(
            "api.example.com",
            ["api.example.com", "API.Example.COM", "api.example.com."],
            ["example.com", "www.api.example.com", "apiXexample.com", "api.example.com.evil", "xapi.example.com"],
            id="without a star it is a name",
        ),
        pytest.param(
            "API.Example.Com.",
            ["api.example.com", "api.example.com."],
            ["api.example.com.com"],
            id="case and a trailing dot do not matter",
        ),
        pytest.param(
            "*.example.com",
            ["www.example.com", "a-b_c.example.com", "WWW.EXAMPLE.COM.", ".example.com"],
            ["example.com", "a.b.example.com", "www.example.com.org", "wwwexample.com"],
            id="a star is any characters of one label",
        ),
        pytest.param(
            "*example.com",
            ["example.com", "myexample.com"],
            ["www.example.com", "my.example.com", "example.org"],
            id="a star is no characters as well",
        ),
        pytest.param("sub*.example.com", ["sub.example.com", "subdomain.example.com"], ["su.example.com"], id="behind"),
        pytest.param("*-db-*.x", ["a-db-b.x", "-db-.x", "-db-db-.x"], ["-db.x", "db-.x", "a.-db-.x"], id="around"),
        pytest.param("a*a.x", ["aa.x", "aba.x"], ["a.x", "ab.x"], id="what is before and behind does not overlap"),
        pytest.param("a*b*b.x", ["abb.x", "a1b2b.x"], ["ab.x", "aab.x"], id="pieces do not overlap"),
        pytest.param("*ab*ab*.x", ["abab.x", "xab-abx.x"], ["ab.x", "aab.x", "abba.x"], id="nor do equal pieces"),
        pytest.param("www.*.com", ["www.example.com", "www..com"], ["www.a.b.com", "www.com"], id="in the middle"),
        pytest.param("*.*.com", ["a.b.com"], ["b.com", "a.b.c.com"], id="one star for each label"),
        pytest.param("a**b.x", ["ab.x", "a1b.x"], ["a.b.x", "a.x"], id="a run of stars elsewhere is one star"),
        pytest.param("**example.com", ["example.com", "myexample.com"], ["my.example.com"], id="no dot behind the run"),
        pytest.param("a.**.com", ["a.b.com", "a..com"], ["a.b.c.com", "a.com"], id="a run that does not lead"),
        pytest.param("a**.com", ["a.com", "ab.com"], ["a.b.com"], id="a run that is not the whole first label"),
        pytest.param(
            "**.example.com",
            ["www.example.com", "a.b.c.example.com", "A.B.Example.Com."],
            ["example.com", ".example.com", "a..example.com", "wwwexample.com", "a.example.com.org"],
            id="a leading run and a dot are whole labels, one or more",
        ),
        pytest.param("*****.example.com", ["a.b.example.com"], ["example.com"], id="however long the run is"),
        pytest.param("**.*.com", ["a.b.com", "a.b.c.com"], ["b.com"], id="a leading run and another star"),
        pytest.param("**.*", ["a.b", "a.b.c"], ["a"], id="a leading run, and a star is the rest"),
        *(
            pytest.param(stars, ["com", "example.com", "a.b.c.d.", "_dns.X-1"], ["a..b", "ä.com", "a b"], id=stars)
            for stars in ("*", "**", "***", "*.", "**.", "****.")
        ),
        pytest.param("*.*", ["a.b"], ["a", "a.b.c"], id="stars with a dot between are not stars only"),
        pytest.param("*..", ["a.."], ["a", "a.b"], id="two dots are not stars only"),
        pytest.param(".", ["."], ["a", "a."], id="the root"),
        pytest.param("*.example.com", [], ["ä.example.com", "a b.example.com", "\n.example.com"], id="odd names"),
        pytest.param("example.com", [], ["example.com\n", " example.com", ""], id="nothing around a name"),
    ],
)
def test_table(pattern: str, names: list[str], others: list[str]) -> None:
    """What each form of a pattern matches, and what it does not; Cilium's own expression agrees."""
    for name in (*names, *others):
        assert matches_pattern(pattern, name) is (name in names), name
        assert cilium(pattern, name) is (name in names), name


LABELS = st.one_of(st.text("aab-_*", max_size=4), st.lists(st.sampled_from(["*", "ab", "a"]), max_size=7).map("".join))
PATTERNS = st.one_of(
    st.lists(st.one_of(LABELS, st.sampled_from(["*", "**", "***", "", "com"])), min_size=1, max_size=4).map(".".join),
    st.text("aB.*", min_size=1, max_size=10),
).filter(bool)
NAMES = st.one_of(
    st.lists(st.one_of(st.text("aab-_", max_size=4), st.just("com")), min_size=1, max_size=5).map(".".join),
    st.text("aAb.é ", max_size=8),
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str]:
    """A pattern, and a name that is made of it more often than not."""
    pattern = draw(PATTERNS)
    name = re.sub(r"\*", lambda _: draw(st.sampled_from(["", "a", "ab", "a.b", "-"])), pattern)
    return pattern, draw(st.one_of(st.just(name), st.just(name.upper()), st.just(f"{name}."), NAMES))


@settings(max_examples=EXAMPLES * 4)
@given(pair=pairs())
@example(pair=("*.", "."))
@example(pair=("*", ""))
@example(pair=("**.", "a.."))
@example(pair=("**.*", "a.."))
@example(pair=("..", "."))
def test_property_of_patterns(pair: tuple[str, str]) -> None:
    """Whatever the pattern and the name: the answer is that of Cilium's regular expression."""
    assert matches_pattern(*pair) is cilium(*pair)


@settings(max_examples=EXAMPLES)
@given(pattern=PATTERNS, name=NAMES)
def test_property_of_what_does_not_matter(pattern: str, name: str) -> None:
    """Neither case, nor a trailing dot, nor the length of a run of stars that does not lead."""
    said = matches_pattern(pattern, name)
    assert matches_pattern(pattern.swapcase(), name) is said
    assert matches_pattern(pattern, name.upper()) is said
    if not name.endswith("."):
        assert matches_pattern(pattern, f"{name}.") is said
    if not pattern.endswith("."):
        assert matches_pattern(f"{pattern}.", name) is said
    longer = re.sub(r"(?<=[^*])\*+", lambda run: run[0] * 2, pattern)
    assert matches_pattern(longer, name) is said


@settings(max_examples=EXAMPLES)
@given(pattern=PATTERNS, names=st.lists(st.text("ab-_", min_size=1, max_size=3), min_size=1, max_size=4))
def test_property_of_all_names(pattern: str, names: list[str]) -> None:
    """What matches all names matches each of them."""
    if matches_all(pattern):
        assert matches_pattern(pattern, ".".join(names))


@pytest.mark.parametrize(
    ("pattern", "is_all"),
    [
        *((stars, True) for stars in ("*", "**", "***", "*.", "**.", "*" * 255)),
        *((other, False) for other in ("", ".", "..", "*..", "**..", "*.*", "**.*", ".*", "*a", "**.com")),
    ],
)
def test_all_names(pattern: str, *, is_all: bool) -> None:
    """Stars alone match any name, with one dot behind them or with none."""
    assert matches_all(pattern) is is_all


@pytest.mark.parametrize(
    "character",
    [
        *(chr(code) for code in range(128) if not re.fullmatch(r"[-a-zA-Z0-9_.*]", chr(code))),
        *("ä", "é", "\u0430", "\u212a", "\u0131"),  # letters: of Latin, of Cyrillic; two whose other case is of ASCII
        *("\u0661", "\uff11", "\u00b2", "\U0001d7d9"),  # digits of other scripts
        *("\u00a0", "\u2028", "\ufeff", "\u200b", "\u3002", "\ud800", "\U0001f600"),
    ],
)
def test_a_character_outside(character: str) -> None:
    """A pattern with anything but letters, digits, `-`, `_`, `.` and `*` is an error, wherever that stands."""
    for pattern in (character, f"{character}.example.com", f"exa{character}mple.com", f"*.example.com{character}"):
        with pytest.raises(ValueError, match="bad matchPattern"):
            matches_pattern(pattern, "www.example.com")
        with pytest.raises(ValueError, match="bad matchPattern"):
            check_pattern(pattern)
        with pytest.raises(ValueError, match="bad matchName"):
            check_name(pattern)


def test_a_star_in_a_name() -> None:
    """A `matchName` has no stars."""
    with pytest.raises(ValueError, match="bad matchName"):
        check_name("*.example.com")


@pytest.mark.parametrize("text", ["", "a" * 256, "*" * 256, f"{'a.' * 127}ab"])
def test_lengths(text: str) -> None:
    """Nothing, and more than 255 characters, is an error; 255 are none."""
    for check in (check_pattern, check_name):
        with pytest.raises(ValueError, match="1 to 255"):
            check(text)
    if text:
        check_pattern(text[:255])
        check_name(text[:255].replace("*", "a"))
    with pytest.raises(ValueError, match="1 to 255"):
        matches_pattern(text, "example.com")


@pytest.mark.parametrize(
    ("wanted", "name", "same"),
    [
        ("api.example.com", "api.example.com", True),
        ("API.example.com.", "api.EXAMPLE.com", True),
        ("api.example.com", "www.api.example.com", False),
        ("api.example.com", "api.example.com..", False),
        ("api.example.com", "apixexample.com", False),
    ],
)
def test_match_name(wanted: str, name: str, *, same: bool) -> None:
    """A `matchName` is one name, whatever its case and with a trailing dot or without."""
    assert matches_name(wanted, name) is same


@pytest.mark.parametrize("between", ["a", "aa", "ab"])
def test_forty_stars(between: str) -> None:
    """Forty stars against 250 characters that nearly fit come to an end, with the right answer."""
    pattern = f"*{between}" * 40
    name = "a" * 250
    fits = "b" not in between
    assert matches_pattern(pattern, name) is fits
    assert matches_pattern(f"{pattern}.com", f"{name}.com") is fits
    assert not matches_pattern(f"{pattern}c", name)
    assert not matches_pattern(f"{pattern}c.com", f"{name}.com")
