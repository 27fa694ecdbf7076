"""docs/guide/why-is-my-release-not-moving.md has every code, and a remedy for each."""

import re
from typing import get_args

import pytest

from domain.errors import BLOCKING
from domain.releases.status import FINISHED
from domain.releases.waiting import WaitingCode
from domain.system import SystemCondition
from tests.repo.guide import chapter, headings, rows, typed

NAME = "docs/guide/why-is-my-release-not-moving.md"
WAITING = chapter(NAME, "What `waiting_for` says")
BLOCKED = chapter(NAME, "What `blocked_by` says")


def _sections(text: str) -> dict[str, str]:
    """Code -> what is said of it."""
    parts = text.split("\n### ")[1:]
    return {part.splitlines()[0].strip("`"): part for part in parts}


def test_everything_that_a_release_can_wait_for_is_there_and_nothing_else() -> None:
    assert set(_sections(WAITING)) == set(get_args(WaitingCode))


def test_every_refusal_that_blocks_a_release_is_there_and_no_other() -> None:
    assert set(_sections(BLOCKED)) == {kind.code() for kind in BLOCKING}


@pytest.mark.parametrize(("code", "text"), (_sections(WAITING) | _sections(BLOCKED)).items())
def test_each_has_what_helps_as_a_command_and_as_a_request(code: str, text: str) -> None:
    assert {"flaghoist", "api"} <= {words[0] for words in typed(f"### {text}")}, code


def test_every_condition_of_the_system_is_there() -> None:
    first = [row[0].strip("`") for row in rows(chapter(NAME, "All releases stand still"))[1:]]

    assert {condition.value for condition in SystemCondition} <= set(first)


def test_every_end_is_there() -> None:
    ends = {row[0].strip("`") for row in rows(chapter(NAME, "It has ended"))[1:]}

    assert ends == {status.value for status in FINISHED}


def test_the_first_table_leads_to_every_code_that_is_waited_for() -> None:
    sent_to = set(re.findall(r"\(#(\w+)\)", chapter(NAME, "Look here, then there")))

    assert set(headings(WAITING, 3)) == {f"`{code}`" for code in get_args(WaitingCode)}
    assert set(get_args(WaitingCode)) - {"acting"} <= sent_to
