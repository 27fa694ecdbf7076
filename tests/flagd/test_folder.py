"""Files that are broken, shared, changed by people at the same moment, or half written."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from activities.providers.errors import ProviderUnavailable
from activities.providers.flag_system import Origin
from activities.providers.flagd.file_place import LARGEST_FILE
from activities.providers.flagd.flagd_files import FlagdFiles
from activities.providers.flagd.folder import FlagFolder
from domain.flags.patch import FlagPatch
from tests.flagd.files import KEYS, TOGGLE, flag_of, state, write

ENABLE = FlagPatch(enabled=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "production.json is not valid JSON: Expecting value: line 1 column 1 (char 0). Repair it."),
        (b'{"flags": {', "production.json is not valid JSON: Expecting property name enclosed in double quotes: line 1 column 12"),
        (b'{"flags": {"a": NaN}}', "production.json is not valid JSON: NaN is not a number in JSON. Repair it."),
        (b'\xef\xbb\xbf{"flags": {}}', "production.json is not valid JSON: Unexpected UTF-8 BOM"),
        (b'{"flags": "\xff"}', "production.json is not encoded in UTF-8. Save it in UTF-8."),
        (b'{"flags": []}', "production.json is not a file for flagd: 'flags' and '$evaluators' must be objects. Repair it."),
        (b'{"flags": {}, "$evaluators": []}', "production.json is not a file for flagd: 'flags' and '$evaluators' must be objects."),
        (b"[" * 200_000, "production.json is nested too deeply."),
        (b" " * (LARGEST_FILE + 1), "production.json is larger than 8 MiB. Split it into several projects."),
    ],
    ids=["empty", "half", "NaN", "BOM", "not UTF-8", "flags", "evaluators", "deep", "large"],
)
def test_broken_file_is_an_outage_that_names_the_file_and_the_remedy(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "production.json").write_bytes(content)
    files = FlagdFiles(FlagFolder(tmp_path))

    for call in (files.environments, files.features, files.segments, lambda: files.apply("checkout", "production", ENABLE, KEYS)):
        with pytest.raises(ProviderUnavailable) as outage:
            call()
        assert message in str(outage.value)
    [*_, last] = files.check(["production"])
    assert not last.passed
    assert message in last.message
    assert (tmp_path / "production.json").read_bytes() == content


def test_missing_folder_is_an_outage(tmp_path: Path) -> None:
    files = FlagdFiles(FlagFolder(tmp_path / "gone"))

    with pytest.raises(ProviderUnavailable, match=r"gone can't be used: No such file or directory\. Check its path and rights\."):
        files.environments()
    [finding] = files.check(["production"])
    assert not finding.passed


def test_link_is_followed_only_within_the_folder(tmp_path: Path) -> None:
    folder, versions = tmp_path / "flags", tmp_path / "flags" / "versions"
    versions.mkdir(parents=True)
    path = write(versions)
    (folder / "production.json").symlink_to(path)
    (folder / "staging.json").symlink_to(write(tmp_path, "outside"))
    (folder / "circle.json").symlink_to(folder / "circle.json")
    files = FlagdFiles(FlagFolder(folder))

    files.apply("checkout", "production", ENABLE, KEYS)
    with pytest.raises(ProviderUnavailable, match=r"is a link that leaves its folder\. Replace it with the file itself\."):
        files.apply("checkout", "staging", ENABLE, KEYS)
    with pytest.raises(ProviderUnavailable, match=r"circle\.json can't be used"):
        files.apply("checkout", "circle", ENABLE, KEYS)

    assert (folder / "production.json").is_symlink()
    assert flag_of(path, "checkout")["defaultVariant"] == "on"


def test_rights_of_the_file_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.chmod(0o640)

    FlagdFiles(FlagFolder(tmp_path)).apply("checkout", "production", ENABLE, KEYS)

    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["production.json"]


def test_writers_of_several_processes_and_threads_lose_nothing(tmp_path: Path) -> None:
    names = [f"flag-{number}" for number in range(24)]
    path = write(tmp_path, flags=dict.fromkeys(names, TOGGLE))
    program = (
        "import sys; from pathlib import Path; from activities.providers.flagd.flagd_files import FlagdFiles; "
        "from activities.providers.flagd.folder import FlagFolder; "
        "from domain.flags.patch import FlagPatch; files = FlagdFiles(FlagFolder(Path(sys.argv[1])))\n"
        "for name in sys.argv[2:]: files.apply(name, 'production', FlagPatch(enabled=True), {})"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program, tmp_path, *names[start:12:2]]) for start in (0, 1)]
    files = FlagdFiles(FlagFolder(tmp_path))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: files.apply(name, "production", ENABLE, {}), names[12:]))

    assert [each.wait(timeout=60) for each in processes] == [0, 0]
    assert {name: flag["defaultVariant"] for name, flag in json.loads(path.read_text())["flags"].items()} == dict.fromkeys(names, "on")


def test_writer_that_waits_too_long_for_another_is_an_outage(tmp_path: Path) -> None:
    folder = FlagFolder(tmp_path, lock_seconds=0.05)

    with (
        folder.locked(),
        pytest.raises(ProviderUnavailable, match=r"Another process has been writing into .* for 0\.05 s"),
        folder.locked(),
    ):
        pass
    with folder.locked():
        pass


class _EditedMeanwhile(FlagFolder):
    """A folder in which somebody saves a file just before it is replaced, a number of times."""

    def __init__(self, path: Path, times: int) -> None:
        super().__init__(path, lock_seconds=5)
        self.times = times

    def replace(self, environment: str, before: str, after: str, origin: Origin | None = None) -> bool:
        if self.times:
            self.times -= 1
            path = self.path / f"{environment}.json"
            path.write_text(path.read_text().replace('"few": 1', '"few": 11'))
        return super().replace(environment, before, after, origin)


def test_change_by_hand_at_the_same_moment_is_kept(tmp_path: Path) -> None:
    path, files = write(tmp_path), FlagdFiles(FlagFolder(tmp_path))
    files.place = _EditedMeanwhile(tmp_path, times=2)

    files.apply("checkout", "production", ENABLE, KEYS)

    assert state(files, "checkout").enabled
    assert flag_of(path, "limit")["variants"]["few"] == 1110


def test_file_that_never_stays_as_it_was_read_is_an_outage(tmp_path: Path) -> None:
    path, files = write(tmp_path), FlagdFiles(FlagFolder(tmp_path))
    files.place = _EditedMeanwhile(tmp_path, times=9)

    with pytest.raises(ProviderUnavailable, match=r"production\.json was changed 3 times while Flaghoist was about to write it\."):
        files.apply("checkout", "production", ENABLE, KEYS)

    assert flag_of(path, "checkout") == TOGGLE
    assert [each.name for each in tmp_path.iterdir()] == ["production.json"]


def test_writer_that_is_killed_leaves_the_old_file_whole_and_nobody_locked_out(tmp_path: Path) -> None:
    path = write(tmp_path)
    before = path.read_bytes()
    program = (
        "import os, sys, time; from pathlib import Path; from activities.providers.flagd.flagd_files import FlagdFiles; "
        "from activities.providers.flagd.folder import FlagFolder; "
        "from domain.flags.patch import FlagPatch\n"
        "def stopped(*_):\n    print('written', flush=True); time.sleep(600)\n"
        "os.fsync = stopped\n"
        "FlagdFiles(FlagFolder(Path(sys.argv[1]))).apply('checkout', 'production', FlagPatch(enabled=True), {})"
    )
    with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2

    files = FlagdFiles(FlagFolder(tmp_path))
    assert files.environments() == ["production"]
    files.apply("checkout", "production", ENABLE, KEYS)
    assert state(files, "checkout").enabled


def test_reader_never_sees_a_part_of_a_file(tmp_path: Path) -> None:
    path, files = write(tmp_path), FlagdFiles(FlagFolder(tmp_path))

    def _write() -> None:
        for number in range(50):
            files.apply("checkout", "production", FlagPatch(enabled=number % 2 == 0), KEYS)

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(_write)
        while not writer.done():
            assert json.loads(path.read_text())["flags"]["limit"]["defaultVariant"] == "few"
        writer.result()


def test_folder_without_the_right_to_write_is_found_by_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may always write

    found = [each for each in FlagdFiles(FlagFolder(tmp_path)).check(["production"]) if not each.passed]

    assert [each.message for each in found] == [f"Flaghoist must not write into the folder {tmp_path}. Give it the right to."]


def test_check_names_each_flag_that_cannot_be_changed_and_each_condition_that_is_no_segment(tmp_path: Path) -> None:
    path = write(tmp_path, flags={"checkout": TOGGLE, "size": TOGGLE | {"variants": {"wide": 1.5}}})
    document = json.loads(path.read_text())
    document["$evaluators"] |= {
        "Zürich": {"var": "zurich"},
        "share": {"fractional": []},
        "both": {"and": [{"$ref": "vip"}, True]},
        "yes": True,
    }
    path.write_text(json.dumps(document))
    files = FlagdFiles(FlagFolder(tmp_path))

    assert [(each.passed, each.message) for each in files.check(["production", "test"])] == [
        (True, f"The folder {tmp_path} has 1 JSON files."),
        (True, "production.json has 1 flags that can be changed."),
        (
            True,
            "The flag 'size' in production.json can't be changed. "
            "Its variant 'wide' is not a string, an integer or a boolean. Flaghoist changes no other flags.",
        ),
        (
            True,
            "In production.json, 'Zürich' in $evaluators can't be a segment, "
            "because evaluators find it only by a name of ASCII characters without quotes and backslashes.",
        ),
        (True, "In production.json, 'share' in $evaluators can't be a segment, because its result is not true or false."),
        (
            True,
            "In production.json, 'both' in $evaluators can't be a segment, "
            "because it names another one, and evaluators don't resolve that.",
        ),
        (True, "In production.json, 'yes' in $evaluators can't be a segment, because its result is not true or false."),
        (False, f"There is no file test.json in {tmp_path}."),
    ]
    assert [(each.part, each.environment) for each in files.check(["production", "test"])] == [
        ("address", None),
        *[("environments", "production")] * 6,
        ("environments", "test"),
    ]
    assert [each.name for each in files.segments()] == ["Beta testers", "staff", "vip"]
