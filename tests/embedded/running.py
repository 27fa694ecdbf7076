"""`flaghoist dev` as a process, with the output that a terminal would show."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.http import Api
from tests.ports import free_port
from tests.waiting import CEILING, wait_for

FLAGHOIST = Path(sys.executable).parent / "flaghoist"


def settings_of(home: Path) -> dict[str, str]:
    """Return settings with free ports and this home. Settings in the environment of the tests are left out."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("FLAGHOIST_", "TEMPORAL_"))}
    ports = {f"FLAGHOIST_{name}": str(free_port()) for name in ("PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT")}
    return plain | ports | {"FLAGHOIST_HOME": str(home)}


class RunningStack:
    """One run of the embedded stack. Leaving the context leaves no process behind."""

    def __init__(self, settings: Mapping[str, str], *arguments: str) -> None:
        self.settings = settings
        self.home = Path(settings["FLAGHOIST_HOME"])
        self.lines: list[str] = []
        command = [str(FLAGHOIST), "dev", *arguments]
        self.process = subprocess.Popen(
            command, env=dict(settings), cwd=self.home.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self._api: Api | None = None

    def __enter__(self) -> "RunningStack":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_everything()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines.extend(line.rstrip("\n") for line in output)

    @property
    def api(self) -> Api:
        """The API with the first key."""
        if self._api is None:
            self._api = Api(f"http://127.0.0.1:{self.settings['FLAGHOIST_PORT']}", (self.home / "bootstrap.key").read_text().strip())
        return self._api

    def wait_for_line(self, *parts: str) -> str:
        """Return the first line that contains all these parts, as soon as it is printed."""
        try:
            return wait_for(
                f"a line with {parts}", lambda: next((line for line in self.lines if all(part in line for part in parts)), None)
            )
        except TimeoutError as failure:
            failure.add_note("\n".join(self.lines))
            raise

    def children(self) -> dict[str, psutil.Process]:
        """Return the recorded processes that are running, by name."""
        found = {}
        for child in self._recorded():
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(child["pid"])
                if abs(process.create_time() - child["created"]) < 2 and process.status() != psutil.STATUS_ZOMBIE:
                    found[child["name"]] = process
        return found

    def _recorded(self) -> Any:
        file = self.home / "processes.json"
        return json.loads(file.read_text()) if file.exists() else []

    def kill_everything(self) -> None:
        """Kill the supervisor first, so that it restarts nothing, and then its children."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(CEILING)
        for child in self.children().values():
            with suppress(psutil.NoSuchProcess):
                child.kill()
                child.wait(CEILING)
        self._reader.join(CEILING)
        if self._api is not None:
            self._api.close()

    def interrupt(self) -> int:
        """Send SIGINT, as Ctrl-C does, and return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end of the process and return its exit code."""
        code = self.process.wait(CEILING)
        self._reader.join(CEILING)
        return code
