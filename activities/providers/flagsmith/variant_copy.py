"""The multivariate options of a feature of Flagsmith as variants, and their shares as an allocation."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from activities.providers.copies import unique_key
from activities.providers.flagsmith.documents import Option, VariantShare
from activities.providers.flagsmith.flag_state import value_in
from domain.flags.allocation import MOST_VARIANTS
from domain.flags.flag import FeatureType, type_of
from domain.flags.variant import RESERVED, Variant
from domain.percentage import EVERYONE, from_hundredths

_LIKE_A_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,30}")
_DRAWN_ANEW = "The shares of its variants have other identities here."


class VariantCopy:
    """The variants of one feature, and remarks on what differs or can't be copied."""

    def __init__(self, kind: FeatureType, options: Sequence[Option]) -> None:
        self._kind = kind
        self._keys: dict[int, str] = {}
        self.remarks: list[str] = []
        self.variants = tuple(self._variants(options[:MOST_VARIANTS]))
        self.remarks += [f"Its variant '{_name(each, '?')}' was not copied: there are too many." for each in options[MOST_VARIANTS:]]

    def allocation(self, shares: Sequence[VariantShare]) -> tuple[dict[str, Any], bool]:
        """Return variant -> percent, and True if no share had to be cut to two decimals or left out."""
        found: dict[str, Any] = {}
        exact = True
        for each in shares:
            hundredths = int(round(each.percentage_allocation * 100, 6))
            key = self._keys.get(each.multivariate_feature_option)
            exact &= hundredths == round(each.percentage_allocation * 100, 6) and (key is not None or not hundredths)
            if key and hundredths:
                found[key] = from_hundredths(hundredths)
        if any(percent != EVERYONE for percent in found.values()) and _DRAWN_ANEW not in self.remarks:
            self.remarks.append(_DRAWN_ANEW)
        return found, exact

    def _variants(self, options: Sequence[Option]) -> Iterator[Variant]:
        for number, option in enumerate(options, start=1):
            key = self._keys[option.id] = unique_key(_name(option, f"variant-{number}"), (*RESERVED, *self._keys.values()))
            value = value_in(option.value)
            if value is not None and type_of(value) is not self._kind:
                self.remarks.append(f"The value of the variant '{key}' was not copied, because the feature has the type {self._kind}.")
                value = None
            yield Variant(key=key, value=value)


def _name(option: Option, otherwise: str) -> str:
    """Return the key of an option, or else its value if that looks like a name."""
    value = str(option.value)
    return option.key or (value if option.value is not None and _LIKE_A_NAME.fullmatch(value) else otherwise)
