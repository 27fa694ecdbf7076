"""The documents as their readers see them: chapters, anchors, links, and what is shown to be typed."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SEPARATORS = "();<>|&"


class Link(NamedTuple):
    """Where a document leads: a file beside it, itself where there is none, and an anchor."""

    path: str
    anchor: str


def text_of(name: str) -> str:
    """A document, by its path from the root."""
    return (ROOT / name).read_text()


def chapter(name: str, title: str) -> str:
    """What stands under a heading of the second level."""
    [found] = [part for part in text_of(name).split("\n## ") if part.splitlines()[0] == title]
    return found


def headings(text: str, level: int) -> list[str]:
    """The headings of a level, without the sign."""
    return re.findall(rf"^{'#' * level} (.+)$", _FENCE.sub("", text), re.MULTILINE)


def rows(text: str) -> list[list[str]]:
    """The cells of every table, without the lines under their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|--")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def blocks(text: str, language: str) -> list[str]:
    """What is shown in that language."""
    return [block for found, block in _FENCE.findall(text) if found == language]


def links(text: str) -> list[Link]:
    """Where the document leads, but for the web."""
    targets = re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", text))
    return [Link(*target.partition("#")[::2]) for target in targets if "://" not in target]


def anchors(text: str) -> set[str]:
    """What a link may name after the `#`, as GitHub makes it of headings, and what was written out."""
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for level in range(1, 5) for heading in headings(text, level)}
    return made | set(re.findall(r'<a id="([^"]+)">', text))


def typed(text: str) -> Iterator[list[str]]:
    """The words of each command in the document's shell blocks, without assignments before it and where its output goes."""
    for block in blocks(text, "sh"):
        waiting = ""
        for line in block.splitlines():
            waiting += line.removesuffix("\\") + ("" if line.endswith("\\") else "\n")
            if not line.endswith(("\\", "|")) and (words := _words(waiting)) is not None:
                yield from _commands(words)
                waiting = ""


def _words(line: str) -> list[str] | None:
    """Nothing while a quotation is open."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=_SEPARATORS)
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError:
        return None


def _commands(words: list[str]) -> Iterator[list[str]]:
    command: list[str] = []
    for word in [*words, ";"]:
        if not set(word) <= set(_SEPARATORS):
            command += [] if not command and re.match(r"\w+=", word) else [word]
        elif command:
            yield command
            command = []
