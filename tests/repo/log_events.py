"""The events that the code logs, read from its syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.repo.guide import ROOT

SOURCES = ("api", "workflows", "activities", "domain", "worker.py", "process_exit.py", "settings.py")
METHODS = {"debug", "info", "warning", "error", "exception", "critical"}


def logged_events() -> set[str]:
    """Return the name of each event. Raise ValueError for a name that can't be read from the source."""
    return {event for path in _modules() for event in _events_of(path)}


def _modules() -> Iterator[Path]:
    for source in SOURCES:
        path = ROOT / source
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def _events_of(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    assigned = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    aliases = {name for name, value in assigned.items() if any(_is_log_method(node) for node in ast.walk(value))}
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and (_is_log_method(call.func) or (isinstance(call.func, ast.Name) and call.func.id in aliases)):
            try:
                yield from _names_in(call.args[0], assigned)
            except ValueError as error:
                raise ValueError(f"{path.relative_to(ROOT)}:{call.lineno} {error}") from error


def _names_in(event: ast.expr, assigned: dict[str, ast.expr]) -> Iterator[str]:
    """Yield a literal, or each value of a dictionary of literals from which the event is taken."""
    table = assigned.get(event.value.id) if isinstance(event, ast.Subscript) and isinstance(event.value, ast.Name) else None
    for node in table.values if isinstance(table, ast.Dict) else [event]:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            raise ValueError("logs an event whose name is computed: use a literal or a dictionary of literals")
        yield node.value


def _is_log_method(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in METHODS and isinstance(node.value, ast.Name) and node.value.id == "log"
