"""Allocations: shares of identities for variants, laid out so that each identity keeps its variant while shares change."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, pairwise
from typing import Annotated, Any, NamedTuple, Self

from pydantic import (
    AfterValidator,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from domain.model import Frozen
from domain.percentage import EVERYONE, Percentage, from_hundredths, in_hundredths
from domain.text import Slug

MOST_VARIANTS = 20

_END = in_hundredths(EVERYONE)

Place = Annotated[int, Field(ge=0, le=_END, strict=True)]
Span = tuple[Place, Place]
"""A part of the line of identities, in hundredths of a percent. The second number is outside."""

Spans = tuple[Span, ...]


class Share(Frozen):
    """The share of one variant. `at` says which part of the line of identities it is, in the order in which the variant got it.

    It is written as a number, or with `at` if it is laid out. Shares are equal if their percentages are.
    """

    percent: Percentage
    at: Annotated[Spans, Field(max_length=_END)] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, share: Any) -> Any:
        return share if isinstance(share, dict | Share) else {"percent": _percentage(share)}

    @model_validator(mode="after")
    def _is_where_it_says(self) -> Self:
        if self.at and (any(start >= after for start, after in self.at) or _size(self.at) != in_hundredths(self.percent)):
            raise ValueError("must be at parts of the line that are as large as the share")
        return self

    @model_serializer(mode="wrap")
    def _short(self, handler: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def] # see NamedFields
        return handler(self) if self.at else self.percent

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe both forms."""
        percent = handler.resolve_ref_schema(handler(schema))["properties"]["percent"]
        return {"anyOf": [{key: value for key, value in percent.items() if key != "title"}, handler(schema)]}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Share) and self.percent == other.percent

    def __hash__(self) -> int:
        return hash(self.percent)


_PERCENTAGE: TypeAdapter[Percentage] = TypeAdapter(Percentage)


def _percentage(share: object) -> Percentage:
    """Return a share that is written as a number. What is wrong with it is reported where it was written, not at `percent`."""
    try:
        return _PERCENTAGE.validate_python(share)
    except ValidationError as error:
        wrong = error.errors()[0]
        context = wrong.get("ctx", {})
        raise context.get("error") or PydanticCustomError(wrong["type"], wrong["msg"], context) from error


def _can_be_served(allocation: dict[str, Share]) -> dict[str, Share]:
    if sum(in_hundredths(share.percent) for share in allocation.values()) > _END:
        raise ValueError("must not add up to more than 100%: whoever has no variant gets the plain value")
    if any(after > start for (_, after), (start, _) in pairwise(sorted(span for share in allocation.values() for span in share.at))):
        raise ValueError("must not give the same part of the line to two variants")
    return dict(sorted(allocation.items()))


Allocation = Annotated[dict[Slug, Share], Field(max_length=MOST_VARIANTS), AfterValidator(_can_be_served)]
"""Variant -> its share of identities. Everyone else gets the plain value."""

Layout = dict[str, Spans]
"""Variant -> its spans on the line of identities."""


class Slot(NamedTuple):
    """A part of the line of identities with one variant, or with the plain value. Slots follow each other from 0."""

    percent: Percentage
    variant: str | None


def percents(allocation: Mapping[str, Share]) -> dict[str, Percentage]:
    """Return variant -> its share in percent."""
    return {variant: share.percent for variant, share in allocation.items()}


def relaid(now: Allocation, wanted: Allocation) -> Allocation:
    """Return the wanted shares, laid out. Doing this twice is the same as doing it once.

    A variant that shrinks gives back what it got last. A variant that grows takes what the others give back in the same change, and
    then the plain value's, from the left. So nobody's variant changes to one that did not grow, or from one that did not shrink.
    Shares that are laid out already stay where they are.
    """
    if all(share.at for share in wanted.values()):
        return wanted
    sizes = {variant: in_hundredths(share.percent) for variant, share in sorted(wanted.items())}
    layout = _grown({variant: share.at for variant, share in now.items()}, sizes)
    return {variant: Share.model_construct(percent=wanted[variant].percent, at=spans) for variant, spans in layout.items()}


