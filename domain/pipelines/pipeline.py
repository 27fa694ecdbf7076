"""Pipelines: named, ordered lists of stages, in versions that never change after publishing."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from domain.entity_tag import entity_tag
from domain.errors import Conflict, DraftExists, Invalid, NotADraft, PipelineArchived, Problem
from domain.flags.allocation import Allocation
from domain.flags.patch import FlagPatch
from domain.flags.patch_text import patch_in_words
from domain.model import Frozen, Moment
from domain.pipelines.action import Action, ShipWinner, WithAllocation, blanks
from domain.pipelines.experiment import ExperimentGate
from domain.pipelines.fold import fold, ramped_in
from domain.pipelines.gate import MOST_GATES, ApprovalGate, Gate, approval_among
from domain.pipelines.guardrail import MOST_GUARDRAILS, Guardrail
from domain.pipelines.parameter import MOST_PARAMETERS, Parameter, Parameters
from domain.pipelines.ramp import Ramp
from domain.pipelines.trigger import Trigger
from domain.text import Description, Name, Slug, did_you_mean

MOST_STAGES = 30
LARGEST_DEFINITION = 64 * 1024
"""In bytes of JSON."""

OnConflict = Literal["block", "overwrite"]


class Stage(Frozen):
    """One step of a pipeline, in one environment. Without actions it is a hold."""

    name: Name
    description: Description = ""
    environment: Slug
    trigger: Trigger
    gates: tuple[Gate, ...] = Field(default=(), max_length=MOST_GATES)
    actions: tuple[Action, ...] = Field(default=(), max_length=20)

    @property
    def is_hold(self) -> bool:
        """True if the stage only waits, or requires approval."""
        return not self.actions

    @property
    def approval(self) -> ApprovalGate | None:
        """The approval gate, if there is one."""
        return approval_among(self.gates)

    @property
    def ramp(self) -> Ramp | None:
        """The steps in which it changes the flag, if it has more than one change to make."""
        ramped = ramped_in(self.actions)
        return ramped.ramp if ramped else None

    @property
    def ramps_winner(self) -> bool:
        """True if its steps ship the winner of an experiment."""
        return isinstance(ramped_in(self.actions), ShipWinner)

    @property
    def allocations(self) -> list[Allocation]:
        """The allocations that its actions set."""
        return [action.allocation for action in self.actions if isinstance(action, WithAllocation)]

    @property
    def variants(self) -> list[str]:
        """The variants that its actions and its experiment name, each once."""
        experiments = (gate for gate in self.gates if isinstance(gate, ExperimentGate))
        return list(dict.fromkeys(key for keys in (*self.allocations, *(gate.variants for gate in experiments)) for key in keys))

    @property
    def steps(self) -> int:
        """The number of changes that it makes, one after the other; a hold makes none in its only step."""
        return len(self.ramp.shares) if self.ramp else 1

    def patch(self, parameters: Parameters, step: int = 1) -> FlagPatch:
        """Return its change in one step, as one patch."""
        return fold(self.actions, parameters, step)

    def step_in_words(self, parameters: Parameters, step: int = 1) -> str:
        """Describe its change in one step for people."""
        return "hold" if self.is_hold else patch_in_words(self.patch(parameters, step))

    def in_words(self, given: Parameters | None = None) -> str:
        """Describe it for people; a parameter without a value is shown by its name."""
        change = self.step_in_words(blanks(given)) + (self.ramp.growth_in_words() if self.ramp else "")
        return "; ".join([change, *(gate.in_words() for gate in self.gates)])


class PipelineDefinition(Frozen):
    """The document that people write: everything about a pipeline version except its number and status."""

    key: Slug
    name: Name
    description: Description = ""
    on_conflict: OnConflict = "block"
    parameters: dict[Slug, Parameter] = Field(default={}, max_length=MOST_PARAMETERS)
    stages: tuple[Stage, ...] = Field(default=(), max_length=MOST_STAGES)
    guardrails: tuple[Guardrail, ...] = Field(default=(), max_length=MOST_GUARDRAILS, exclude_if=lambda guardrails: not guardrails)

    def index_of(self, stage: str) -> int | None:
        """Return the index of the stage of that name, ignoring case."""
        names = [each.name.casefold() for each in self.stages]
        return names.index(stage.casefold()) if stage.casefold() in names else None

    def watched_by(self, stage: str) -> list[str]:
        """Describe the guardrails that are in force while a flag is in that stage."""
        return [guardrail.in_words() for guardrail in self.guardrails if guardrail.watches(stage)]

    def copied(self, key: str | None, name: str | None) -> "PipelineDefinition":
        """Return a copy, with that key and name if they are given."""
        return self.model_copy(update={"key": key or self.key, "name": name or self.name})


def stage_to_restart(stages: tuple[Stage, ...], visited: range, name: str) -> int:
    """Return the index of the stage of that name. Raises Invalid if it is not among those that the release has visited."""
    for index in visited:
        if stages[index].name.casefold() == name.casefold():
            return index
    names = [stages[index].name for index in visited]
    through = ", ".join(f"'{each}'" for each in names)
    message = f"The release can't be restarted from '{name}': it has visited {through}.{did_you_mean(name, names)}"
    raise Invalid(message, problems=(Problem(pointer="/stage", code="not_found", message=message),))


def environments_ahead(stages: tuple[Stage, ...], index: int) -> list[str]:
    """Return the environments for which a release needs its own right from that stage on, in order.

    A hold touches no environment. A stage that requires approval acts by the rights of those who approve it.
    """
    return list(dict.fromkeys(stage.environment for stage in stages[index:] if not stage.is_hold and stage.approval is None))


class PipelineStatus(StrEnum):
    """The status of a pipeline version."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class Pipeline(Frozen):
    """One version of a pipeline."""

    id: str
    version: int
    revision: int
    status: PipelineStatus
    published_at: Moment | None = None
    published_by: str | None = None
    definition: PipelineDefinition

    @property
    def etag(self) -> str:
        """The entity tag of the version. It changes when the version is replaced, published or archived."""
        return entity_tag(self.id, self.revision, self.status)

    def published(self, at: datetime, by: str) -> "Pipeline":
        """Return the version as published."""
        return self.model_copy(update={"status": PipelineStatus.PUBLISHED, "published_at": at, "published_by": by})

    def check_is_draft(self) -> None:
        """Raise NotADraft if the version was published, even if it is archived now."""
        if self.status is not PipelineStatus.DRAFT:
            raise NotADraft(f"Version {self.version} of '{self.definition.key}' is {self.status} and can't be changed: clone it instead.")

    def check_may_become(self, definition: PipelineDefinition) -> None:
        """Raise Conflict if the definition would move a later version to a new key."""
        if self.version > 1 and definition.key != self.definition.key:
            message = f"Version {self.version} must keep the key '{self.definition.key}': to use a new key, clone it onto that."
            raise Conflict(message, problems=(Problem(pointer="/key", code="belongs_to_its_key", message=message),))

    def check_not_archived(self, pointer: str | None = None) -> None:
        """Raise PipelineArchived if it is archived. The pointer leads to the field of the request that names it."""
        if self.status is PipelineStatus.ARCHIVED:
            message = f"'{self.definition.key}' is archived: use another pipeline, or clone it onto a new key."
            problems = (Problem(pointer=pointer, code=PipelineArchived.code(), message=message),) if pointer else ()
            raise PipelineArchived(message, problems=problems)


def next_version(versions: Iterable[Pipeline]) -> int:
    """Return the number of the next version of a key, given its versions. Raises PipelineArchived or DraftExists."""
    newest_first = sorted(versions, key=lambda each: each.version, reverse=True)
    for each in newest_first:
        each.check_not_archived()
    newest = newest_first[0]
    if newest.status is PipelineStatus.DRAFT:
        message = f"'{newest.definition.key}' already has a draft, version {newest.version} ({newest.id}): publish or delete it first."
        raise DraftExists(message, draft=newest.id, version=newest.version)
    return newest.version + 1
