"""Programs in other languages that the tests run, built once from the sources in this folder and kept in the user's cache."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flaghoist-tests"
NPM_CI = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]


def built(sources: Path, *commands: Sequence[str]) -> Path:
    """Return a folder with a copy of the sources in which the commands ran. Changed sources or commands get another folder.

    Only one process builds, and the others wait.
    """
    files = sorted(path for path in sources.iterdir() if path.is_file())
    digest = hashlib.sha256(repr([[(path.name, path.read_bytes()) for path in files], commands]).encode()).hexdigest()
    folder = CACHE / f"{sources.parent.name}-{sources.name}-{digest[:16]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = CACHE / f"{folder.name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            for path in files:
                shutil.copy(path, unfinished / path.name)
            for command in commands:
                subprocess.run(command, cwd=unfinished, check=True, stdout=sys.stderr)
            unfinished.rename(folder)
    return folder
