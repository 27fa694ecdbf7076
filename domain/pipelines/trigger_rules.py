"""The rules that every trigger implements."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Self

from domain.errors import Problem
from domain.model import Frozen
from domain.pipelines.parameter import Parameter, Parameters


class TriggerRules(Frozen, ABC):
    """The rules of a trigger. Mark each trigger `@final`: mypy then names the rules that it lacks."""

    @property
    @abstractmethod
    def is_fixed_time(self) -> bool:
        """True if a stage waits for a point in time, which a pause does not move."""

    @property
    @abstractmethod
    def waits(self) -> bool:
        """True if time can pass between entering the stage and becoming due."""

    @property
    @abstractmethod
    def parameters(self) -> frozenset[str]:
        """The names of the parameters that it still needs before `due_at` can be computed."""

    @abstractmethod
    def due_at(self, entered_at: datetime, /) -> datetime:
        """Return when a stage entered at that time becomes due. That is never before it was entered.

        The workflow calls this on replay, so only the arguments may decide. Raises ValueError if a parameter is missing.
        """

    @abstractmethod
    def with_fixed_time(self, parameters: Parameters, /) -> Self:
        """Return the trigger with its point in time in UTC, so that a later change of a zone's rules does not move it."""

    @abstractmethod
    def publishing_problems(self, pointer: str, declared: Mapping[str, Parameter], now: datetime, /) -> Iterator[Problem]:
        """Yield each reason why a pipeline with this trigger can't be published. The pointer leads to the trigger."""

    @abstractmethod
    def binding_problems(self, stage: str, parameters: Parameters, now: datetime, /) -> Iterator[Problem]:
        """Yield a problem for each parameter whose value the trigger can't use. `stage` is the name of its stage."""

    @abstractmethod
    def note(self, entered_at: datetime, /) -> str | None:
        """Return a remark for the plan about a stage entered at that time, if one is needed."""

    @abstractmethod
    def in_words(self) -> str:
        """Describe it for people: `after 1 d`."""
