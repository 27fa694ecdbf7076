"""Types of text that people enter: keys, names, descriptions, reasons."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

SLUG_PATTERN = r"^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$"

LONGEST_REASON = 500


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc" and character not in "\n\t"


def _printable(text: str) -> str:
    """Refuse control characters. PostgreSQL can't store NUL, and the others are always mistakes."""
    if any(_is_control(character) for character in text):
        raise ValueError("must not contain control characters")
    return text


def _one_line(text: str) -> str:
    """Refuse line breaks, because names appear in sentences, log lines and Temporal's summaries."""
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text):
        raise ValueError("must be one line, without control characters")
    return text


def as_reason(text: str) -> str:
    """Return a text from Temporal as a valid reason: cut to size and without control characters. Temporal does not validate it."""
    return "".join(character for character in text if not _is_control(character))[:LONGEST_REASON]


Slug = Annotated[str, StringConstraints(pattern=SLUG_PATTERN)]
"""A key: 1 to 64 of a-z, 0-9, `-` and `_`, beginning and ending with a letter or digit."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(_one_line)]
Description = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_printable)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_REASON), AfterValidator(_printable)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_printable)]
