"""Regular expressions mean what they mean in Python, and end in time."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.flags.regex import PATIENCE, Deadline, compile_pattern, matches, problem_of

PIECES = st.sampled_from(
    [*"ab.^$é", r"\d", r"\w", r"\s", r"\b", r"\W", r"\Z", r"\.", r"\{", "[a-c]", "[^ab]", "[]x]", "(a|bc)", "(?:ab)"]  # noqa: RUF005 (one line would be too long)
    + ["a?", "b*?", "a+", "(?i)", ".{2,3}", "(a){,2}", "(?!b)", "(?<=a)"]
)
TEXTS = st.text(alphabet="abcAxé5٣ .\n{]", max_size=8)


@given(st.lists(PIECES, max_size=5), TEXTS)
def test_a_pattern_means_what_it_means_in_python(pieces: list[str], text: str) -> None:
    pattern = "(?i)" + "".join(pieces).replace("(?i)", "") if "(?i)" in pieces else "".join(pieces)
    if problem_of(pattern) is None:
        assert matches(compile_pattern(pattern), text, Deadline()) == (re.match(pattern, text) is not None)


@given(st.text(alphabet="ab\\d[]()^-{},*+?|:$=!<>P&~ 0123", max_size=14), TEXTS)
def test_whatever_is_written_is_refused_or_means_what_it_means_in_python(pattern: str, text: str) -> None:
    if problem_of(pattern) is None:
        assert matches(compile_pattern(pattern), text, Deadline()) == (re.match(pattern, text) is not None)


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|a)*$", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(x+x+)+y", r"(.*a){20}b"])
@pytest.mark.parametrize("text", ["a" * 2_000 + "!", "a" * 40 + "!", "x" * 1_500])
def test_no_pattern_takes_longer_than_it_may(pattern: str, text: str) -> None:
    assert problem_of(pattern) is None
    compiled, deadline, started = compile_pattern(pattern), Deadline(), time.thread_time()

    results = [matches(compiled, text, deadline) for _ in range(20)]

    assert results == [False] * 20
    assert time.thread_time() - started < 20 * PATIENCE


@pytest.mark.parametrize("pattern", ["(?#[)(a{1000}){1000}(?#])", "(?ix)(a{1000} # [\n){1000} # ]"])
def test_no_comment_hides_what_a_pattern_comes_to(pattern: str) -> None:
    assert "comments" in (problem_of(pattern) or "")
