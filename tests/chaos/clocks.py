"""Skewed clocks in processes that are otherwise healthy."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.waiting import CEILING

MINUTES = 180
SCRIPT = "import time; began = time.monotonic(); time.sleep(0.1); print(time.time(), time.monotonic() - began)"


def skewed_by(seconds: int, library: str) -> dict[str, str]:
    """Return the environment variables of a process whose clock is skewed by that many seconds."""
    clock = {"LD_PRELOAD": library, "FAKETIME": f"{seconds:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return clock | {"PYTHONPATH": str(Path(__file__).with_name("skewed"))}


def must_skew(library: str) -> None:
    """Raise unless the library skews the clock of a process and nothing else: it must still sleep as any other."""
    for seconds in (-MINUTES, MINUTES):
        environment = os.environ | skewed_by(seconds, library)
        began = time.time()
        run = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=CEILING, check=False)
        if run.returncode:
            raise RuntimeError(f"a process can't sleep under {library}: {run.stderr}")
        clock, slept = (float(each) for each in run.stdout.split())
        if not (began <= clock - seconds <= time.time() and slept >= 0.1):
            raise RuntimeError(
                f"{library} skewed the clock by {clock - began:.1f} s instead of {seconds} s, and slept {slept:.3f} s of 0.1"
            )
