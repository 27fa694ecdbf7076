"""How a process ends that may have used a Temporal client."""

import os
import sys
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End this process at once, with everything said.

    A process that used a Temporal client sometimes aborts in the interpreter's own exit (temporalio/sdk-python#300).
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
