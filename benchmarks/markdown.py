"""Parts of the tables in docs/performance.md."""

from collections.abc import Iterable
from typing import Any

Cells = Iterable[str]

COSTS = {
    "add": "add",
    "baseline_start": "`start_workflow`",
    "list": "list 50",
    "show": "show the pipeline",
    "remove": "remove",
}
"""The calls whose costs are measured with ever more releases asleep."""


def table(head: Cells, rows: Iterable[Cells]) -> str:
    """Return a table in Markdown."""
    lines = [head := list(head), ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def in_words(spread: dict[str, float], digits: int = 0) -> str:
    """Return a median with the least and the most."""
    least, median, most = (f"{spread[each]:,.{digits}f}" for each in ("least", "median", "most"))
    return median if least == most else f"{median} ({least} to {most})"


def about_run(run: dict[str, Any]) -> str:
    """Return when and on which machine it was measured, with which versions, and a note if there is one."""
    machine = f"{run['cores']} cores, {run['memory_gb']} GB, Linux {run['kernel']}, load {run['load']} before"
    software = f"Python {run['python']}, temporalio {run['temporalio']}, Temporal {run['temporal']}, SQLAlchemy {run['sqlalchemy']}"
    return " ".join([f"Measured {run['date']} at {run['flaghoist']}: {machine}; {software}.", *([run["note"]] if "note" in run else [])])


def between(page: str, name: str, text: str) -> str:
    """Return a page with another text between the marks of a name."""
    before, mark, rest = page.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"\n<!-- /{name} -->")
    if not end:
        raise ValueError(f"The page has no place for the table '{name}'")
    return before + mark + text + end + after
