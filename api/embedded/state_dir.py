"""The folder in which the embedded stack keeps its state."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from activities.commands.bootstrap import SHORTEST
from activities.store.keys import new_secret
from api.embedded.errors import CannotStart


class StateDir:
    """FLAGHOIST_HOME: databases, logs, the first key, and who runs here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.logs = self.folder / "logs"
        self.key = self.folder / "bootstrap.key"
        self.processes = self.folder / "processes.json"
        self.temporal = self.folder / "temporal.db"

    def prepare(self) -> None:
        """Make the folder. Raises CannotStart."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)
        except OSError as error:
            raise CannotStart(f"{self.folder} can't be used ({error.strerror}): set FLAGHOIST_HOME to a folder of yours.") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others out for as long as this process lives. Raises CannotStart."""
        with (self.folder / "dev.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                message = f"Another `flaghoist dev` runs in {self.folder}: stop it first, or set FLAGHOIST_HOME to another folder."
                raise CannotStart(message) from error
            yield

    def keep_key(self, given: str) -> str:
        """The first key: the given one, the one kept here, or a new one; kept so that only its owner reads it."""
        if given and len(given) < SHORTEST:
            raise CannotStart(f"FLAGHOIST_BOOTSTRAP_KEY needs at least {SHORTEST} characters: give a longer one, or none to have one made.")
        kept = self.key.read_text().strip() if self.key.exists() else ""
        secret = given or (kept if len(kept) >= SHORTEST else new_secret())
        if secret != kept:
            fresh = self.key.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(f"{secret}\n")
            fresh.replace(self.key)
        return secret
