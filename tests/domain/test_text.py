"""Text that people enter: keys, names, descriptions and reasons."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.text import LONGEST_REASON, Description, Name, Reason, ShortText, Slug, as_reason

KINDS: dict[str, TypeAdapter[Any]] = {
    "slug": TypeAdapter(Slug),
    "name": TypeAdapter(Name),
    "description": TypeAdapter(Description),
    "reason": TypeAdapter(Reason),
    "short text": TypeAdapter(ShortText),
}


@pytest.mark.parametrize("written", ["a", "7", "checkout-redesign", "a_b", "a--b", "x" * 64, "2026-q1"])
def test_a_slug_has_lower_case_letters_digits_dashes_and_underscores(written: str) -> None:
    assert KINDS["slug"].validate_python(written) == written


@pytest.mark.parametrize(
    "written", ["", "A", "Checkout", "a b", "-a", "a-", "_a", "a_", "x" * 65, "é", "a\n", "\na", "a/b", "a.b", "*", "ａ", "٣", 7, None]
)
def test_an_invalid_slug_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        KINDS["slug"].validate_python(written)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("character", ["\x00", "\x01", "\x1b", "\x7f", "\x85", "\r", "\ud800"], ids=ascii)
def test_control_characters_and_lone_surrogates_are_refused(kind: str, character: str) -> None:
    with pytest.raises(ValidationError):
        KINDS[kind].validate_python(f"a{character}b")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "slug"])
@pytest.mark.parametrize("written", ["Checkout redesign", "Überarbeitung 🚩", "'; DROP TABLE flags; --", "日本語"])
def test_text_accepts_any_printable_characters(kind: str, written: str) -> None:
    assert KINDS[kind].validate_python(written) == written


@pytest.mark.parametrize("written", ["a\tb", "a\nb", "a\n\n- b"])
def test_a_description_may_have_several_lines_and_a_name_only_one(written: str) -> None:
    assert KINDS["description"].validate_python(written) == KINDS["reason"].validate_python(written) == written
    with pytest.raises(ValidationError):
        KINDS["name"].validate_python(written)


@pytest.mark.parametrize(("kind", "longest"), [("name", 120), ("description", 2_000), ("reason", LONGEST_REASON), ("short text", 255)])
def test_text_has_a_maximum_length(kind: str, longest: int) -> None:
    assert KINDS[kind].validate_python("🚩" * longest) == "🚩" * longest
    with pytest.raises(ValidationError):
        KINDS[kind].validate_python("x" * (longest + 1))


@pytest.mark.parametrize(("kind", "written"), [("name", ""), ("name", "  "), ("name", "\n"), ("short text", "")])
def test_an_empty_name_is_refused(kind: str, written: str) -> None:
    with pytest.raises(ValidationError):
        KINDS[kind].validate_python(written)


def test_a_name_is_stripped() -> None:
    assert KINDS["name"].validate_python("  Beta users\n") == "Beta users"


def test_a_text_from_temporal_becomes_a_valid_reason() -> None:
    assert as_reason("wrong flag") == "wrong flag"
    assert as_reason("a\x00\x1bb\nc") == "ab\nc"
    assert as_reason("x" * 1_000) == "x" * LONGEST_REASON
    assert KINDS["reason"].validate_python(as_reason("\x00" + "x" * 600))
