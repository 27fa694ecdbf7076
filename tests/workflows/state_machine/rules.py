"""Rules that are noted when they are carried out: what can't be repeated hypothesis would not tell."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol

from hypothesis import stateful
from hypothesis.strategies import SearchStrategy


class Noting(Protocol):
    """What keeps a list of what it did."""

    steps: list[str]


def rule(**drawn: SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Hypothesis's own, and noted."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def noted(machine: Noting, **values: Any) -> None:
            machine.steps.append(f"{function.__name__}({', '.join(f'{name}={value}' for name, value in values.items())})")
            function(machine, **values)

        rule_of: Callable[[Callable[..., None]], Callable[..., None]] = stateful.rule(**drawn)  # type: ignore[call-overload]  # It has parameters that are no draws.
        return rule_of(noted)

    return decorate
