"""Writes the tables of docs/statistics.md from the saved results: `python -m benchmarks.proofs`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.markdown import between, table
from benchmarks.results import kept

PAGE = Path(__file__).parents[1] / "docs" / "statistics.md"
NAME = "experiments"
OFF = {"49 / 51": (49, 51), "48 / 52": (48, 52)}
"""True splits that are planned as 50 / 50."""


def same(results: dict[str, Any]) -> str:
    """Return the table of differences that were found though there are none."""
    rows = [[_metric(name), *(f"{each[method]:.1%}" for method in ("ours", "delta", "peeking"))] for name, each in results["same"].items()]
    return table(["metric", "Flaghoist", "the same with the delta method", "z-test at 5%"], rows)


def canary(results: dict[str, Any]) -> str:
    """Return the same table for 1% of the users."""
    rows = [[_metric(name), *(f"{each[method]:.1%}" for method in ("ours", "welch"))] for name, each in results["canary"].items()]
    return table(["metric", "Flaghoist", "the same with the variance of each arm"], rows)


def lifted(results: dict[str, Any]) -> str:
    """Return the table of the power and of the users that were needed."""
    rows = [
        [
            *(f"{each[name]:.0%}" for name in ("rate", "lift")),
            f"{each['fixed']:,}",
            *(f"{each[name]:.0%}" for name in ("power_at_fixed", "power_at_twice")),
            *(f"{each[name] / each['fixed']:.2f}" for name in ("median", "users")),
        ]
        for each in results["lifted"]
    ]
    found = ["found with as many users", "found with twice as many"]
    return table(["conversion", "lift", "users per arm of a fixed test", *found, "users when stopped, median", "mean"], rows)


def split(results: dict[str, Any]) -> str:
    """Return the table of the checks of the split."""
    rows = []
    for name, each in results["split"].items():
        median = f"{each['median']:,}" if name in OFF else ""
        runs = results["runs"]["same" if name in OFF else "split"]
        rows.append([name, f"{runs:,}", f"{each['at_any_look']:.3%}", f"{each['at_a_decision']:.3%}", median])
    return table(["true split", "runs", "found at any look", "found by chi-squared at the end", "users when found, median"], rows)


def _metric(name: str) -> str:
    return name if name == "log-normal" else f"conversion of {float(name):.0%}"


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {"same": same, "canary": canary, "lifted": lifted, "split": split}


def about(run: dict[str, Any]) -> str:
    """Return when it was simulated, and with which versions."""
    return f"Simulated {run['date']} at {run['flaghoist']}: Python {run['python']}, numpy {run['numpy']}."


def written(page: str, results: dict[str, Any]) -> str:
    """Return the page with every table replaced by that of the results. Everything else stays as it is."""
    for name, table_of in TABLES.items():
        page = between(page, name, table_of(results[NAME]))
    return between(page, "about", about(results[NAME]["run"]))


def write() -> None:
    """Write the page."""
    PAGE.write_text(written(PAGE.read_text(), kept()))


if __name__ == "__main__":
    write()
