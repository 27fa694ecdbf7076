"""Rules that log their calls, because hypothesis does not print the steps of an example that it can't repeat."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol

from hypothesis import stateful
from hypothesis.strategies import SearchStrategy


class Logging(Protocol):
    """An object with a list of its steps."""

    steps: list[str]


def rule(**drawn: SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare a rule of hypothesis that logs its calls."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def logged(machine: Logging, **values: Any) -> None:
            machine.steps.append(f"{function.__name__}({', '.join(f'{name}={value}' for name, value in values.items())})")
            function(machine, **values)

        rule_of: Callable[[Callable[..., None]], Callable[..., None]] = stateful.rule(**drawn)  # type: ignore[call-overload]  # It has parameters that are no draws.
        return rule_of(logged)

    return decorate
