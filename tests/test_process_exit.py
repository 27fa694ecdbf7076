"""The end of Flaghoist's processes, and what they write until then."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import CEILING

STORY = """
import threading
from process_exit import run

def work():
    print("said", end="")
    threading.Thread(target=threading.Event().wait).start()  # as a library may leave behind
    {last}

run(work, {more})
"""


@pytest.mark.parametrize(
    ("last", "more", "code", "message"),
    [
        ("return 0", "", 0, ""),
        ("return 3", "", 3, ""),
        ("raise OSError('no')", "", 1, "OSError: no"),
        ("raise OSError('no')", "tell_failure=lambda: print('it failed', file=__import__('sys').stderr)", 1, "it failed"),
    ],
)
def test_process_ends_at_once_with_its_code_and_all_output(last: str, more: str, code: int, message: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", STORY.format(last=last, more=more)], capture_output=True, text=True, timeout=CEILING, check=False
    )

    assert (ended.returncode, ended.stdout) == (code, "said")
    assert message in ended.stderr
    assert bool(ended.stderr) == bool(message)


FULL_DISK = """
import logging, resource, structlog
from process_exit import run
from settings import Settings, configure_logs

def work():
    configure_logs(Settings(log_format="text"))
    structlog.get_logger().warning("before")
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    structlog.get_logger().warning("lost")
    logging.getLogger("library").warning("lost as well")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    structlog.get_logger().warning("after")
    return 0

run(work)
"""


def test_full_disk_loses_log_lines_and_does_not_stop_the_process(tmp_path: Path) -> None:
    log = tmp_path / "log"

    with log.open("wb") as written:
        code = subprocess.run([sys.executable, "-c", FULL_DISK], stderr=written, timeout=CEILING, check=False).returncode

    assert code == 0
    assert "before" in log.read_text()
    assert "after" in log.read_text()
