"""How the processes of Flaghoist end: each door runs its work in here."""

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn


def run(work: Callable[[], int], tell_failure: Callable[[], None] = traceback.print_exc) -> NoReturn:
    """Do a process's whole work and end with the exit code that it returns; with 1, and the failure told, if it fails."""
    try:
        code = work()
    except Exception:
        tell_failure()
        code = 1
    leave(code)


def leave(code: int) -> NoReturn:
    """End this process at once, with everything said.

    A process that used a Temporal client sometimes aborts in the interpreter's own exit (temporalio/sdk-python#300).
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # A full disk changes no exit code.
            stream.flush()
    os._exit(code)
