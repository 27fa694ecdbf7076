"""JSON pointers (RFC 6901)."""

from collections.abc import Sequence


def pointer_to(path: Sequence[int | str]) -> str:
    """Write a path into a document as a JSON pointer, with escapes."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
