"""Git repositories that fail: remotes that are gone or refuse, a git that hangs or is missing, and copies that are damaged."""

import shutil
import subprocess
from pathlib import Path

import pytest

from activities.providers.errors import ProviderUnauthorized, ProviderUnavailable
from activities.providers.flag_system import Origin
from activities.providers.flagd import git_branch
from activities.providers.flagd.flagd_files import FlagdFiles
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch
from tests.flagd.files import KEYS, state
from tests.flagd.repositories import FOLDER, InterruptedBranch, Remote, git, repository_of

ENABLE = FlagPatch(enabled=True)
ORIGIN = Origin("webshop", "checkout", "Everyone", "01abc")


def test_remote_that_is_gone_in_the_middle_is_an_outage_until_it_is_back(remote: Remote, files: FlagdFiles) -> None:
    away = remote.root / "away.git"
    place = repository_of(files)
    place.branch = InterruptedBranch(place.branch, lambda: remote.bare.rename(away))

    with pytest.raises(ProviderUnavailable, match="git push failed"):
        files.apply("checkout", "production", ENABLE, KEYS)
    with pytest.raises(ProviderUnavailable, match="git fetch failed"):
        files.flags("checkout", KEYS)
    away.rename(remote.bare)

    assert state(files, "checkout") == FlagState()
    files.apply("checkout", "production", ENABLE, KEYS)
    assert remote.subjects() == ["Begin", "Change production"]


def test_push_that_a_rule_forbids_is_refused_with_the_reason_of_the_server(remote: Remote, files: FlagdFiles) -> None:
    remote.hook("pre-receive", "echo 'Only reviewed changes are accepted.' >&2; exit 1")

    with pytest.raises(ProviderUnauthorized, match=r"The push was refused: Only reviewed changes are accepted\."):
        files.apply("checkout", "production", ENABLE, KEYS)

    assert remote.subjects() == ["Begin"]


def test_call_that_takes_too_long_is_ended_with_everything_that_it_started(remote: Remote, tmp_path: Path) -> None:
    remote.hook("pre-receive", f"echo $$ > {tmp_path}/hook; exec sleep 600")
    files = remote.open(seconds=3)

    with pytest.raises(ProviderUnavailable, match="git push took too long"):
        files.apply("checkout", "production", ENABLE, KEYS)

    hook = (tmp_path / "hook").read_text().strip()
    state_of_hook = subprocess.run(["ps", "-o", "stat=", "-p", hook], capture_output=True, check=False, text=True).stdout  # noqa: S607
    assert state_of_hook == "" or state_of_hook.startswith("Z")
    files.close()


def test_settings_of_users_and_of_our_own_environment_have_no_effect(
    remote: Remote, files: FlagdFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / ".gitconfig"
    config.write_text(f'[url "{tmp_path}/elsewhere/"]\n  insteadOf = file:///\n[core]\n  hooksPath = {tmp_path}/hooks\n')
    surprises = {
        "HOME": str(tmp_path),
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_DIR": str(remote.clone / ".git"),
        "GIT_WORK_TREE": str(remote.clone),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{tmp_path}/elsewhere/.insteadOf",
        "GIT_CONFIG_VALUE_0": "file:///",
        "GIT_AUTHOR_NAME": "Root",
        "GIT_EXTERNAL_DIFF": "false",
        "GIT_SSH_COMMAND": "false",
    }
    for name, value in surprises.items():
        monkeypatch.setenv(name, value)

    files.apply("checkout", "production", ENABLE, KEYS)

    assert git("-C", remote.bare, "log", "-1", "--format=%an", "main") == "Flaghoist\n"
    assert git("-C", remote.clone, "status", "--porcelain") == ""


def test_missing_git_is_an_outage_that_says_what_to_install(files: FlagdFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ProviderUnavailable, match=r"There is no program git\. Install the package git where the API and the workers run\."):
        files.environments()


def test_full_or_missing_temporary_folder_is_an_outage(files: FlagdFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(ProviderUnavailable, match="git can't be used: No such file or directory"):
        files.environments()

    monkeypatch.undo()
    assert files.environments() == ["production", "staging"]


def copy_of(files: FlagdFiles) -> Path:
    """Return the folder with the copy of the remote."""
    command = repository_of(files).branch._git
    assert command
    return command.repository


def test_copy_that_has_grown_is_replaced(files: FlagdFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_branch, "MOST_COMMITS", 3)
    copies = list[Path]()

    for number in range(6):
        files.apply("checkout", "production", FlagPatch(enabled=number % 2 == 0), KEYS)
        copies.append(copy_of(files))

    assert len(set(copies)) == 2
    assert [each.exists() for each in (copies[0], copies[-1])] == [False, True]
    files.close()
    assert not copies[-1].exists()


def test_copy_that_was_damaged_is_replaced_at_the_next_call(remote: Remote, files: FlagdFiles) -> None:
    files.apply("checkout", "production", ENABLE, KEYS)
    shutil.rmtree(copy_of(files) / "objects")

    with pytest.raises(ProviderUnavailable):
        files.apply("checkout", "production", FlagPatch(enabled=False), KEYS)
    files.apply("checkout", "production", FlagPatch(enabled=False), KEYS)

    assert remote.subjects() == ["Begin", "Change production", "Change production"]


def test_check_names_what_is_missing(remote: Remote) -> None:
    def check(address: str) -> list[tuple[bool, str]]:
        files = remote.open(address=address)
        found = [(each.passed, each.message) for each in files.check(["production"])]
        files.close()
        return found

    url = remote.bare.as_uri()
    fine = [(True, "The repository has 2 JSON files."), (True, "production.json has 3 flags that can be changed.")]
    assert check(remote.address) == check(f"{url}#:/{FOLDER}/") == fine
    assert check(f"{url}#gone") == [(False, "git fetch failed: couldn't find remote ref refs/heads/gone")]
    assert check(f"{url}#main:gone") == [(False, "There is no folder 'gone' on the branch. Check the address.")]
    [(passed, message)] = check(f"{remote.root.as_uri()}/other.git")
    assert not passed
    assert "does not appear to be a git repository" in message
    git("init", "--quiet", "--bare", remote.root / "empty.git")
    assert check(f"{remote.root.as_uri()}/empty.git") == [
        (False, "The repository has no default branch with a commit. Name a branch, as in URL#branch.")
    ]
