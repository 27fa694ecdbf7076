"""Messages about invalid fields, for the people who sent them. Pydantic's own are for the authors of the models."""

import re
from collections.abc import Collection
from typing import Any

from domain.text import SLUG_PATTERN, closest, did_you_mean

LONGEST_QUOTED = 64
"""The most characters of a sent value that a message repeats."""

_MESSAGES = {
    "bool_type": "Must be true or false.",
    "dict_type": "Must be a JSON object.",
    "greater_than_equal": "Must be {ge} or more.",
    "int_type": "Must be a whole number.",
    "less_than_equal": "Must be {le} or less.",
    "missing": "This field is required.",
    "model_attributes_type": "Must be a JSON object.",
    "string_too_long": "Must have at most {max_length} characters.",
    "string_too_short": "Must have at least {min_length} characters.",
    "string_type": "Must be a string.",
    "string_unicode": "Must not contain half a surrogate pair, which is not a character.",
    "too_long": "Must have at most {max_length} items.",
    "too_short": "Must have at least {min_length} items.",
    "tuple_type": "Must be a list.",
}
"""By pydantic's error type. The names in braces come from the error's context."""

_PATTERNS = {
    SLUG_PATTERN: "Must have 1 to 64 characters, only a-z, 0-9, '-' and '_', and begin and end with a letter or digit.",
    r"^[^\x00]*$": "Must not contain the character NUL.",
}


def message_of(error: Any, known_fields: Collection[str] = ()) -> str:
    """Return the message for one of pydantic's errors; `known_fields` are those of the object that has an unknown one."""
    context = error.get("ctx", {})
    if context.get("pattern") in _PATTERNS:
        return _PATTERNS[context["pattern"]]
    if error["type"] == "extra_forbidden" and known_fields:
        return unknown_name("field", str(error["loc"][-1]), known_fields)
    if error["type"] in _MESSAGES:
        return _MESSAGES[error["type"]].format(**context)
    return _of_value(error, context) or _as_sentence(error["msg"].removeprefix("Value error, "))


def unknown_name(noun: str, name: str, known: Collection[str]) -> str:
    """Return the message for an unknown field or parameter: with the closest known name, or with all of them."""
    hint = did_you_mean(name, known) or f" Known {noun}s: {', '.join(known) or 'none'}."
    return f"Unknown {noun} '{_quoted(name)}'.{hint}"


def _of_value(error: Any, context: Any) -> str | None:
    match error["type"]:
        case "enum" | "literal_error":
            return _unknown_value("value", error.get("input"), context["expected"])
        case "union_tag_invalid":
            return _unknown_value(_names_in(context["discriminator"])[0], context["tag"], context["expected_tags"])
        case "union_tag_not_found":
            return _missing_tag(_names_in(context["discriminator"])[0], error.get("input"))
        case _:
            return None


def _unknown_value(noun: str, value: Any, allowed: str) -> str:
    """The suggestion comes first: the list may be long, and long messages are cut off."""
    if not isinstance(value, str):
        return f"Must be {allowed}."
    return f"Unknown {noun} '{_quoted(value)}'.{did_you_mean(value, _names_in(allowed))} Must be {allowed}."


def _missing_tag(tag: str, sent: Any) -> str:
    misspelt = closest(tag, (name for name in sent if isinstance(name, str))) if isinstance(sent, dict) else None
    if misspelt:
        return unknown_name("field", misspelt, [tag])
    return f"The field '{tag}' is required: it decides which other fields there are."


def _names_in(quoted: str) -> list[str]:
    return re.findall(r"'([^']*)'", quoted)


def _quoted(text: str) -> str:
    return text if len(text) <= LONGEST_QUOTED else f"{text[:LONGEST_QUOTED]}…"


def _as_sentence(text: str) -> str:
    sentence = f"{text[:1].upper()}{text[1:]}"
    return sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."
