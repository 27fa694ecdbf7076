"""How `--help` lists commands: in panels, those that people want first above."""

from typing import Any

from typer.core import TyperGroup

RELEASE, LOOK, SET_UP, CHANGE, RUN = "Release", "Look", "Set up", "Change", "Run processes"
ORDER = (RELEASE, LOOK, SET_UP, CHANGE, RUN)


class InPanels(TyperGroup):
    """Commands by panel, and within a panel as they were added."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in this order; one without a panel comes last."""
        panels = {name: getattr(self.commands[name], "rich_help_panel", None) for name in super().list_commands(ctx)}
        return sorted(panels, key=lambda name: ORDER.index(panels[name]) if panels[name] in ORDER else len(ORDER))


def with_examples(sentence: str, *commands: str) -> str:
    """The help of a group: a sentence, and what can be typed, line by line."""
    return "\n".join([sentence, "", "\b", "Examples:" if len(commands) > 1 else "Example:", *commands])
