"""Segments as they are shown in the terminal."""

from typing import Any


def rules_in_words(segment: dict[str, Any]) -> str:
    """Describe the rules of a segment on one line."""
    return "; ".join(map(_rule, segment["rules"])) or "nobody"


def _rule(rule: dict[str, Any]) -> str:
    conditions = [
        " ".join(str(part) for part in (each["property"], each["operator"], each["value"]) if part is not None)
        for each in rule["conditions"]
    ]
    return f"{rule['type'].lower()} of ({', '.join([*conditions, *map(_rule, rule['rules'])])})"
