"""Suggestions for misspelt names."""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

LONGEST_COMPARED = 120
"""In characters. Comparing takes quadratic time, and no name that people choose is longer."""

MOST_COMPARED = 1_000
"""How many known names a word is compared with."""

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
