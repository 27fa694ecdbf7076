"""The kinds of text that people type: keys, names, descriptions, reasons."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

SLUG_PATTERN = r"^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$"


def _printable(text: str) -> str:
    """Refuse control characters: no database stores NUL, and nobody means the others."""
    if any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in text):
        raise ValueError("must not contain control characters")
    return text


Slug = Annotated[str, StringConstraints(pattern=SLUG_PATTERN)]
"""A key as people type it: 1 to 64 of a-z, 0-9, `-` and `_`, beginning and ending with a letter or digit."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(_printable)]
Description = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_printable)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(_printable)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_printable)]
