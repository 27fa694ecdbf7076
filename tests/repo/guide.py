"""The documents as data: chapters, anchors, links, and the commands that they show."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "findings").glob("*.md")])
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SEPARATORS = "();<>|&"


class Link(NamedTuple):
    """A target of a link: a file, or the document itself if there is none, and an anchor."""

    path: str
    anchor: str


def text_of(name: str) -> str:
    """Return a document by its path from the root."""
    return (ROOT / name).read_text()


def chapter(name: str, title: str) -> str:
    """Return the text under a heading of the second level."""
    [found] = [part for part in text_of(name).split("\n## ") if part.splitlines()[0] == title]
    return found


def headings(text: str, level: int) -> list[str]:
    """Return the headings of a level, without the `#` signs."""
    return re.findall(rf"^{'#' * level} (.+)$", _FENCE.sub("", text), re.MULTILINE)


def rows(text: str) -> list[list[str]]:
    """Return the cells of every table, without the lines below the headers."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|--")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks in that language."""
    return [block for found, block in _FENCE.findall(text) if found == language]


def links(text: str) -> list[Link]:
    """Return the links of a document, without those to the web."""
    targets = re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", text))
    return [Link(*target.partition("#")[::2]) for target in targets if "://" not in target]


def anchors(text: str) -> set[str]:
    """Return the anchors of a document: those that GitHub derives from headings, and explicit ones."""
    derived = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for level in range(1, 5) for heading in headings(text, level)}
    return derived | set(re.findall(r'<a id="([^"]+)">', text))


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command in the shell blocks, without assignments before it and redirections after it."""
    for block in blocks(text, "sh"):
        pending = ""
        for line in block.splitlines():
            pending += line.removesuffix("\\") + ("" if line.endswith("\\") else "\n")
            if not line.endswith(("\\", "|")) and (words := _words(pending)) is not None:
                yield from _split(words)
                pending = ""


def _words(line: str) -> list[str] | None:
    """Split a line into words. Return None while a quotation is open."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=_SEPARATORS)
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError:
        return None


def _split(words: list[str]) -> Iterator[list[str]]:
    command: list[str] = []
    for word in [*words, ";"]:
        if not set(word) <= set(_SEPARATORS):
            command += [] if not command and re.match(r"\w+=", word) else [word]
        elif command:
            yield command
            command = []
