"""The search attributes by which people find releases in the Temporal Web UI."""

from datetime import datetime
from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributePair, SearchAttributeUpdate, TypedSearchAttributes

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

_LONGEST = 255


def first_attributes(release: ReleaseInput) -> TypedSearchAttributes:
    """What a release is found by when it starts."""
    stage = release.stages[release.starting_stage]
    values = {PROJECT: release.project, PIPELINE: release.pipeline.key, FEATURE: release.feature, STATUS: "running"}
    values |= {ENVIRONMENT: stage.environment, STAGE: stage.name[:_LONGEST]}
    return TypedSearchAttributes([SearchAttributePair(key, value) for key, value in values.items()])


def attributes_of_rollback(asked: RollbackInput) -> TypedSearchAttributes:
    """What the rollback of a release that had ended is found by."""
    values = {PROJECT: asked.project, PIPELINE: asked.pipeline.key, FEATURE: asked.feature, STATUS: ReleaseStatus.ROLLING_BACK.value}
    values |= {ENVIRONMENT: asked.environment, STAGE: asked.stage[:_LONGEST]}
    return TypedSearchAttributes([SearchAttributePair(key, value) for key, value in values.items()])


def attributes_at(stage: str, environment: str, status: str, next_at: datetime | None) -> list[SearchAttributeUpdate[Any]]:
    """What a release is found by from now on."""
    next_update = NEXT_AT.value_unset() if next_at is None else NEXT_AT.value_set(next_at)
    return [STAGE.value_set(stage[:_LONGEST]), ENVIRONMENT.value_set(environment), STATUS.value_set(status), next_update]
