"""Git repositories with files for flagd, for tests: the remote, and a person who works with it."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from activities.dns import Resolver
from activities.providers.catalogue import Reach, open_system
from activities.providers.flagd.flagd_files import FlagdFiles
from activities.providers.flagd.git_branch import GitBranch
from activities.providers.flagd.repository import FlagRepository
from domain.flags.connection import Connection
from domain.flags.git_address import GIT_AUTHOR
from domain.flags.provider import ProviderKind
from tests.flagd.files import FLAGS, write

FOLDER = "deploy/flags"
_PERSON = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@shop.example", "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "a@b.c"}
_ENVIRONMENT = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, **_PERSON}


def git(*arguments: str | Path) -> str:
    """Run a command of git as a person does, and return what it wrote."""
    command = ["git", *arguments]
    done = subprocess.run(command, env=_ENVIRONMENT, check=True, capture_output=True, text=True, timeout=60)
    return done.stdout


class Remote:
    """A bare repository in a folder, and a person's clone of it. The branch `main` has files for flagd."""

    def __init__(self, root: Path, folder: str = FOLDER, flags: Mapping[str, Any] = FLAGS) -> None:
        self.root, self.folder = root, folder
        self.bare, self.clone = root / "shop.git", root / "clone"
        git("init", "--quiet", "--bare", "--initial-branch=main", self.bare)
        git("clone", "--quiet", self.bare, self.clone)
        git("-C", self.clone, "checkout", "--quiet", "-b", "main")
        (self.clone / folder).mkdir(parents=True, exist_ok=True)
        for environment in ("production", "staging"):
            write(self.clone / folder, environment, flags)
        (self.clone / "README.md").write_text("The shop\n")
        self.push("Begin")

    @property
    def address(self) -> str:
        """The address of the folder on the branch."""
        return f"{self.bare.as_uri()}#main:{self.folder}"

    def open(self, seconds: float = 60, address: str | None = None, author: str = GIT_AUTHOR) -> FlagdFiles:
        """Open the repository as the product does."""
        connection = Connection(kind=ProviderKind.FLAGD, address=address or self.address)
        system = open_system(connection, None, Reach(Resolver(allow_private=False), seconds, self.root, author))
        assert isinstance(system, FlagdFiles)
        return system

    def text(self, environment: str = "production", commit: str = "main") -> str:
        """Return the text of a file, as everybody sees it."""
        return git("-C", self.bare, "show", f"{commit}:{self.folder}/{environment}.json".replace(":/", ":"))

    def flag(self, feature: str = "checkout", environment: str = "production") -> dict[str, Any]:
        """Return a flag, as everybody sees it."""
        found: dict[str, Any] = json.loads(self.text(environment))["flags"][feature]
        return found

    def subjects(self, *options: str) -> list[str]:
        """Return the first line of each commit's message, oldest first."""
        return git("-C", self.bare, "log", "--reverse", "--format=%s", *options, "main").splitlines()

    def by_hand(self, feature: str, change: Mapping[str, Any], environment: str = "production") -> None:
        """Change a flag and push, as a person does: again on the new state, if somebody else was faster."""
        for _ in range(50):
            git("-C", self.clone, "fetch", "--quiet", "origin")
            git("-C", self.clone, "reset", "--quiet", "--hard", "origin/main")
            path = self.clone / self.folder / f"{environment}.json"
            document = json.loads(path.read_text())
            document["flags"][feature] |= change
            path.write_text(json.dumps(document, indent=2) + "\n")
            with suppress(subprocess.CalledProcessError):
                return self.push(f"Change {feature} by hand")
        raise AssertionError("The person was always overtaken.")

    def push(self, message: str) -> None:
        """Commit everything in the clone, and push it."""
        git("-C", self.clone, "add", "--all")
        git("-C", self.clone, "commit", "--quiet", "--message", message)
        git("-C", self.clone, "push", "--quiet", "origin", "main")

    def hook(self, name: str, script: str) -> None:
        """Let the remote run a shell script at each push."""
        path = self.bare / "hooks" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


def repository_of(files: FlagdFiles) -> FlagRepository:
    """Return the repository behind a flag system."""
    assert isinstance(files.place, FlagRepository)
    return files.place


class InterruptedBranch(GitBranch):
    """A branch before whose next pushes something happens."""

    def __init__(self, branch: GitBranch, happens: Callable[[], object], times: int = 1) -> None:
        super().__init__(branch.address, branch._network, branch._author, branch._seconds)
        self.happens, self.times = happens, times

    def push(self, commit: str, expected: str, deadline: float, *options: str) -> bool:
        """Let it happen, then push."""
        if self.times:
            self.times -= 1
            self.happens()
        return super().push(commit, expected, deadline, *options)
