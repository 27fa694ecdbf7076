"""The message between the workflow of a release and the watch of its stage."""

from activities.messages import ReleaseCommand
from domain.model import Moment
from domain.pipelines.gate import Gate, SampledGate
from domain.pipelines.guardrail import Guardrail


class WatchStage(ReleaseCommand):
    """Sample the guardrails and gates of a stage until the release has left it."""

    project: str
    feature: str
    visit: int
    stage: str
    environment: str
    entered_at: Moment
    gates: tuple[Gate, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()

    @property
    def sampled_gates(self) -> list[SampledGate]:
        """The gates that sample something."""
        return [gate for gate in self.gates if isinstance(gate, SampledGate)]
