"""Lines on the terminal."""

from rich.console import Console
from rich.text import Text

from api.embedded.plain_text import plain


class Terminal:
    """The terminal in which `flaghoist dev` runs."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, markup=False, soft_wrap=True, emoji=False)

    def print(self, line: str, style: str = "") -> None:
        """Print one line. Print nothing more after the terminal was closed: that must not stop the stack."""
        try:
            self.console.print(Text(plain(line), style))
        except (OSError, SystemExit):
            self.console.quiet = True
