"""Variants of a feature: named values of its type."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.errors import Problem, VariantNotFound
from domain.flags.allocation import MOST_VARIANTS
from domain.flags.flag import FeatureType, Value, check_value
from domain.flags.provider import ProviderKind
from domain.model import Frozen
from domain.text import Slug, did_you_mean

CONTROL = "control"
"""The name of the plain value among variants, in Flagsmith's SDKs."""

RESERVED = (CONTROL, "default", "disabled", "rollout")
"""The names that applications get for values that belong to no variant."""


def _not_reserved(key: str) -> str:
    if key in RESERVED:
        raise ValueError(f"must not be {', '.join(RESERVED[:-1])} or {RESERVED[-1]}: applications get these names for the plain value")
    return key


class Variant(Frozen):
    """A named value. Its key never changes. The variants of a toggle have no value: applications read their keys."""

    key: Annotated[Slug, AfterValidator(_not_reserved)]
    value: Value = None


def _distinct(variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
    if len({each.key for each in variants}) < len(variants):
        raise ValueError("must not have the same key twice")
    return variants


Variants = Annotated[tuple[Variant, ...], Field(max_length=MOST_VARIANTS), AfterValidator(_distinct)]


def type_of_variants(feature_type: FeatureType, provider: ProviderKind) -> FeatureType:
    """Return the type of the values of a feature's variants. In Unleash, they are texts, although its flags have no values."""
    return FeatureType.STRING if provider is ProviderKind.UNLEASH else feature_type


def check_variant_values(feature_type: FeatureType, variants: Sequence[Variant]) -> None:
    """Raise ValueTypeWrong if a variant's value does not have this type."""
    for number, variant in enumerate(variants):
        check_value(feature_type, variant.value, f"The value of '{variant.key}'", f"/variants/{number}/value")


def unknown_variants(
    named: Mapping[str, Iterable[str]], variants: Sequence[Variant], provider: ProviderKind = ProviderKind.BUILTIN
) -> Iterator[Problem]:
    """Yield a problem for each variant that the feature does not have, given the named ones by their pointers."""
    add = (
        "add it to the feature." if provider.defines_variants else f"add it to the flag in {provider.label}, where a toggle can have none."
    )
    known = [each.key for each in variants]
    for pointer, keys in named.items():
        for each in keys:
            if each not in known:
                hint = did_you_mean(each, known) or (f" It has {', '.join(known)}." if known else f" It has none: {add}")
                message = f"The feature has no variant '{each}'.{hint}"
                yield Problem(pointer=f"{pointer}/{each}", code=VariantNotFound.code(), message=message)


def changed_variants(before: Sequence[Variant], after: Sequence[Variant]) -> list[str]:
    """Return the keys of variants that are gone or have another value."""
    values = {each.key: each for each in after}
    return [each.key for each in before if values.get(each.key) != each]
