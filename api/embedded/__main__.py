"""The embedded stack as a process: `python -m api.embedded [--no-demo]`."""

import sys
import traceback

from api.embedded.errors import CannotStart
from api.embedded.stack import Stack
from api.embedded.terminal import Terminal
from doors import leave
from settings import Settings

WITHOUT_DEMO = "--no-demo"


def main() -> None:
    """Run the embedded stack; exit code 0 when told to stop, 1 when it can't start."""
    terminal, code = Terminal(), 0
    try:
        Stack(Settings(), terminal, with_demo=WITHOUT_DEMO not in sys.argv[1:]).run()
    except CannotStart as reason:
        terminal.say(str(reason), "red")
        code = 1
    except Exception:
        traceback.print_exc()
        code = 1
    leave(code)


if __name__ == "__main__":
    main()
