"""Activities of a release without a record, as after a restore of the database."""

from temporalio.testing import ActivityEnvironment

from activities.messages import PutBack, RemovedByTemporal, Standing
from activities.rollback import RollbackActivities
from tests.activities.acting import TWO_STAGES, change, command_for, read_standing, record
from tests.elsewhere import nowhere
from tests.world import World

NOTHING = Standing(finished=True, status="terminated", sequence=0, stage_index=0, visit=0)


def test_every_activity_reports_a_missing_release_as_finished(shop: World) -> None:
    shop.publish(TWO_STAGES)
    known = shop.add()
    unknown = known.model_copy(update={"id": "00000000-0000-7000-8000-000000000000"})

    answers = [
        change(shop, command_for(shop, known).model_copy(update={"release": unknown.id})),
        record(shop, unknown, RemovedByTemporal(), sequence=0),
        ActivityEnvironment().run(
            RollbackActivities(shop.database, nowhere(shop.database)).put_back, PutBack(project="shop", release=unknown.id, sequence=0, n=1)
        ),
        read_standing(shop, unknown),
    ]

    assert answers == [NOTHING] * 4
    assert not shop.flag("development").enabled
