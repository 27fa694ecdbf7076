"""The events that the code logs, read from its syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.repo.guide import ROOT

SOURCES = ("api", "workflows", "activities", "domain", "worker.py", "process_exit.py", "settings.py")
METHODS = {"debug", "info", "warning", "error", "exception", "critical"}


def logged_events() -> set[str]:
    """The name of each event that is written out in a call of the log."""
    return {name for path in _modules() for name in _first_arguments(path) if name is not None}


def modules_with_computed_events() -> set[str]:
    """The modules that log an event whose name is not written out in the call."""
    return {str(path.relative_to(ROOT)) for path in _modules() for name in _first_arguments(path) if name is None}


def _modules() -> Iterator[Path]:
    for source in SOURCES:
        path = ROOT / source
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def _first_arguments(path: Path) -> Iterator[str | None]:
    """The event of each call of the log; None if it is computed."""
    tree = ast.parse(path.read_text())
    aliases = {
        target.id
        for assignment in ast.walk(tree)
        if isinstance(assignment, ast.Assign) and any(_is_log_method(node) for node in ast.walk(assignment.value))
        for target in assignment.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and (_is_log_method(call.func) or (isinstance(call.func, ast.Name) and call.func.id in aliases)):
            first = call.args[0]
            yield first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _is_log_method(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in METHODS and isinstance(node.value, ast.Name) and node.value.id == "log"
