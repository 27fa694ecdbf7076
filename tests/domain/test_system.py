"""The condition of the system: no outage, a delay, or an outage."""

from datetime import timedelta

import pytest

from domain.system import LATELY, Lateness, SystemCondition, TemporalStatus, WorkerSeen, judge
from tests.world import NOW

UP = TemporalStatus(reachable=True, version="1.32.0")
ON_TIME, LATE = Lateness(), Lateness(overdue=2, worst=timedelta(minutes=3))
MOMENT = timedelta(microseconds=1)


def staffed(*ages: timedelta) -> TemporalStatus:
    return UP.model_copy(update={"workers": tuple(WorkerSeen(identity=f"{n}@a", seen_at=NOW - age) for n, age in enumerate(ages))})


VERDICTS: dict[str, tuple[TemporalStatus, Lateness, SystemCondition, str]] = {
    "nothing is wrong": (
        staffed(LATELY - MOMENT, timedelta()),
        ON_TIME,
        SystemCondition.OK,
        "No outage: 2 workers were seen recently, the last 0 s ago, and nothing is overdue.",
    ),
    "one worker is enough": (staffed(timedelta()), ON_TIME, SystemCondition.OK, "No outage: a worker was seen 0 s ago, and nothing"),
    "releases are late": (
        staffed(timedelta(seconds=43), LATELY),
        LATE,
        SystemCondition.DELAYED,
        "A delay: 2 releases are overdue, by up to 3 min. A worker was seen 43 s ago: workers may be stuck or overloaded",
    ),
    "no worker was ever seen": (UP, ON_TIME, SystemCondition.NO_WORKER, "An outage: no worker has polled Temporal recently"),
    "all workers are gone": (staffed(LATELY), LATE, SystemCondition.NO_WORKER, "2 releases are overdue, by up to 3 min."),
    "all workers are of another build": (
        UP.model_copy(update={"workers": (WorkerSeen(identity="1@a", seen_at=NOW, gets_work=False),)}),
        ON_TIME,
        SystemCondition.NO_WORKER,
        "An outage: workers poll, but Temporal gives none of them work",
    ),
    "a worker of another build is not counted": (
        UP.model_copy(
            update={"workers": (WorkerSeen(identity="1@a", seen_at=NOW, gets_work=False), *staffed(timedelta(seconds=9)).workers)}
        ),
        ON_TIME,
        SystemCondition.OK,
        "No outage: a worker was seen 9 s ago, and nothing is overdue.",
    ),
    "Temporal is down": (TemporalStatus(), LATE, SystemCondition.TEMPORAL_UNAVAILABLE, "An outage: Temporal can't be reached"),
    "Temporal is down and nothing is due": (TemporalStatus(), ON_TIME, SystemCondition.TEMPORAL_UNAVAILABLE, "Nothing is overdue yet."),
    "one release is late": (
        TemporalStatus(),
        Lateness(overdue=1, worst=timedelta(hours=1)),
        SystemCondition.TEMPORAL_UNAVAILABLE,
        "1 release is overdue",
    ),
}


@pytest.mark.parametrize(("temporal", "lateness", "condition", "words"), VERDICTS.values(), ids=VERDICTS)
def test_the_message_distinguishes_an_outage_from_a_wait(
    temporal: TemporalStatus, lateness: Lateness, condition: SystemCondition, words: str
) -> None:
    verdict = judge(temporal, lateness, NOW)

    assert verdict.condition is condition
    assert words in verdict.message
