"""Patterns that people write, in the form that the regular expressions of Python, JavaScript, Go and Java read alike."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from domain.flags.regex import Deadline, compile_pattern, matches, tokens_of

WRITTEN = "^(?:"
"""Start of every served pattern that a person wrote. Patterns of our own start in another way, and need no deadline."""

_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": r" \t\n\r\f\v"}
_FLAGS = re.compile(r"\(\?([aimsu]+)\)")
_CONTROL = "nrtfv"
_OPENINGS = {
    "(?:": (),
    "(?=": ("Go",),
    "(?!": ("Go",),
    "(?<=": ("Go",),
    "(?<!": ("Go",),
    "(?P<": ("Node", "Java"),
    "(?>": ("Node", "Go"),
}
"""The groups with a special form, each with the languages that refuse it."""
_REST = ("Node", "Go", "Java")


class Construct(NamedTuple):
    """A part of a pattern that some languages read differently than Python, or refuse."""

    text: str
    languages: tuple[str, ...]


def portable(pattern: str) -> str:
    """Return the pattern anchored at the start, as Python matches it, with ASCII classes instead of Python's Unicode ones."""
    flags, rest = _leading_flags(pattern)
    body = "".join(_portable_token(kind, match[0]) for kind, match in tokens_of(rest))
    return f"{WRITTEN}{f'(?{flags}:{body})' if flags else body})"


def constructs_that_differ(pattern: str) -> Iterator[Construct]:
    """Yield the parts that some language reads differently, or refuses. It then puts no one, or others, into the segment."""
    flags, rest = _leading_flags(pattern)
    if flags:
        yield Construct(f"(?{flags})", ("Node",))
    tokens = tokens_of(rest)
    for (kind, match), (following, after) in zip(tokens, [*tokens[1:], ("", None)], strict=True):
        yield from _differences_of(kind, match)
        if after and following == "other" and after[0] == "+" and match[0][-1] in "*+?}" and kind in ("other", "repeat"):
            yield Construct(f"{match[0]}+", ("Node", "Go"))


def needs_a_letter(pattern: str) -> bool:
    """True if everything that matches has a character that no number has. False if that isn't obvious."""
    _, rest = _leading_flags(pattern)
    depth, tokens, found = 0, tokens_of(rest), False
    for (kind, match), (following, after) in zip(tokens, [*tokens[1:], ("", None)], strict=True):
        depth += {"open": 1, "close": -1}.get(kind, 0)
        if depth == 0 and kind == "other" and match[0] == "|":
            return False
        is_literal = (kind == "other" and match[0] not in ".^$*+?") or (kind == "escape" and not match[0][1].isalnum())
        is_optional = after is not None and (after[0] in ("?", "*") or (following == "repeat" and not int(after["least"] or 0)))
        found = found or (depth == 0 and is_literal and not is_optional and match[0][-1] not in "0123456789.-")
    return found


def tells_spellings_of_booleans_apart(pattern: str) -> bool:
    """True if the pattern matches `True`, as Python writes it, but not `true`, or the other way round."""
    compiled, deadline = compile_pattern(portable(pattern)), Deadline()
    return any(matches(compiled, text, deadline) != matches(compiled, text.lower(), deadline) for text in ("True", "False"))


def _leading_flags(pattern: str) -> tuple[str, str]:
    flags = ""
    while match := _FLAGS.match(pattern):
        flags, pattern = flags + match[1], pattern[match.end() :]
    return "".join(sorted(set(flags))), pattern


def _portable_token(kind: str, text: str) -> str:
    if kind == "escape" and text[1].lower() in _CLASSES:
        return f"[{'^' if text[1].isupper() else ''}{_CLASSES[text[1].lower()]}]"
    if kind == "escape" and text == r"\A":
        return "^"
    if kind == "class":
        return re.sub(r"\\(.)", lambda escape: _CLASSES.get(escape[1], escape[0]), text, flags=re.DOTALL)
    return text.replace("{,", "{0,") if kind == "repeat" else text


def _differences_of(kind: str, match: re.Match[str]) -> Iterator[Construct]:
    text = match[0]
    match kind:
        case "escape" if text[1].isalnum() and text[1].lower() not in _CLASSES and text[1] not in f"A{_CONTROL}":
            yield Construct(text, ("Go",) if text[1] in "123456789" else _REST)
        case "class" if odd := next((each for each in re.findall(r"\\(.)", text) if each.isalnum() and each not in f"dws{_CONTROL}"), ""):
            yield Construct(f"[\\{odd}]", _REST)
        case "class" if text.lstrip("[^").startswith("]"):
            yield Construct(text, ("Node",))
        case "repeat" if max(int(match["least"] or 0), int(match["most"] or 0)) > 1_000:
            yield Construct(text, ("Go",))
        case "open" if match.string[match.end() :].startswith("?"):
            opening = re.match(r"\(\?(?:P<|<[=!]|.)", match.string[match.start() :], re.DOTALL)
            found = opening[0] if opening else "(?"
            if languages := _OPENINGS.get(found, ("Node",) if found[2:3] in "aimsu-" else _REST):
                yield Construct(found, languages)
