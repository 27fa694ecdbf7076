"""What is listed of files of flagd: environments, features and segments."""

from pathlib import Path

import pytest

from activities.providers.flag_system import SystemFeature
from activities.providers.flagd.flagd_files import FlagdFiles
from activities.providers.flagd.folder import FlagFolder
from domain.errors import FeatureNotFound
from domain.flags.flag import FeatureType
from domain.flags.variant import Variant
from tests.flagd.files import CONDITIONS, KEYS, TOGGLE, write


def _variants(**values: str | int) -> tuple[Variant, ...]:
    return tuple(Variant(key=key, value=value) for key, value in values.items())


def test_environments_are_the_files_with_flags(tmp_path: Path) -> None:
    write(tmp_path)
    write(
        tmp_path,
        "staging",
        {"checkout": TOGGLE | {"defaultVariant": "on"}, "search": TOGGLE | {"metadata": {"description": "Finds it"}}},
    )
    (tmp_path / "package.json").write_text('{"name": "flags"}')
    (tmp_path / ".hidden.json").write_text("{")
    (tmp_path / "README.md").write_text("Flags")
    (tmp_path / "older.json").mkdir()
    files = FlagdFiles(FlagFolder(tmp_path))

    assert files.environments() == ["production", "staging"]
    assert files.features() == [
        SystemFeature("checkout", "", FeatureType.TOGGLE, ()),
        SystemFeature("colour", "", FeatureType.STRING, _variants(red="red", blue="blue", green="green")),
        SystemFeature("limit", "", FeatureType.INTEGER, _variants(few=10, many=500, most=9000)),
        SystemFeature("search", "Finds it", FeatureType.TOGGLE, ()),
    ]
    assert {name: each.state.enabled for name, each in files.flags("checkout", KEYS).items()} == {"production": False, "staging": True}
    assert list(files.flags("search", KEYS)) == ["staging"]
    with pytest.raises(FeatureNotFound, match="Did you mean 'search'"):
        files.flags("serach", KEYS)


def test_digest_of_a_segment_changes_with_its_definition_in_any_environment(tmp_path: Path) -> None:
    write(tmp_path)
    path, files = write(tmp_path, "staging"), FlagdFiles(FlagFolder(tmp_path))
    before = {each.reference: each.digest for each in files.segments()}

    path.write_text(path.read_text().replace('"board"', '"owners"'))

    after = {each.reference: each.digest for each in files.segments()}
    assert before.keys() == after.keys() == CONDITIONS.keys()
    assert [name for name in before if before[name] != after[name]] == ["staff"]
