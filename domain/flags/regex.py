"""Regular expressions that mean what Python's mean, and end in time."""

import re
import time
from itertools import accumulate
from typing import Any

import regex

PATIENCE = 0.05
"""For how many seconds all patterns of one evaluation together are tried; those that are left then do not match."""

LARGEST = 5_000
"""How many characters a pattern has, with its repetitions written out: engines do write them out."""

DEEPEST_GROUPS = 20

_TOKEN = re.compile(
    r"(?P<escape>\\.)|(?P<class>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<open>\()|(?P<close>\))"
    r"|(?P<repeat>\{(?P<least>\d*)(?:,(?P<most>\d*))?\})|(?P<brace>\{)|(?P<other>.)",
    re.DOTALL,
)


_SET_OPERATION = re.compile(r"(?<!\\)(?:\\\\)*(?:\[|--|&&|~~|\|\|)")

_COMMENT = re.compile(r"\(\?(?:#|[a-zA-Z]*x)")


class Deadline:
    """The time by which the patterns of one evaluation must be done."""

    def __init__(self) -> None:
        self._ends = time.monotonic() + PATIENCE

    @property
    def left(self) -> float:
        """Seconds."""
        return self._ends - time.monotonic()


def problem_of(pattern: str) -> str | None:
    """Why a pattern can't be taken, if it can't. It is compiled only once it is known not to grow under that."""
    if problem := _problem_of_form(pattern):
        return problem
    try:
        re.compile(pattern)
        regex.compile(pattern)
    except (re.error, regex.error, OverflowError) as error:
        return f"is no regular expression: {error}"
    return None


def _problem_of_form(pattern: str) -> str | None:
    if _COMMENT.search(pattern):
        return "has comments, or the flag x, which allows them: write it without"
    tokens = [(match.lastgroup or "", match) for match in _TOKEN.finditer(pattern)]
    if any(kind == "brace" or (kind == "repeat" and match[0] in ("{}", "{,}")) for kind, match in tokens):
        return "has a brace that repeats nothing, which engines read differently: escape it with a backslash"
    if any(kind == "class" and _SET_OPERATION.search(match[0], 1) for kind, match in tokens):
        return "has a '[', '--', '&&', '~~' or '||' within brackets, which engines read differently: escape it with a backslash"
    if _depth(tokens) > DEEPEST_GROUPS:
        return f"has groups that are nested more than {DEEPEST_GROUPS} deep"
    if _written_out(tokens) > LARGEST:
        return f"has repetitions that come to more than {LARGEST} characters when they are written out"
    return None


def _depth(tokens: list[tuple[str, re.Match[str]]]) -> int:
    return max(accumulate({"open": 1, "close": -1}.get(kind, 0) for kind, _ in tokens), default=0)


def _written_out(tokens: list[tuple[str, re.Match[str]]]) -> int:
    """How many characters the pattern has with its repetitions written out."""
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
    """The pattern, ready to be matched. It must have no problem."""
    return regex.compile(pattern)


def matches(compiled: Any, text: str, deadline: Deadline) -> bool:
    """Whether the text begins with what the pattern describes; never after the deadline."""
    try:
        return deadline.left > 0 and compiled.match(text, timeout=deadline.left) is not None
    except TimeoutError:
        return False
