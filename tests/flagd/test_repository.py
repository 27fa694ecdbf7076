"""Flags in a Git repository: commits and pushes, and other people's pushes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from activities.providers.errors import ProviderUnavailable
from activities.providers.flag_system import Origin
from activities.providers.flagd.file_place import LARGEST_FILE
from activities.providers.flagd.flagd_files import FlagdFiles
from domain.errors import EnvironmentNotFound
from domain.flags.patch import FlagPatch
from tests.flagd.files import KEYS, TOGGLE
from tests.flagd.repositories import InterruptedBranch, Remote, git, repository_of

ENABLE = FlagPatch(enabled=True)
ORIGIN = Origin("webshop", "checkout", "Everyone", "01abc")


def test_change_is_one_commit_that_names_what_it_is_for(remote: Remote, files: FlagdFiles) -> None:
    before = remote.text()

    for _ in range(2):
        files.apply("checkout", "production", ENABLE, KEYS, ORIGIN)
    files.apply("checkout", "staging", ENABLE, KEYS, ORIGIN._replace(is_rollback=True))

    assert remote.subjects() == ["Begin", "Change checkout in production", "Roll back checkout in staging"]
    message = git("-C", remote.bare, "log", "-1", "--format=%an <%ae>%n%B", "main~1")
    assert message.split("\n", 1)[0] == "Flaghoist <flaghoist@localhost>"
    assert message.endswith("\n\nProject: webshop\nStage: Everyone\nRelease: 01abc\n\n")
    assert remote.text() == before.replace('"defaultVariant": "off"', '"defaultVariant": "on"', 1)
    assert git("-C", remote.bare, "diff", "--name-only", "main~1", "main~2").split() == ["deploy/flags/production.json"]
    assert git("-C", remote.bare, "show", "main:README.md") == "The shop\n"


def test_author_of_commits_can_be_chosen(remote: Remote) -> None:
    files = remote.open(author="Release Bot <bot@shop.example>")

    files.apply("checkout", "production", ENABLE, KEYS)

    assert (
        git("-C", remote.bare, "log", "-1", "--format=%an %ae %cn %ce", "main")
        == "Release Bot bot@shop.example Release Bot bot@shop.example\n"
    )
    files.close()


def test_names_of_people_add_no_lines_to_a_message(remote: Remote, files: FlagdFiles) -> None:
    files.apply("checkout", "production", ENABLE, KEYS, Origin("webshop", "a\nRelease: x\x1b[1m", "b\r\n\nc", "01abc"))

    message = git("-C", remote.bare, "log", "-1", "--format=%B", "main")
    assert message.splitlines()[:4] == ["Change a Release: x [1m in production", "", "Project: webshop", "Stage: b c"]


def test_mode_and_place_in_the_root_are_kept(tmp_path: Path) -> None:
    remote = Remote(tmp_path, folder="")
    (remote.clone / "production.json").chmod(0o755)
    remote.push("Make it executable")
    files = remote.open(address=remote.bare.as_uri())

    files.apply("checkout", "production", ENABLE, KEYS)

    assert remote.flag()["defaultVariant"] == "on"
    assert git("-C", remote.bare, "ls-tree", "main", "production.json").startswith("100755")
    assert files.environments() == ["production", "staging"]
    files.close()


def test_files_that_cannot_be_flags_are_named(remote: Remote, files: FlagdFiles) -> None:
    folder = remote.clone / remote.folder
    (folder / "package.json").write_text("{}")
    (folder / ".hidden.json").write_text("{")
    (folder / os.fsdecode(b"latin-\xe9.json")).write_text("{")
    (folder / "older.json").mkdir()
    (folder / "older.json" / "x").write_text("")
    remote.push("Add what is not read")
    assert files.environments() == ["production", "staging"]
    with pytest.raises(EnvironmentNotFound, match=r"There is no file prod\.json on the branch\. Did you mean 'production'"):
        files.apply("checkout", "prod", ENABLE, KEYS)

    broken: dict[str, Callable[[Path], object]] = {
        "is a link": lambda path: path.symlink_to("production.json"),
        "is not encoded in UTF-8": lambda path: path.write_bytes(b'{"flags": "\xff"}'),
        "is not valid JSON": lambda path: path.write_bytes(b"{"),
        "is larger than 8 MiB": lambda path: path.write_bytes(b" " * (LARGEST_FILE + 1)),
    }
    for message, write in broken.items():
        (folder / "broken.json").unlink(missing_ok=True)
        write(folder / "broken.json")
        remote.push(message)
        with pytest.raises(ProviderUnavailable, match=rf"broken\.json {message}"):
            files.environments()


def test_pushes_of_threads_and_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    names = [f"flag-{number}" for number in range(12)]
    remote = Remote(tmp_path, flags=dict.fromkeys(names, TOGGLE))
    program = (
        "import sys; from pathlib import Path; from tests.flagd.repositories import Remote; from domain.flags.patch import FlagPatch\n"
        "remote = Remote.__new__(Remote); remote.root = Path(sys.argv[1]); files = remote.open(address=sys.argv[2])\n"
        "for name in sys.argv[3:]:\n"
        "    for attempt in range(20):\n"
        "        try: files.apply(name, 'production', FlagPatch(enabled=True), {}); break\n"
        "        except Exception as error: assert 'was changed 3 times' in str(error), error\n"
        "files.close()"
    )
    other = subprocess.Popen([sys.executable, "-c", program, tmp_path, remote.address, *names[:6]])
    files = remote.open()

    def apply(name: str) -> None:
        for _ in range(20):
            with suppress(ProviderUnavailable):  # It was overtaken three times.
                return files.apply(name, "production", ENABLE, {})
        raise AssertionError("It was always overtaken.")

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(apply, names[6:]))

    assert other.wait(timeout=300) == 0
    assert {name: flag["defaultVariant"] for name, flag in json.loads(remote.text())["flags"].items()} == dict.fromkeys(names, "on")
    assert len(remote.subjects()) == 1 + len(names)
    assert len(remote.subjects("--min-parents=2")) == 0
    files.close()


def test_push_of_a_person_between_reading_and_writing_is_kept(remote: Remote, files: FlagdFiles) -> None:
    place = repository_of(files)
    place.branch = InterruptedBranch(place.branch, lambda: remote.by_hand("limit", {"defaultVariant": "many"}), times=2)

    def meanwhile() -> None:
        remote.by_hand("limit", {"defaultVariant": "many" if remote.flag("limit")["defaultVariant"] == "few" else "few"})

    place.branch.happens = meanwhile

    files.apply("checkout", "production", ENABLE, KEYS, ORIGIN)

    assert remote.flag()["defaultVariant"] == "on"
    assert remote.flag("limit")["defaultVariant"] == "few"
    assert remote.subjects() == ["Begin", "Change limit by hand", "Change limit by hand", "Change checkout in production"]


def test_repository_that_never_stays_as_it_was_read_is_an_outage(remote: Remote, files: FlagdFiles) -> None:
    place = repository_of(files)
    place.branch = InterruptedBranch(place.branch, lambda: git("-C", remote.clone, "commit", "-q", "--allow-empty", "-m", "x"), times=9)
    push = place.branch.happens
    place.branch.happens = lambda: (push(), git("-C", remote.clone, "push", "-q", "origin", "main"))

    with pytest.raises(ProviderUnavailable, match=r"production\.json was changed 3 times while Flaghoist was about to write it"):
        files.apply("checkout", "production", ENABLE, KEYS)

    assert remote.flag() == TOGGLE


def test_commit_that_others_took_back_does_not_return_with_a_change(remote: Remote, files: FlagdFiles) -> None:
    remote.by_hand("limit", {"defaultVariant": "many"})
    place = repository_of(files)
    place.branch = InterruptedBranch(
        place.branch,
        lambda: (
            git("-C", remote.clone, "reset", "-q", "--hard", "HEAD~1"),
            git("-C", remote.clone, "push", "-qf", "origin", "main"),
        ),
    )

    files.apply("checkout", "production", ENABLE, KEYS)

    assert remote.subjects() == ["Begin", "Change production"]
    assert remote.flag("limit")["defaultVariant"] == "few"
