"""The operations that each status of a pipeline version allows."""

from collections.abc import Callable

import pytest

from domain.errors import DraftExists, NotADraft, PipelineArchived, Refusal
from domain.pipelines.pipeline import Pipeline, PipelineDefinition, PipelineStatus, next_version

DEFINITION = PipelineDefinition(key="standard", name="Standard")


def version(number: int, status: PipelineStatus) -> Pipeline:
    return Pipeline(id=f"v{number}", version=number, revision=1, status=status, definition=DEFINITION)


DRAFT, PUBLISHED, ARCHIVED = PipelineStatus


@pytest.mark.parametrize(
    ("status", "check", "refusal"),
    [
        (DRAFT, Pipeline.check_is_draft, None),
        (PUBLISHED, Pipeline.check_is_draft, NotADraft),
        (ARCHIVED, Pipeline.check_is_draft, NotADraft),
        (DRAFT, Pipeline.check_not_archived, None),
        (PUBLISHED, Pipeline.check_not_archived, None),
        (ARCHIVED, Pipeline.check_not_archived, PipelineArchived),
    ],
)
def test_the_status_of_a_version_decides_which_checks_pass(
    status: PipelineStatus, check: Callable[[Pipeline], None], refusal: type[Refusal] | None
) -> None:
    if refusal is None:
        check(version(1, status))
        return
    with pytest.raises(refusal):
        check(version(1, status))


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ([PUBLISHED], 2),
        ([PUBLISHED, PUBLISHED], 3),
        ([DRAFT], DraftExists),
        ([PUBLISHED, DRAFT], DraftExists),
        ([ARCHIVED], PipelineArchived),
        ([ARCHIVED, ARCHIVED, DRAFT], PipelineArchived),
    ],
)
def test_the_next_version_follows_the_highest_unless_it_is_a_draft_or_archived(
    statuses: list[PipelineStatus], outcome: int | type[Refusal]
) -> None:
    versions = [version(number, status) for number, status in enumerate(statuses, start=1)]

    if isinstance(outcome, int):
        assert next_version(versions) == next_version(reversed(versions)) == outcome
        return
    with pytest.raises(outcome):
        next_version(versions)


def test_a_copy_keeps_its_key_and_name_unless_new_ones_are_given() -> None:
    assert DEFINITION.copied(None, None) == DEFINITION
    assert DEFINITION.copied("other", None) == PipelineDefinition(key="other", name="Standard")
    assert DEFINITION.copied(None, "Other") == PipelineDefinition(key="standard", name="Other")
