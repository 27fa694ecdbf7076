"""Generated documents and their sources agree."""

from pathlib import Path

from api.explanations import EXPLANATIONS, page
from api.openapi import description
from api.problems import status_of
from domain import errors
from settings import Settings
from tests.repo.settings_table import settings_table

ROOT = Path(__file__).parents[2]
HTTP_CODES = {
    "body_too_large",
    "database_unavailable",
    "http_error",
    "internal_error",
    "json_invalid",
    "method_not_allowed",
    "temporal_unavailable",
    "too_many_requests",
    "unsupported_media_type",
}

LONGER_MODULES = {"activities/store/tables.py": 420}
"""Modules that may have more than 300 lines: the tables are read as one list."""


def _kinds(kind: type[errors.Refusal]) -> list[type[errors.Refusal]]:
    return [each for below in kind.__subclasses__() for each in [below, *_kinds(below)]]


def test_openapi_document_is_up_to_date() -> None:
    assert (ROOT / "docs" / "openapi.json").read_text() == description(), "run: make openapi"


def test_every_problem_code_is_explained_and_no_others() -> None:
    refusals = {kind.code(): kind for kind in _kinds(errors.Refusal) if kind.__module__ == errors.__name__}

    assert set(EXPLANATIONS) == set(refusals) | HTTP_CODES
    assert {code: EXPLANATIONS[code].status for code in refusals} == {code: status_of(kind) for code, kind in refusals.items()}


def test_every_code_of_the_api_is_explained() -> None:
    written = (ROOT / "api" / "problems.py").read_text() + (ROOT / "api" / "body_limits.py").read_text()

    assert {code for code in HTTP_CODES if f'"{code}"' not in written} == set()


def test_problems_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "problems.md").read_text() == page(), "run: python -m api.explanations > docs/problems.md"


def test_every_refusal_is_in_the_tree_of_its_module() -> None:
    drawn = [line.strip("│├└─ ") for line in (errors.__doc__ or "").splitlines()]

    assert {kind.__name__ for kind in _kinds(errors.Refusal) if kind.__module__ == errors.__name__} <= set(drawn)


def test_every_setting_is_documented() -> None:
    assert settings_table(Settings) in (ROOT / "docs" / "settings.md").read_text(), "run: python -m tests.repo.settings_table"


def test_no_module_is_too_long() -> None:
    packages = [path for package in ("api", "workflows", "activities", "domain") for path in (ROOT / package).rglob("*.py")]
    modules = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in packages if "versions" not in path.parts}

    assert len(modules) > 50
    assert {name: lines for name, lines in modules.items() if lines > LONGER_MODULES.get(name, 300)} == {}
