"""Variants and shares as people type them into forms: one per line, such as `one-page = One page` or `one-page = 10`."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from api.dashboard.texts import read_value, typed_text
from domain.flags.allocation import Allocation, percents
from domain.flags.flag import FeatureType, Value
from domain.flags.variant import Variant


def typed_variants(variants: Iterable[Variant]) -> str:
    """Return variants as they are typed. A text that would not fit on its line is in quotes."""
    return "\n".join(each.key if each.value is None else f"{each.key} = {_on_one_line(each.value)}" for each in variants)


def read_variants(text: str, type_: FeatureType) -> list[dict[str, Any]]:
    """Return the variants that a person typed. What is wrong with them is refused by the API's own words."""
    return [{"key": key} | ({} if value is None else {"value": _read(value, type_)}) for key, value in _pairs(text)]


def typed_shares(allocation: Allocation) -> str:
    """Return shares as they are typed."""
    return share_lines(percents(allocation))


def share_lines(shares: Mapping[str, Any]) -> str:
    """Return shares in percent as they are typed."""
    return "\n".join(f"{variant} = {share}" for variant, share in shares.items())


def read_shares(text: str) -> dict[str, Any]:
    """Return variant -> share. A text that is no number stays a text, which the API refuses."""
    return {variant: _number((share or "").removesuffix("%").strip()) for variant, share in _pairs(text)}


def _pairs(text: str) -> Iterator[tuple[str, str | None]]:
    for line in text.splitlines():
        if line.strip():
            key, given, value = line.partition("=")
            yield key.strip(), value.strip() if given else None


def _on_one_line(value: Value) -> str:
    text = typed_text(value)
    fits = text == text.strip() and not text.startswith('"') and len(text.splitlines()) < 2
    return text if fits else json.dumps(text, ensure_ascii=False)


def _read(text: str, type_: FeatureType) -> Value:
    if type_ is FeatureType.STRING and text.startswith('"'):
        try:
            quoted = json.loads(text)
        except ValueError:
            return text
        return quoted if isinstance(quoted, str) else text
    return read_value(text, type_)


def _number(text: str) -> Any:
    return json.loads(text) if re.fullmatch(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,8})?", text) else text
