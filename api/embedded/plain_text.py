"""Text that is safe to print."""

import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """Replace the characters that could control a terminal, wherever names and values contain them."""
    return "".join(REPLACEMENT if unicodedata.category(each) in ("Cc", "Cf") and each != "\n" else each for each in text)
