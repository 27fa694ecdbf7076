"""The folder in which the embedded stack keeps its state."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from activities.commands.bootstrap import SHORTEST
from activities.providers.sealing import new_secret_key
from activities.store.keys import new_secret
from api.embedded.errors import CannotStart


class StateDir:
    """FLAGHOIST_HOME: the databases, the logs, the first key, the key that encrypts credentials, and the running processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.logs = self.folder / "logs"
        self.key = self.folder / "bootstrap.key"
        self.secret_key = self.folder / "secret.key"
        self.processes = self.folder / "processes.json"
        self.temporal = self.folder / "temporal.db"

    def prepare(self) -> None:
        """Create the folder. Raises CannotStart."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)
        except OSError as error:
            raise CannotStart(f"Can't use the folder {self.folder} ({error.strerror}). Set FLAGHOIST_HOME to a writable folder.") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other stacks out of the folder. Raises CannotStart if one uses it. The lock ends with this process at the latest."""
        with (self.folder / "dev.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                message = f"`flaghoist dev` is already running in {self.folder}. Stop it first, or set FLAGHOIST_HOME to another folder."
                raise CannotStart(message) from error
            yield

    def ensure_key(self, given: str) -> str:
        """Return the first key: the given one, the stored one, or a new one. Store it in a file that only its owner can read."""
        if given and len(given) < SHORTEST:
            raise CannotStart(f"FLAGHOIST_BOOTSTRAP_KEY must have at least {SHORTEST} characters. Leave it empty to have one generated.")
        stored = self.key.read_text().strip() if self.key.exists() else ""
        secret = given or (stored if len(stored) >= SHORTEST else new_secret())
        if secret != stored:
            _write_secret(self.key, secret)
        return secret

    def ensure_secret_key(self) -> str:
        """Return the key that encrypts credentials: the stored one, or a new one. Store it in a file that only its owner can read."""
        if not self.secret_key.exists():
            _write_secret(self.secret_key, new_secret_key())
        return self.secret_key.read_text().strip()


def _write_secret(path: Path, secret: str) -> None:
    """Write a file that only its owner can read, as a whole or not at all."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{secret}\n")
    fresh.replace(path)
