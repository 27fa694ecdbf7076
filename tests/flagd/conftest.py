"""Fixtures for flags in Git repositories."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from activities.providers.flagd.flagd_files import FlagdFiles
from tests.flagd.git_server import GitServer, git_server
from tests.flagd.repositories import Remote, git


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    """A repository that also takes pushes over HTTP, with files for flagd."""
    remote = Remote(tmp_path)
    git("-C", remote.bare, "config", "http.receivepack", "true")
    return remote


@pytest.fixture
def server(remote: Remote) -> Iterator[GitServer]:
    """A server of that repository."""
    with git_server(remote.root) as server:
        yield server


@pytest.fixture
def files(remote: Remote) -> Iterator[FlagdFiles]:
    """The files of that repository."""
    files = remote.open()
    yield files
    files.close()
