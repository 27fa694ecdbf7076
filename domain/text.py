"""Types of text that people enter: keys, names, descriptions, reasons."""

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationInfo

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


def folded(name: str) -> str:
    """Return a name as names are compared: regardless of case, width and the way that accents are encoded."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def as_reason(text: str) -> str:
    """Return a text from Temporal as a valid reason: cut to size and without control characters. Temporal does not validate it."""
    return "".join(character for character in text if not _is_control(character))[:LONGEST_REASON]


Slug = Annotated[str, StringConstraints(pattern=SLUG_PATTERN)]
"""A key: 1 to 64 of a-z, 0-9, `-` and `_`, beginning and ending with a letter or digit."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(_one_line)]
Description = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_printable)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_REASON), AfterValidator(_printable)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_printable)]


def _or_key(name: object, info: ValidationInfo) -> object:
    """Return the name, or else the key. If the key is invalid, it has the only problem, and the name does not matter."""
    return info.data.get("key", "-") if name is None else name


def _without_default(schema: dict[str, Any]) -> None:
    """Leave the default out of a JSON schema, because it is no constant."""
    schema.pop("default", None)


NameOrKey = Annotated[
    Name,
    BeforeValidator(_or_key, json_schema_input_type=Name | None),
    Field(description="By default, the key.", json_schema_extra=_without_default),
]
"""A name that defaults to the field `key` above it. The default of the field is None, and it is validated."""

LONGEST_COMPARED = 120
"""In characters. Comparing takes quadratic time, and no name that people choose is longer."""

MOST_COMPARED = 1_000
"""The most known names that a word is compared with."""

SHORTEST_PREFIX = 3


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" with the closest known name, or "" if none is close."""
    name = closest(word, known)
    return f" Did you mean '{name}'?" if name else ""


def closest(word: object, known: Iterable[str]) -> str | None:
    """Return the known name that is closest to a word, or None if none is close. Case does not count."""
    if not isinstance(word, str) or len(word) > LONGEST_COMPARED:
        return None
    spelling = {name.casefold(): name for name in islice(known, MOST_COMPARED)}
    typed = word.casefold()
    found = get_close_matches(typed, spelling, n=1) or _completions(typed, spelling)
    return spelling[found[0]] if found else None


def _completions(typed: str, known: Iterable[str]) -> list[str]:
    """The only name that begins so: `prod` is further from `production` than difflib accepts."""
    found = [name for name in known if name.startswith(typed)] if len(typed) >= SHORTEST_PREFIX else []
    return found if len(found) == 1 else []
