"""Groups of commands, and the panels in which `--help` lists them."""

from typing import Any

import typer
from typer.core import TyperGroup

from api.cli.conversion import convert_if_necessary

RELEASE, LOOK, SET_UP, CHANGE, RUN = "Release", "Look", "Set up", "Change", "Run processes"
ORDER = (RELEASE, LOOK, SET_UP, CHANGE, RUN)
"""The most used panels first."""


class PanelGroup(TyperGroup):
    """A group that lists its commands by panel, and within a panel in the order in which they were added."""

    def get_params(self, ctx: Any) -> Any:
        """Return the group's options. Their values are converted only if necessary."""
        return convert_if_necessary(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in that order. Commands without a panel come last."""
        panels = {name: getattr(self.commands[name], "rich_help_panel", None) for name in super().list_commands(ctx)}
        return sorted(panels, key=lambda name: ORDER.index(panels[name]) if panels[name] in ORDER else len(ORDER))


def command_group(sentence: str, *examples: str, cls: type[PanelGroup] = PanelGroup) -> typer.Typer:
    """Return an empty group whose help is a sentence and a list of commands to type."""
    help_text = "\n".join([sentence, "", "\b", "Examples:" if len(examples) > 1 else "Example:", *examples])
    return typer.Typer(help=help_text, no_args_is_help=True, cls=cls)
