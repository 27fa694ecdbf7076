"""How the processes of Flaghoist end."""

import subprocess
import sys

import pytest

STORY = """
import threading
from doors import run

def work():
    print("said", end="")
    threading.Thread(target=threading.Event().wait).start()  # as a library may leave behind
    {last}

run(work, {more})
"""


@pytest.mark.parametrize(
    ("last", "more", "code", "told"),
    [
        ("return 0", "", 0, ""),
        ("return 3", "", 3, ""),
        ("raise OSError('no')", "", 1, "OSError: no"),
        ("raise OSError('no')", "tell_failure=lambda: print('it failed', file=__import__('sys').stderr)", 1, "it failed"),
    ],
)
def test_a_process_ends_at_once_with_its_code_and_everything_said(last: str, more: str, code: int, told: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", STORY.format(last=last, more=more)], capture_output=True, text=True, timeout=20, check=False
    )

    assert (ended.returncode, ended.stdout) == (code, "said")
    assert told in ended.stderr
    assert bool(ended.stderr) == bool(told)
