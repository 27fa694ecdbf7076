"""The options for variants of a feature."""

import json
from typing import Annotated, Any

import typer

from api.cli.flags import parse_value
from api.cli.usage import usage_error

VariantOption = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="A variant and its value, or only its key for a toggle. May be repeated."),
]


def parse_variant(kind: str, text: str) -> dict[str, Any]:
    """Parse a variant of a feature of this type: `one-page=One page`."""
    key, given, value = text.partition("=")
    return {"key": key} | ({"value": parse_value(kind, value, "--variant")} if given else {})


def changed_variants(feature: dict[str, Any], changed: list[str], removed: list[str]) -> list[dict[str, Any]]:
    """Return the variants of a feature after some were added, changed or removed."""
    variants = {each["key"]: each for each in feature["variants"]}
    if unknown := [key for key in removed if key not in variants]:
        raise usage_error(f"'{feature['key']}' has no variant '{unknown[0]}'.")
    variants |= {each["key"]: each for each in (parse_variant(feature["type"], text) for text in changed)}
    return [each for key, each in variants.items() if key not in removed]


def variants_in_words(feature: dict[str, Any]) -> str:
    """Describe the variants: `one-page "One page", two-pages "Two pages"`."""
    return ", ".join(" ".join([each["key"], *_value(each["value"])]) for each in feature["variants"])


def _value(value: Any) -> list[str]:
    return [] if value is None else [json.dumps(value, ensure_ascii=False)]
