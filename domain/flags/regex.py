"""Python-compatible regular expressions with a time limit."""

import re
import time
from itertools import accumulate
from typing import Any

import regex

TIME_LIMIT = 0.05
"""Seconds for all patterns of one evaluation together. Patterns left over when it ends do not match."""

LARGEST = 5_000
"""Maximum size of a pattern in characters, with repetitions expanded: engines do expand them."""

DEEPEST_GROUPS = 20

_TOKEN = re.compile(
    r"(?P<escape>\\.)|(?P<class>\[\^?+\]?+(?:\\.|[^\]\\])*+\])|(?P<open>\()|(?P<close>\))"
    r"|(?P<repeat>\{(?P<least>\d*)(?:,(?P<most>\d*))?\})|(?P<brace>\{)|(?P<unclosed>\[)|(?P<other>.)",
    re.DOTALL,
)

_SET_OPERATION = re.compile(r"(?<!\\)(?:\\\\)*(?:\[|--|&&|~~|\|\|)")

_COMMENT = re.compile(r"\(\?(?:#|[a-zA-Z]*x)")

_ODD_CONDITION = re.compile(r"\(\?\((?!(?:[0-9]+|[^\W\d]\w*)\))")


class Deadline:
    """The time by which all patterns of one evaluation must have been matched."""

    def __init__(self, seconds: float = TIME_LIMIT) -> None:
        self._ends = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """The remaining seconds."""
        return self._ends - time.monotonic()


def problem_of(pattern: str) -> str | None:
    """Return the problem of a pattern, phrased to follow "The value", or None. No pattern makes Python emit a warning."""
    if problem := _problem_of_form(pattern):
        return problem
    try:
        # Compile only after checking that the pattern can't blow up, and means the same in future versions of Python.
        re.compile(pattern)
        regex.compile(pattern)
    except (re.error, regex.error, OverflowError) as error:
        return f"is not a regular expression: {error}"
    return None


def tokens_of(pattern: str) -> list[tuple[str, re.Match[str]]]:
    """Return the tokens of a pattern, each with its kind, the name of a group in `_TOKEN`."""
    return [(match.lastgroup or "", match) for match in _TOKEN.finditer(pattern)]


def _problem_of_form(pattern: str) -> str | None:
    if _COMMENT.search(pattern):
        return "has a comment, or the flag x, which allows comments: write it without"
    tokens = tokens_of(pattern)
    problems = (_problem_of_token(kind, match) for kind, match in tokens)
    if problem := next((problem for problem in problems if problem), None):
        return problem
    if _depth(tokens) > DEEPEST_GROUPS:
        return f"has groups nested more than {DEEPEST_GROUPS} deep"
    if _expanded_size(tokens) > LARGEST:
        return f"has more than {LARGEST} characters when its repetitions are expanded"
    return None


def _problem_of_token(kind: str, match: re.Match[str]) -> str | None:
    """The problem of one token that engines, or future versions of Python, read differently."""
    if kind == "brace" or (kind == "repeat" and match[0] in ("{}", "{,}")):
        return "has a brace that repeats nothing, which engines read differently: escape it with a backslash"
    if kind == "class" and _SET_OPERATION.search(match[0], 1):
        return "has a '[', '--', '&&', '~~' or '||' within brackets, which engines read differently: escape it with a backslash"
    if kind == "unclosed":
        return "has a '[' without a ']': add it, or escape the '[' with a backslash"
    if kind == "open" and _ODD_CONDITION.match(match.string, match.start()):
        return "has a condition '(?(' that names no group: write the number or the name of a group"
    return None


def _depth(tokens: list[tuple[str, re.Match[str]]]) -> int:
    return max(accumulate({"open": 1, "close": -1}.get(kind, 0) for kind, _ in tokens), default=0)


def _expanded_size(tokens: list[tuple[str, re.Match[str]]]) -> int:
    """The number of characters that the pattern has with its repetitions expanded."""
    groups: list[list[int]] = [[]]
    for kind, match in tokens:
        if kind == "open":
            groups.append([])
        elif kind == "close" and len(groups) > 1:
            size = 1 + sum(groups.pop())
            groups[-1].append(size)
        elif kind == "repeat" and groups[-1]:
            groups[-1][-1] *= max(1, int(match["least"] or 0), int(match["most"] or 0))
        else:
            groups[-1].append(1)
    return sum(groups[-1])


def compile_pattern(pattern: str) -> Any:
    """Return the compiled pattern, which must have no problem."""
    return regex.compile(pattern)


def matches(compiled: Any, text: str, deadline: Deadline) -> bool:
    """True if the beginning of the text matches. Always false after the deadline."""
    try:
        return deadline.left > 0 and compiled.match(text, timeout=deadline.left) is not None
    except TimeoutError:
        return False
