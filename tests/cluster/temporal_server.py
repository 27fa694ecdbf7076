"""The real Temporal server and its schema tool, built from the Go module proxy in the version that the Compose file names."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.repo.compose import services

MODULE = "go.temporal.io/server"
PROGRAMS = {"temporal-server": "cmd/server", "temporal-sql-tool": "cmd/tools/sql"}
"""The name of each program in the images, and its source."""


class GoMissing(Exception):
    """Go is not installed, so the server can't be built."""


class TemporalServer(NamedTuple):
    """The folder of the built programs, and that of the schemas for PostgreSQL."""

    programs: Path
    schemas: Path


def server_version() -> str:
    """Return the version of the server in the Compose file. That of its schemas is the same."""
    (version,) = {services()[name]["image"].rpartition(":")[2] for name in ("temporal", "temporal-schemas")}
    return str(version)


def build_server() -> TemporalServer:
    """Build what is missing, which takes minutes the first time, and return it. Raises GoMissing."""
    go, version = shutil.which("go"), server_version()
    if go is None:
        raise GoMissing("The Temporal server is built from source for this. Install Go (https://go.dev/dl/), then try again.")
    programs = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "flaghoist-tests", f"temporal-{version}")
    for name, source in PROGRAMS.items():
        if not (programs / name).exists():
            subprocess.run([go, "install", f"{MODULE}/{source}@v{version}"], env=os.environ | {"GOBIN": str(programs)}, check=True)
            (programs / source.rpartition("/")[2]).rename(programs / name)
    found = subprocess.run([go, "mod", "download", "-json", f"{MODULE}@v{version}"], check=True, capture_output=True)
    return TemporalServer(programs, Path(json.loads(found.stdout)["Dir"], "schema", "postgresql", "v12"))
