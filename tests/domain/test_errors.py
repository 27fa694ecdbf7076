"""Refusals: which of them block a release, and under which code."""

import pytest

from domain.errors import BLOCKING, AlreadyReleasing, CursorInvalid, Refusal, RightMissing, blocking_code


@pytest.mark.parametrize("kind", BLOCKING)
def test_a_refusal_that_blocks_has_its_own_code(kind: type[Refusal]) -> None:
    assert blocking_code(kind("no")) == kind.code()


@pytest.mark.parametrize(
    ("refusal", "code"),
    [(CursorInvalid("no"), "invalid"), (AlreadyReleasing("no"), "refusal"), (RightMissing("no"), "right_missing")],
)
def test_one_that_nobody_expects_to_block_has_the_code_of_the_nearest_kind_that_does(refusal: Refusal, code: str) -> None:
    assert blocking_code(refusal) == code
