"""The PostgreSQL of a cluster: the system's, because Temporal's schema takes an extension that packages for tests leave out."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.postgresql import Installed, PostgresqlServer
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


class ClusterPostgresql(PostgresqlServer):
    """A server on a loopback address of its own that asks every client for its password."""

    name = "postgresql"

    def __init__(self, host: str, password: str, *options: str) -> None:
        super().__init__(f"listen_addresses={host}", *options, installed=_set_up(host, password))
        self.host, self.password = host, password
        self.programs = self._binary.parent

    def url_of(self, database: str) -> str:
        """Return the URL of a database for the role of the same name."""
        return f"postgresql+psycopg://{database}:{self.password}@{self.host}/{database}"


def _set_up(host: str, password: str) -> Installed:
    programs = find_programs()
    folder = Path(tempfile.mkdtemp(prefix="flaghoist-pg-"))  # Not below a folder that its account may not enter.
    user = SYSTEM_USER if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    secret = folder / "password"
    secret.write_text(password)
    shutil.chown(folder, user)
    shutil.chown(secret, user)
    made = ["--username=postgres", f"--pwfile={secret}", "--auth=scram-sha-256", "--no-sync", f"--pgdata={folder / 'data'}"]
    subprocess.run([programs / "initdb", *made], user=user, check=True, capture_output=True, cwd="/", timeout=CEILING)
    address = f"host={host} user=postgres password={password} dbname=postgres"
    return Installed(folder, folder / "data", programs / "postgres", user, address)
