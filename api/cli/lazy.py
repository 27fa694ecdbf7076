"""Imports on demand: `flaghoist` loads only the modules that the typed command needs, so that it starts fast."""

import importlib
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand

from api.cli.conversion import QuickCommand
from api.cli.help_panels import PanelGroup


class LazyModule(ModuleType):
    """A stand-in for a module, which is imported when one of its attributes is first read."""

    def __getattr__(self, attribute: str) -> Any:
        """Read an attribute of the module."""
        value = getattr(importlib.import_module(self.__name__), attribute)
        setattr(self, attribute, value)
        return value


def leave_out(module: str) -> None:
    """Make imports of an optional module fail in this process."""
    sys.modules.setdefault(module, None)  # type: ignore[arg-type]  # the documented way


class Entry(NamedTuple):
    """A row in a table of commands: `module:attribute` of the function or group, its panel and its short help."""

    target: str
    panel: str
    help: str


class LazyCommand(TyperCommand):
    """A command or group that `--help` and completion list without importing it."""

    def __init__(self, name: str, entry: Entry) -> None:
        super().__init__(name, help=entry.help, rich_help_panel=entry.panel)
        self.entry = entry

    def load(self) -> Any:
        """Import the command or group and return it."""
        module, attribute = self.entry.target.split(":")
        target = getattr(importlib.import_module(module), attribute)
        parent = typer.Typer(cls=PanelGroup)
        if isinstance(target, typer.Typer):
            for command in target.registered_commands:
                command.cls = QuickCommand
            parent.add_typer(target, name=self.name, rich_help_panel=self.entry.panel)
        else:
            parent.command(self.name, cls=QuickCommand, rich_help_panel=self.entry.panel)(target)
        return typer.main.get_group(parent).commands[str(self.name)]

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Parse the typed words with the imported command. Groups then run the command of this context."""
        return self.load().make_context(*arguments, **options)


def lazy_group(table: Mapping[str, Entry]) -> type[PanelGroup]:
    """Return a class of group that has these commands besides its own."""

    class LazyGroup(PanelGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.commands.update({name: LazyCommand(name, entry) for name, entry in table.items()})

    return LazyGroup
