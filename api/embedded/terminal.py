"""Lines on the terminal."""

import unicodedata

from rich.console import Console
from rich.text import Text

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """Text that can't steer a terminal, whatever people put into names and values."""
    return "".join(REPLACEMENT if unicodedata.category(each) in ("Cc", "Cf") and each != "\n" else each for each in text)


class Terminal:
    """Where people read what the stack does."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, markup=False, soft_wrap=True, emoji=False)

    def say(self, line: str, style: str = "") -> None:
        """Print one line; a terminal that is gone stops nothing."""
        try:
            self.console.print(Text(plain(line), style))
        except (OSError, SystemExit):
            self.console.quiet = True
