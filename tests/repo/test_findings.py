"""Every finding is listed, and states its versions. No script is run, because they need the internet."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.repo.guide import ROOT, rows, text_of

SCRIPTS = sorted((ROOT / "findings").glob("*.sh"))
_PINNED = re.compile(r"(\S+?)(?:==|@)(\d[\d.]*)$")


def test_index_lists_every_script() -> None:
    listed = [name for row in rows(text_of("findings/README.md")) for name in re.findall(r"\((\S+\.sh)\)", row[0])]

    assert sorted(listed) == [script.name for script in SCRIPTS]
    assert SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_script_is_valid_and_states_the_versions_that_it_installs(script: Path) -> None:
    text = script.read_text()
    header = text.partition("set -eu")[0]
    installs = [line.split() for line in text.splitlines() if " install " in line and not line.startswith("#")]
    packages = [word for words in installs for word in words[words.index("install") + 1 :] if not word.startswith("-")]

    subprocess.run(["sh", "-n", str(script)], check=True)  # noqa: S607 (the system's shell)
    assert packages
    for package in packages:
        assert (found := _PINNED.match(package)), package
        assert f"{found[1]} {found[2]}" in header
