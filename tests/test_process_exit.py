"""The exit codes of processes, and the output that they leave."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import CEILING

SCRIPT = """
import threading
from process_exit import run

def work():
    print("output", end="")
    threading.Thread(target=threading.Event().wait).start()  # a thread that a library may leave running
    {last}

run(work, {options})
"""


@pytest.mark.parametrize(
    ("last", "options", "code", "error"),
    [
        ("return 0", "", 0, ""),
        ("return 3", "", 3, ""),
        ("raise OSError('no')", "", 1, "OSError: no"),
        ("raise OSError('no')", "report_failure=lambda: print('it failed', file=__import__('sys').stderr)", 1, "it failed"),
    ],
)
def test_a_process_exits_at_once_with_its_code_and_flushed_output(last: str, options: str, code: int, error: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(last=last, options=options)], capture_output=True, text=True, timeout=CEILING, check=False
    )

    assert (ended.returncode, ended.stdout) == (code, "output")
    assert error in ended.stderr
    assert bool(ended.stderr) == bool(error)


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


def test_log_lines_are_lost_on_a_full_disk_and_the_process_continues(tmp_path: Path) -> None:
    log = tmp_path / "log"

    with log.open("wb") as written:
        code = subprocess.run([sys.executable, "-c", FULL_DISK], stderr=written, timeout=CEILING, check=False).returncode

    assert code == 0
    assert "before" in log.read_text()
    assert "after" in log.read_text()