def grown_to(now: Allocation, variant: str, percent: Percentage) -> Allocation:
    """Return the shares after one variant has grown to that share. The others and the plain value give up theirs in proportion.

    No other share grows, so nobody moves except to that variant. One that has the share already changes nothing.
    """
    sizes = {key: in_hundredths(share.percent) for key, share in now.items()}
    had, wanted = sizes.pop(variant, 0), in_hundredths(percent)
    if had >= wanted:
        return _unlaid(percents(now))
    edges = [size * (_END - wanted) // (_END - had) for size in accumulate(sizes.values(), initial=0)]
    kept = {key: after - start for key, (start, after) in zip(sizes, pairwise(edges), strict=True) if after > start}
    return _unlaid({variant: percent} | {key: from_hundredths(size) for key, size in kept.items()})


def _unlaid(shares: Mapping[str, Percentage]) -> Allocation:
    return {variant: Share(percent=shares[variant]) for variant in sorted(shares)}


def slots_of(allocation: Allocation) -> tuple[Slot, ...]:
    """Return the slots of an allocation from the left, up to the last variant."""
    taken = sorted((*span, variant) for variant, share in relaid({}, allocation).items() for span in share.at)
    slots, end = list[Slot](), 0
    for start, after, variant in taken:
        slots += [Slot(from_hundredths(start - end), None)] if start > end else []
        slots.append(Slot(from_hundredths(after - start), variant))
        end = after
    return tuple(slots)


def allocation_of(slots: Iterable[Slot]) -> Allocation:
    """Return the allocation that has these slots, from the left. A variant counts as having got its parts in this order."""
    layout, start = dict[str, Spans](), 0
    for slot in slots:
        end = start + in_hundredths(slot.percent)
        if slot.variant is not None:
            layout[slot.variant] = _joined((*layout.get(slot.variant, ()), (start, end)))
        start = end
    return {variant: Share(percent=from_hundredths(_size(spans)), at=spans) for variant, spans in sorted(layout.items())}


def lies_between(found: Allocation, one: Allocation, other: Allocation) -> bool:
    """True if each place on the line has the variant that it has in one of two allocations, which are laid out, as this one is."""
    all_three = (found, one, other)
    edges = {edge for each in all_three for share in each.values() for span in share.at for edge in span} | {0}
    return all(_variant_at(found, edge) in (_variant_at(one, edge), _variant_at(other, edge)) for edge in edges if edge < _END)


def _variant_at(allocation: Allocation, place: int) -> str | None:
    return next((variant for variant, share in allocation.items() if any(start <= place < after for start, after in share.at)), None)


def _grown(layout: Layout, sizes: Mapping[str, int]) -> Layout:
    kept = {variant: _first(layout.get(variant, ()), size) for variant, size in sizes.items()}
    given_back = [span for variant, spans in layout.items() for span in _after(spans, sizes.get(variant, 0))]
    free = [*sorted(given_back), *_gaps([*given_back, *(span for spans in kept.values() for span in spans)])]
    for variant, size in sizes.items():
        missing = size - _size(kept[variant])
        kept[variant] = _joined((*kept[variant], *_first(free, missing)))
        free = list(_after(free, missing))
    return kept


def _size(spans: Iterable[Span]) -> int:
    return sum(after - start for start, after in spans)


def _first(spans: Iterable[Span], size: int) -> tuple[Span, ...]:
    """Return the first spans of this total size."""
    found = list[Span]()
    for start, after in spans:
        if size > 0:
            found.append((start, min(after, start + size)))
        size -= after - start
    return tuple(found)


def _after(spans: Iterable[Span], size: int) -> Iterator[Span]:
    """Yield what follows the first spans of this total size."""
    for start, after in spans:
        if (begin := start + max(size, 0)) < after:
            yield begin, after
        size -= after - start


def _gaps(spans: Iterable[Span]) -> list[Span]:
    """Return what no span covers, from the left."""
    edges = [(0, 0), *sorted(spans), (_END, _END)]
    return [(after, start) for (_, after), (start, _) in pairwise(edges) if after < start]


def _joined(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Return the same spans, with one in place of two that touch and follow each other."""
    joined = list[Span]()
    for start, after in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], after)
        else:
            joined.append((start, after))
    return tuple(joined)
