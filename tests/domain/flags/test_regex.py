"""Regular expressions mean the same as in Python, and matching them takes a limited time."""

import re
import time
import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.flags.regex import TIME_LIMIT, Deadline, compile_pattern, matches, problem_of

PIECES = st.sampled_from(
    [*"ab.^$é", r"\d", r"\w", r"\s", r"\b", r"\W", r"\Z", r"\.", r"\{", "[a-c]", "[^ab]", "[]x]", "(a|bc)", "(?:ab)"]  # noqa: RUF005 (one line would be too long)
    + ["a?", "b*?", "a+", "(?i)", ".{2,3}", "(a){,2}", "(?!b)", "(?<=a)"]
)
TEXTS = st.text(alphabet="abcAxé5٣ .\n{]", max_size=8)
PLENTY_OF_TIME = 60
"""Seconds. A busy machine must not turn a match into a timeout."""


def problem_without_warning(pattern: str) -> str | None:
    """The problem of a pattern. Fails if Python warns, as it does for patterns whose meaning will change."""
    re.purge()
    with warnings.catch_warnings(record=True) as emitted:
        warnings.simplefilter("always")
        problem = problem_of(pattern)
    assert [str(each.message) for each in emitted] == []
    return problem


@given(st.lists(PIECES, max_size=5), TEXTS)
def test_an_accepted_pattern_means_the_same_as_in_python(pieces: list[str], text: str) -> None:
    pattern = "(?i)" + "".join(pieces).replace("(?i)", "") if "(?i)" in pieces else "".join(pieces)
    if problem_without_warning(pattern) is None:
        assert matches(compile_pattern(pattern), text, Deadline(PLENTY_OF_TIME)) == (re.match(pattern, text) is not None)


@given(st.text(alphabet="ab\\d[]()^-{},*+?|:$=!<>P&~ 0123", max_size=14), TEXTS)
@example("[0||", "")
@example("[]a--b", "")
@example("[^]&&", "")
@example("(a)(?( 1)b)", "ab")
def test_any_pattern_is_refused_or_means_the_same_as_in_python(pattern: str, text: str) -> None:
    if problem_without_warning(pattern) is None:
        assert matches(compile_pattern(pattern), text, Deadline(PLENTY_OF_TIME)) == (re.match(pattern, text) is not None)


@pytest.mark.parametrize("inside", ["[a", "a[[:b", "a--b", r"\w--a", "+-\\---x", "a&&b", "a~~b", "a||b", "^[a", "]--b", "^]||b", r"\\--b"])
@pytest.mark.parametrize("end", ["]", ""])
def test_a_set_operation_is_refused_because_python_will_change_its_meaning(inside: str, end: str) -> None:
    assert "escape" in (problem_without_warning(f"[{inside}{end}") or "")


@pytest.mark.parametrize(
    "pattern", [r"[a\[b]", r"[a\--b]", r"[\&&]", r"[\~~]", r"[a\||]", "[]a]", "[^]a]", "a||b", "a--b", r"\[||", "[-a]"]
)
def test_escaped_characters_and_single_ones_are_no_set_operation(pattern: str) -> None:
    assert problem_without_warning(pattern) is None


@pytest.mark.parametrize("condition", [" 1", "+1", "1 ", "٣", "1_0", ""])
def test_a_condition_that_python_will_no_longer_read_is_refused(condition: str) -> None:
    assert "names no group" in (problem_without_warning(f"(a)(?({condition})b|c)") or "")


@pytest.mark.parametrize("pattern", ["(a)?(?(1)b|c)", "(?P<é1>a)?(?(é1)b|c)"])
def test_a_condition_on_a_group_is_accepted(pattern: str) -> None:
    assert problem_without_warning(pattern) is None


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|a)*$", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(x+x+)+y", r"(.*a){20}b"])
@pytest.mark.parametrize("text", ["a" * 2_000 + "!", "a" * 40 + "!", "x" * 1_500])
def test_no_pattern_exceeds_the_time_limit(pattern: str, text: str) -> None:
    assert problem_of(pattern) is None
    compiled, deadline, started = compile_pattern(pattern), Deadline(), time.thread_time()

    results = [matches(compiled, text, deadline) for _ in range(20)]

    assert results == [False] * 20
    assert time.thread_time() - started < 20 * TIME_LIMIT


@pytest.mark.parametrize("pattern", ["(?#[)(a{1000}){1000}(?#])", "(?ix)(a{1000} # [\n){1000} # ]"])
def test_comments_are_refused_because_they_can_hide_repetitions(pattern: str) -> None:
    assert "comment" in (problem_of(pattern) or "")
