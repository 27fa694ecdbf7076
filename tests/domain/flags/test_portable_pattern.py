"""Patterns in the form that all languages read alike."""

import re

import pytest

from domain.flags.portable_pattern import constructs_that_differ, needs_a_letter, portable, tells_spellings_of_booleans_apart


@pytest.mark.parametrize(
    ("written", "served"),
    [
        ("beta", "^(?:beta)"),
        ("a|b", "^(?:a|b)"),
        (r"\d+\s\w", r"^(?:[0-9]+[ \t\n\r\f\v][A-Za-z0-9_])"),
        (r"\D\W\S", r"^(?:[^0-9][^A-Za-z0-9_][^ \t\n\r\f\v])"),
        (r"[\w.\]-]+", r"^(?:[A-Za-z0-9_.\]-]+)"),
        (r"\A\.a{,3}", r"^(?:^\.a{0,3})"),
        ("(?i)pro", "^(?:(?i:pro))"),
        (r"\\d", r"^(?:\\d)"),
    ],
)
def test_a_pattern_is_anchored_and_its_classes_are_written_out(written: str, served: str) -> None:
    assert portable(written) == served
    re.compile(served)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"^[\w.]+@(a|b)\.com$", {}),
        ("(?i)a", {"(?i)": ("Node",)}),
        ("(?=a)b", {"(?=": ("Go",)}),
        ("(?<!a)b", {"(?<!": ("Go",)}),
        ("(?P<a>b)", {"(?P<": ("Node", "Java")}),
        (r"(a)\1", {r"\1": ("Go",)}),
        (r"\bpro", {r"\b": ("Node", "Go", "Java")}),
        (r"[\D]", {r"[\D]": ("Node", "Go", "Java")}),
        ("a++b", {"++": ("Node", "Go")}),
        ("[]a]", {"[]a]": ("Node",)}),
        ("a{1001}", {"{1001}": ("Go",)}),
        (r"\Z", {r"\Z": ("Node", "Go", "Java")}),
    ],
)
def test_constructs_that_a_language_lacks_are_named(pattern: str, expected: dict[str, tuple[str, ...]]) -> None:
    assert {each.text: each.languages for each in constructs_that_differ(pattern)} == expected


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        ("pro.*", True),
        (".*@", True),
        (r"\d{5}", False),
        ("p?1", False),
        ("p*1", False),
        ("p{0,2}", False),
        ("a|1", False),
        ("(a)", False),
        ("1-5", False),
    ],
)
def test_a_pattern_that_numbers_cannot_match_is_recognised(pattern: str, needed: bool) -> None:
    assert needs_a_letter(pattern) is needed


@pytest.mark.parametrize(("pattern", "apart"), [("t", True), ("T", True), ("[Tt]r", False), ("pro", False), (".*", False)])
def test_the_two_spellings_of_a_boolean_are_compared(pattern: str, apart: bool) -> None:
    assert tells_spellings_of_booleans_apart(pattern) is apart
