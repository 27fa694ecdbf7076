"""The program `git`, run in a repository of our own, without the settings of any user, and never longer than until a deadline."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from activities.providers.errors import ProviderUnavailable
from activities.tracing import Kind, span

_CONFIG: Mapping[str, str] = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "credential.helper": "",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1",
}
_GRACE_SECONDS = 0.5
"""The time in which git deletes its temporary files after it was told to end."""


class Answer(NamedTuple):
    """The end of a command: its exit code, what it wrote, and what it said about errors."""

    code: int
    output: bytes
    errors: str


class GitCommand:
    """The commands of one repository. Only the named transport is possible."""

    def __init__(self, repository: Path, scheme: str, author: str, seconds: float) -> None:
        """Take the author of commits, and the most seconds for which a transfer may stand still, even if our process was killed."""
        self.repository = repository
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(repository),
            "LC_ALL": "C",
            "GIT_DIR": str(repository),
            "GIT_INDEX_FILE": str(repository / "index"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": scheme,
        }
        name, _, email = author.rstrip(">").rpartition(" <")
        self.config = {**_CONFIG, "user.name": name, "user.email": email, "http.lowSpeedTime": str(max(1, round(seconds)))}

    def ask(self, *arguments: str, deadline: float, given: bytes = b"", config: Mapping[str, str] | None = None) -> Answer:
        """Run a command and return how it ended. Raises ProviderUnavailable if it took too long, or there is no git."""
        program = shutil.which("git", path=self.environment["PATH"])
        if program is None:
            raise ProviderUnavailable("There is no program git. Install the package git where the API and the workers run.")
        environment = self.environment | dict(_as_environment(self.config | dict(config or {})))
        pipe = subprocess.PIPE
        with (
            span(f"git {arguments[0]}", Kind.CLIENT),
            subprocess.Popen(  # noqa: S603 (a list of arguments, checked beforehand)
                [program, *arguments], env=environment, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
            ) as process,
        ):
            try:
                output, errors = process.communicate(given, timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _end(process)
                raise ProviderUnavailable(f"git {arguments[0]} took too long.") from None
            except BaseException:
                _end(process)
                raise
        return Answer(process.returncode, output, errors.decode(errors="replace"))


def reason_of(errors: str, otherwise: str = "it gave no reason") -> str:
    """Return the sentence in which the server or git gives the reason of a failure."""
    lines = ["".join(filter(str.isprintable, line)).strip() for line in errors.splitlines()]
    for beginning in ("remote: ", "fatal: ", "error: "):
        for line in lines:
            if line.startswith(beginning) and line.removeprefix(beginning).strip():
                return line.removeprefix(beginning).strip()[:300]
    return next(filter(None, reversed(lines)), otherwise)[:300]


def _as_environment(config: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield "GIT_CONFIG_COUNT", str(len(config))
    for number, (key, value) in enumerate(config.items()):
        yield f"GIT_CONFIG_KEY_{number}", key
        yield f"GIT_CONFIG_VALUE_{number}", value


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a command and the programs that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_GRACE_SECONDS)
