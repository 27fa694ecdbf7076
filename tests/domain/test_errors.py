"""Refusals that block a release, and the codes under which they do."""

import pytest

from domain.errors import BLOCKING, AlreadyReleasing, CursorInvalid, Refusal, RightMissing, blocking_code


@pytest.mark.parametrize("kind", BLOCKING)
def test_a_blocking_refusal_has_its_own_code(kind: type[Refusal]) -> None:
    assert blocking_code(kind("no")) == kind.code()


@pytest.mark.parametrize(
    ("refusal", "code"),
    [(CursorInvalid("no"), "invalid"), (AlreadyReleasing("no"), "refusal"), (RightMissing("no"), "right_missing")],
)
def test_an_unexpected_refusal_has_the_code_of_its_nearest_blocking_base(refusal: Refusal, code: str) -> None:
    assert blocking_code(refusal) == code
