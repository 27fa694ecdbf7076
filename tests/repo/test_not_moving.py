"""docs/guide/why-is-my-release-not-moving.md lists every code with a remedy."""

import re
from typing import get_args

import pytest

from domain.errors import BLOCKING
from domain.releases.status import FINISHED
from domain.releases.waiting import WaitingCode
from domain.system import SystemCondition
from tests.repo.guide import chapter, commands, headings, rows

NAME = "docs/guide/why-is-my-release-not-moving.md"
WAITING = chapter(NAME, "Codes in `waiting_for`")
BLOCKED = chapter(NAME, "Codes in `blocked_by`")


def _sections(text: str) -> dict[str, str]:
    """Code -> its section."""
    parts = text.split("\n### ")[1:]
    return {part.splitlines()[0].strip("`"): part for part in parts}


def test_every_waiting_code_has_a_section_and_no_others() -> None:
    assert set(_sections(WAITING)) == set(get_args(WaitingCode))


def test_every_blocking_code_has_a_section_and_no_others() -> None:
    assert set(_sections(BLOCKED)) == {kind.code() for kind in BLOCKING}


@pytest.mark.parametrize(("code", "text"), (_sections(WAITING) | _sections(BLOCKED)).items())
def test_each_section_shows_a_command_and_a_request(code: str, text: str) -> None:
    assert {"flaghoist", "api"} <= {words[0] for words in commands(f"### {text}")}, code


def test_every_system_condition_is_listed() -> None:
    first = [row[0].strip("`") for row in rows(chapter(NAME, "No release is moving"))[1:]]

    assert {condition.value for condition in SystemCondition} <= set(first)


def test_every_final_status_is_listed() -> None:
    listed = {row[0].strip("`") for row in rows(chapter(NAME, "The release has ended"))[1:]}

    assert listed == {status.value for status in FINISHED}


def test_first_table_links_to_every_waiting_code() -> None:
    linked = set(re.findall(r"\(#(\w+)\)", chapter(NAME, "Where to look")))

    assert set(headings(WAITING, 3)) == {f"`{code}`" for code in get_args(WaitingCode)}
    assert set(get_args(WaitingCode)) - {"acting"} <= linked
