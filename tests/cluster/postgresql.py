"""The PostgreSQL of a cluster: the system's, because Temporal's schema takes an extension that packages for tests leave out."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from tests.waiting import CEILING

SYSTEM_USER = "postgres"
"""The account under which the server runs if the rehearsal runs as root."""


class PostgresqlMissing(Exception):
    """The system has no PostgreSQL with the extension `btree_gin`."""


def find_programs() -> Path:
    """Return the folder of the newest PostgreSQL on this machine. Raises PostgresqlMissing."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    found = shutil.which("initdb")
    folders = [*([Path(found).resolve().parent] if found else []), *debian]
    for programs in reversed(folders):
        shared = subprocess.run([programs / "pg_config", "--sharedir"], capture_output=True, text=True, check=False)
        if shared.returncode == 0 and Path(shared.stdout.strip(), "extension", "btree_gin.control").exists():
            return programs
    raise PostgresqlMissing("A Temporal cluster takes PostgreSQL with its contrib extensions: `apt-get install postgresql` on Debian.")


class Postgresql:
    """A server on a loopback address of its own that asks every client for its password."""

    name = "postgresql"

    def __init__(self, address: str, password: str, *options: str) -> None:
        self.address = address
        self.programs = find_programs()
        self.options = options
        self._user = SYSTEM_USER if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.folder = Path(tempfile.mkdtemp(prefix="flaghoist-pg-"))  # Not below a folder that its account may not enter.
        secret = self.folder / "password"
        secret.write_text(password)
        shutil.chown(self.folder, self._user)
        shutil.chown(secret, self._user)
        made = ["--username=postgres", f"--pwfile={secret}", "--auth=scram-sha-256", "--no-sync", f"--pgdata={self.folder / 'data'}"]
        subprocess.run([self.programs / "initdb", *made], user=self._user, check=True, capture_output=True, cwd="/", timeout=CEILING)
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again. It may not answer yet."""
        settings = [f"listen_addresses={self.address}", f"unix_socket_directories={self.folder}", *self.options]
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), *(f"--{setting}" for setting in settings)]
        with (self.folder / "server.log").open("ab") as log:
            self.running = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/", user=self._user, start_new_session=True
            )

    def answers(self) -> bool:
        """True if it accepts connections."""
        asked = subprocess.run([self.programs / "pg_isready", "--quiet", f"--host={self.address}"], check=False)
        return asked.returncode == 0

    def kill(self) -> None:
        """End it with everything that it started, as a power cut would."""
        if self.running:
            os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait()
            self.running = None

    def remove(self) -> None:
        """Delete its data."""
        shutil.rmtree(self.folder, ignore_errors=True)
