"""The stages that a stop or a freeze would hold back."""

from datetime import datetime, timedelta

from domain.pipelines.freeze import Freeze
from domain.pipelines.pipeline import PipelineDefinition, Stage
from domain.releases.reach import ComingStage, stages_held
from domain.releases.status import ReleaseStatus
from tests.domain.records import DEFINITION, a_release
from tests.pipelines import pipeline, rollout, stage
from tests.world import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def _in_production(held: Stage, _at: datetime | None) -> bool:
    return held.environment == "production"


def test_stages_that_acted_already_are_not_held_back_and_later_ones_have_their_time() -> None:
    release = a_release(1, acts_at=NOW + HOUR)

    held = stages_held(release, DEFINITION, NOW, (), _in_production)

    assert held[:2] == [ComingStage("Beta", "production", NOW + HOUR), ComingStage("Everyone", "production", NOW + HOUR + DAY)]
    assert "Development" not in [each.name for each in held]


def test_only_stages_that_act_in_a_period_are_held_back_by_it() -> None:
    release = a_release(1, acts_at=NOW + HOUR)
    period = Freeze(id="f", name="Friday", starts_at=NOW + DAY, ends_at=NOW + 2 * DAY, made_by="olivia")

    held = stages_held(release, DEFINITION, NOW, (), lambda stage, at: at is not None and period.holds(stage.environment, at))

    assert held == [ComingStage("Everyone", "production", NOW + HOUR + DAY)]


def test_a_later_step_of_a_rollout_is_held_back_although_the_first_one_is_not() -> None:
    definition = PipelineDefinition.model_validate(pipeline(stage("Production", "production", actions=[rollout(every="1d")])))
    release = a_release(0, acts_at=NOW, stage="Production", environment="production")

    held = stages_held(release, definition, NOW, (), lambda _stage, at: at is not None and at >= NOW + DAY)

    assert held == [ComingStage("Production", "production", NOW + DAY)]


def test_times_take_account_of_the_freezes_that_exist() -> None:
    exists = Freeze(id="f", name="Now", starts_at=NOW, ends_at=NOW + 3 * DAY, made_by="olivia")

    [beta, *_] = stages_held(a_release(1, acts_at=NOW + HOUR), DEFINITION, NOW, (exists,), _in_production)

    assert beta.acts_at == NOW + 3 * DAY


def test_stages_have_no_time_while_a_person_has_to_decide() -> None:
    release = a_release(2, status=ReleaseStatus.PAUSED, acts_at=None)

    held = stages_held(release, DEFINITION, NOW, (), _in_production)

    assert held[0] == ComingStage("Everyone", "production", None)
