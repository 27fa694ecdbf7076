"""An independent model of allocations: a list of the hundredths of a percent that each variant has, in the order in which it got them."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import count, groupby
from math import floor
from typing import Any

WHOLE = 10_000

Layout = dict[str, list[tuple[int, int]]]
"""Variant -> its parts of the line of identities, in the order in which it got them. The second number is outside."""


class Shares(dict[str, float]):
    """Variant -> its share in percent, with its places on the line of identities. Shares are equal if their percentages are."""

    def __init__(self, percents: Mapping[str, float], places: Mapping[str, list[int]]) -> None:
        super().__init__(percents)
        self.places = places

    @property
    def layout(self) -> Layout:
        """The parts of the line."""
        return {variant: _parts(places) for variant, places in self.places.items()}


def shares_of(document: Mapping[str, Any] | None) -> Shares | None:
    """Return shares from their form in the database, in which they are laid out."""
    if document is None:
        return None
    percents = {variant: share["percent"] for variant, share in document.items()}
    return Shares(percents, {variant: places_in(share["at"]) for variant, share in document.items()})


def places_in(parts: Iterable[Iterable[int]]) -> list[int]:
    """Return the places of parts of the line."""
    return [place for part in parts for place in range(*part)]


def relaid(now: Shares, wanted: Mapping[str, float]) -> Shares:
    """Return the wanted shares. Whoever shrinks gives back what it got last; whoever grows takes that first, then the plain value's."""
    if isinstance(wanted, Shares):
        return wanted
    sizes = {variant: round(share * 100) for variant, share in sorted(wanted.items())}
    kept = {variant: now.places.get(variant, [])[:size] for variant, size in sizes.items()}
    given_back = sorted(place for variant, places in now.places.items() for place in places[sizes.get(variant, 0) :])
    taken = {place for places in now.places.values() for place in places}
    free = given_back + [place for place in range(WHOLE) if place not in taken]
    for variant, size in sizes.items():
        missing = size - len(kept[variant])
        kept[variant], free = kept[variant] + free[:missing], free[missing:]
    return Shares(dict(sorted(wanted.items())), kept)


def grown_to(now: Mapping[str, float], variant: str, percent: float) -> dict[str, float]:
    """Return the shares after one has grown to that share. The others and the plain value give theirs up in proportion.

    Hundredths of a percent that can't be divided go to the plain value, or to the variants in the order of their keys.
    """
    if now.get(variant, 0) >= percent:
        return dict(now)
    others = {key: round(share * 100) for key, share in sorted(now.items()) if key != variant}
    left = Fraction(WHOLE - round(percent * 100), WHOLE - round(now.get(variant, 0) * 100))
    grown, kept, given = {variant: percent}, Fraction(0), 0
    for key, size in others.items():
        kept += size * left
        share, given = floor(kept) - given, floor(kept)
        grown |= {key: share / 100} if share else {}
    return grown


def _parts(places: list[int]) -> list[tuple[int, int]]:
    counter = count()
    runs = [list(run) for _, run in groupby(places, lambda place: place - next(counter))]
    return [(run[0], run[-1] + 1) for run in runs]
