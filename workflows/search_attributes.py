"""Search attributes for finding releases in the Temporal Web UI."""

from datetime import datetime
from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributePair, SearchAttributeUpdate, TypedSearchAttributes

from domain.pipelines.pipeline import Stage
from domain.releases.status import ReleaseStatus
from workflows.messages import ReleaseInput, RollbackInput

PROJECT = SearchAttributeKey.for_keyword("FlaghoistProject")
PIPELINE = SearchAttributeKey.for_keyword("FlaghoistPipeline")
FEATURE = SearchAttributeKey.for_keyword("FlaghoistFeature")
ENVIRONMENT = SearchAttributeKey.for_keyword("FlaghoistEnvironment")
STAGE = SearchAttributeKey.for_keyword("FlaghoistStage")
STATUS = SearchAttributeKey.for_keyword("FlaghoistStatus")
NEXT_AT = SearchAttributeKey.for_datetime("FlaghoistNextAt")

KEYWORDS = (PROJECT, PIPELINE, FEATURE, ENVIRONMENT, STAGE, STATUS)
ALL = (*KEYWORDS, NEXT_AT)

_MAX_KEYWORD_LENGTH = 255


def release_attributes(release: ReleaseInput) -> TypedSearchAttributes:
    """Return the attributes with which a release starts."""
    if release.hides_names:
        return _only_status(ReleaseStatus.RUNNING)
    stage = release.stages[release.starting_stage]
    values = {PROJECT: release.project, PIPELINE: release.pipeline.key, FEATURE: release.feature, STATUS: "running"}
    values |= {ENVIRONMENT: stage.environment, STAGE: stage.name[:_MAX_KEYWORD_LENGTH]}
    return TypedSearchAttributes([SearchAttributePair(key, value) for key, value in values.items()])


def rollback_attributes(request: RollbackInput) -> TypedSearchAttributes:
    """Return the attributes of the workflow that rolls back an ended release."""
    if request.hides_names:
        return _only_status(ReleaseStatus.ROLLING_BACK)
    values = {PROJECT: request.project, PIPELINE: request.pipeline.key, FEATURE: request.feature, STATUS: ReleaseStatus.ROLLING_BACK.value}
    values |= {ENVIRONMENT: request.environment, STAGE: request.stage[:_MAX_KEYWORD_LENGTH]}
    return TypedSearchAttributes([SearchAttributePair(key, value) for key, value in values.items()])


def progress_attributes(stage: Stage | None, status: str, next_at: datetime | None) -> list[SearchAttributeUpdate[Any]]:
    """Return the updates that reflect the current state of a release. Without a stage, they have no names."""
    next_update = NEXT_AT.value_unset() if next_at is None else NEXT_AT.value_set(next_at)
    names = [STAGE.value_set(stage.name[:_MAX_KEYWORD_LENGTH]), ENVIRONMENT.value_set(stage.environment)] if stage else []
    return [*names, STATUS.value_set(status), next_update]


def _only_status(status: ReleaseStatus) -> TypedSearchAttributes:
    return TypedSearchAttributes([SearchAttributePair(STATUS, status.value)])
