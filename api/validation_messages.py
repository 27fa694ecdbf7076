"""What is wrong with a field, in words for those who sent it: pydantic's are for those who wrote the model."""

from typing import Any

from domain.text import SLUG_PATTERN

_CLEARER = {
    "bool_type": "This must be true or false.",
    "dict_type": "This must be a JSON object.",
    "enum": "This must be {expected}.",
    "extra_forbidden": "There is no such field: leave it out, or look for a misspelling.",
    "greater_than_equal": "This must be {ge} or more.",
    "int_type": "This must be a whole number.",
    "less_than_equal": "This must be {le} or less.",
    "literal_error": "This must be {expected}.",
    "missing": "This is missing: give it.",
    "model_attributes_type": "This must be a JSON object.",
    "string_too_long": "This may have {max_length} characters at most.",
    "string_too_short": "This must have {min_length} or more characters.",
    "string_type": "This must be a string.",
    "string_unicode": "This holds half a surrogate pair, which is no character: send whole characters.",
    "too_long": "This may have {max_length} items at most.",
    "too_short": "This must have {min_length} or more items.",
    "tuple_type": "This must be a list.",
    "union_tag_invalid": "There is no {discriminator} '{tag}': give {expected_tags}.",
    "union_tag_not_found": "This has no {discriminator}: give it, it says what the rest means.",
}
"""By pydantic's code, with what it names in its context."""

_PATTERNS = {
    SLUG_PATTERN: "This must be a slug: 1 to 64 of a-z, 0-9, - and _, beginning and ending with a letter or digit.",
    r"^[^\x00]*$": "This must not contain the character NUL.",
}


def message_of(error: Any) -> str:
    """The sentence for one of pydantic's mistakes."""
    context = error.get("ctx", {})
    if context.get("pattern") in _PATTERNS:
        return _PATTERNS[context["pattern"]]
    own: str = error["msg"].removeprefix("Value error, ")
    if error["loc"][0] == "query" and not context:
        return own
    return _CLEARER.get(error["type"], own.replace("{", "{{").replace("}", "}}")).format(**context)
