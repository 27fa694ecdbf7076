"""The parts of a pipeline in the model: stages with their gates and guardrails, and rollbacks."""

from typing import NamedTuple

from tests.workflows.state_machine.flag_model import Edit
from tests.workflows.state_machine.gate_model import ApprovalModel, WindowModel
from tests.workflows.state_machine.guard_model import CheckModel, ExperimentModel, GuardrailModel, MetricModel, Rule, SampledGate

ALLOWED = {
    "pause": {"starting", "running"},
    "resume": {"paused"},
    "advance": {"running"},
    "skip": {"running", "paused", "blocked"},
    "retry": {"blocked"},
    "restart": {"running", "paused", "blocked"},
    "rollback": {"starting", "running", "paused", "blocked", "completed", "removed", "terminated"},
    "remove": {"starting", "running", "paused", "blocked", "rolling_back"},
    "approve": {"starting", "running", "paused"},
    "reject": {"starting", "running", "paused"},
}
"""The statuses in which each control is allowed while nothing acts. Written by hand on purpose."""

Gates = tuple[WindowModel | ApprovalModel | SampledGate, ...]


class StageModel(NamedTuple):
    """A stage: its environment, its wait in minutes, the edit of each step (none for a hold), and its gates.

    One that ships the winner of an experiment has its share in each step instead.
    """

    environment: str
    wait: int
    edits: tuple[Edit, ...]
    at_launch: bool = False
    gates: Gates = ()
    guards: tuple[GuardrailModel, ...] = ()
    ships: tuple[float, ...] = ()

    @property
    def steps(self) -> int:
        """The number of its changes."""
        return len(self.edits) or len(self.ships)

    @property
    def has_experiment(self) -> bool:
        """True if it waits for an experiment."""
        return any(isinstance(gate, ExperimentModel) for gate in self.gates)

    @property
    def rules(self) -> dict[str, Rule]:
        """Everything that is sampled in it, by its key."""
        kinds = (MetricModel, CheckModel, ExperimentModel)
        sampled: dict[str, Rule] = {f"gate:{n}": gate for n, gate in enumerate(self.gates, start=1) if isinstance(gate, kinds)}
        return {guard.key: guard for guard in self.guards} | sampled

    @property
    def approval(self) -> ApprovalModel | None:
        """Its approval gate, if it has one."""
        return next((gate for gate in self.gates if isinstance(gate, ApprovalModel)), None)


class RollbackModel(NamedTuple):
    """A requested rollback: its first stage, whether it overrides changes by hand, and how the release had ended, if it had."""

    undoes_from: int
    force: bool
    ended: str | None
    at_once: bool = False
    """True if a guardrail requested it, and it was carried out at once."""
