"""The state of the system as a whole: a wait, a delay or an outage."""

from datetime import timedelta

import pytest

from domain.system import LATELY, Condition, Lateness, Temporal, WorkerSeen, judge
from tests.world import NOW

UP = Temporal(reachable=True, version="1.32.0")
ON_TIME, LATE = Lateness(), Lateness(overdue=2, worst=timedelta(minutes=3))
MOMENT = timedelta(microseconds=1)


def staffed(*ages: timedelta) -> Temporal:
    return UP.model_copy(update={"workers": tuple(WorkerSeen(identity=f"{n}@a", seen_at=NOW - age) for n, age in enumerate(ages))})


VERDICTS: dict[str, tuple[Temporal, Lateness, Condition, str]] = {
    "all is well": (
        staffed(LATELY - MOMENT, timedelta()),
        ON_TIME,
        Condition.OK,
        "No outage: 2 workers were seen lately, the last 0 s ago, and nothing is overdue.",
    ),
    "one worker is enough": (staffed(timedelta()), ON_TIME, Condition.OK, "No outage: a worker was seen 0 s ago, and nothing"),
    "it is slow": (
        staffed(timedelta(seconds=43), LATELY),
        LATE,
        Condition.DELAYED,
        "A delay: 2 releases are overdue, the latest by 3 min. A worker was seen 43 s ago: it may hang or have died since",
    ),
    "nobody was ever there": (UP, ON_TIME, Condition.NO_WORKER, "An outage: no worker has asked Temporal for work lately"),
    "they have gone": (staffed(LATELY), LATE, Condition.NO_WORKER, "2 releases are overdue, the latest by 3 min."),
    "Temporal is down": (Temporal(), LATE, Condition.TEMPORAL_UNAVAILABLE, "An outage: Temporal can't be reached"),
    "Temporal is down at night": (Temporal(), ON_TIME, Condition.TEMPORAL_UNAVAILABLE, "Nothing is overdue yet."),
    "one is late": (Temporal(), Lateness(overdue=1, worst=timedelta(hours=1)), Condition.TEMPORAL_UNAVAILABLE, "1 release is overdue"),
}


@pytest.mark.parametrize(("temporal", "lateness", "condition", "words"), VERDICTS.values(), ids=VERDICTS)
def test_a_sentence_tells_an_outage_from_a_wait(temporal: Temporal, lateness: Lateness, condition: Condition, words: str) -> None:
    verdict = judge(temporal, lateness, NOW)

    assert verdict.condition is condition
    assert words in verdict.message
