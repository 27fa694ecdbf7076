"""Conversion of typed values, without importing pydantic if no value needs it.

Typer converts every value with pydantic, which takes longer to import than everything else that most commands need.
This module builds on private parts of Typer, so pyproject.toml pins its minor version.
"""

from dataclasses import dataclass
from typing import Any

from typer._coercion import RuntimeParam, build_runtime_param
from typer.core import TyperCommand


@dataclass(frozen=True)
class QuickParam(RuntimeParam):
    """Returns texts and defaults as they are, and lets Typer convert everything else."""

    def _coerce_value(self, value: Any, param: Any, ctx: Any) -> Any:
        is_text = self.annotation is str and isinstance(value, str) and self.parameter_info.parser is None
        if is_text or (type(value) is self.annotation and value == param.default):
            return value
        return build_runtime_param(param.type_descriptor).coerce(value, param=param, ctx=ctx)


class QuickCommand(TyperCommand):
    """A command whose values are converted only if necessary."""

    def get_params(self, ctx: Any) -> Any:
        """Return the command's options and arguments, `--help` included."""
        return convert_if_necessary(super().get_params(ctx))


def convert_if_necessary(parameters: Any) -> Any:
    """Make these parameters convert their values only if necessary, and return them."""
    for parameter in parameters:
        if parameter._runtime_param is None:
            parameter._runtime_param = QuickParam(parameter.type_descriptor.parameter_info, parameter.type_descriptor.annotation)
    return parameters
