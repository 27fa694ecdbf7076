"""The embedded stack as a process: `python -m api.embedded [--no-demo]`."""

import sys

from api.embedded.errors import CannotStart
from api.embedded.stack import Stack
from api.embedded.terminal import Terminal
from process_exit import run
from settings import Settings

WITHOUT_DEMO = "--no-demo"


def run_stack() -> int:
    """Run the embedded stack until it is stopped, and return the exit code: 1 if it can't start."""
    terminal = Terminal()
    try:
        Stack(Settings(), terminal, with_demo=WITHOUT_DEMO not in sys.argv[1:]).run()
    except CannotStart as error:
        terminal.print(str(error), "red")
        return 1
    return 0


def main() -> None:
    """Run the embedded stack."""
    run(run_stack)


if __name__ == "__main__":
    main()
