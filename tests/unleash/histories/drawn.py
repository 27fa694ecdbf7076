"""Drawn values: pipelines, faults, edits and controls. They never depend on earlier results, so that an example can be repeated."""

from typing import Any, NamedTuple

from hypothesis import strategies as st

from domain.releases.control import Control
from tests.pipelines import enable, rollout
from tests.unleash.histories.network import BROKEN, DIES, Fault

EDITS_MEANWHILE = ("switch on", "switch off", "add half", "add everyone", "change theirs", "disable theirs", "set 55 percent")
"""The edits that an attempt may meet. One that takes a strategy of ours away while it is being changed is a race that nobody can win."""

EDITS = (*EDITS_MEANWHILE, "delete theirs", "disable ours", "rename ours", "delete ours")
CONTROLS_MEANWHILE = (Control.PAUSE, Control.REMOVE, Control.ROLLBACK, Control.SKIP)


class Drawn(NamedTuple):
    """A stage: its environment, and the name of what it does."""

    environment: str
    does: str

    def actions(self, segment: str) -> list[dict[str, Any]]:
        """Return its actions."""
        return {
            "enables": [enable()],
            "disables": [enable(enabled=False)],
            "enables for the segment": [enable(segment)],
            "grows": [rollout(20, 40, "1h")],
            "grows for the segment first": [enable(segment), rollout(35, 65, "1h")],
            "ends": [enable(enabled=False) | {"overrides": "remove"}],
        }[self.does]


_DOES = ("enables", "enables", "disables", "enables for the segment", "grows", "grows for the segment first", "ends")
_calls = st.integers(1, 9)

environment = st.sampled_from(("development", "production"))
edit = st.sampled_from(EDITS)
edits = st.lists(st.tuples(edit, environment), max_size=3)
stages = st.lists(st.builds(Drawn, environment, st.sampled_from(_DOES)), min_size=1, max_size=4)
controls = st.sampled_from((*(each for each in Control if each not in (Control.APPROVE, Control.REJECT)), Control.RETRY, Control.ROLLBACK))


def _faults(*kinds: str) -> st.SearchStrategy[Fault | None]:
    return st.none() | st.builds(Fault, _calls, st.booleans(), st.sampled_from(kinds))


faults_of_workers = _faults(DIES, *BROKEN)
faults = _faults(DIES, DIES, *BROKEN) | _faults(*EDITS_MEANWHILE, *CONTROLS_MEANWHILE)
