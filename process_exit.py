"""The end of Flaghoist's processes. Each entry point runs its work through `run`."""

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn


def run(work: Callable[[], int], report_failure: Callable[[], None] = traceback.print_exc) -> NoReturn:
    """Do the whole work of a process, and exit with the code that it returns. If it raises, report that and exit with code 1."""
    try:
        code = work()
    except Exception:
        report_failure()
        code = 1
    exit_process(code)


def exit_process(code: int) -> NoReturn:
    """Flush the output and end this process at once, without the interpreter's own cleanup.

    That cleanup sometimes aborts in a process that used a Temporal client (temporalio/sdk-python#300).
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # A full disk must not change the exit code.
            stream.flush()
    os._exit(code)
