"""Saved measurements with machine, versions and date, and statistics over several rounds."""

import json
import os
import platform
import statistics
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from tests.binaries import TEMPORAL

RESULTS = Path(__file__).parent / "results.json"


def spread(rounds: list[float], digits: int = 2) -> dict[str, float]:
    """Return the median of all rounds, the least and the most."""
    return {
        "median": round(statistics.median(rounds), digits),
        "least": round(min(rounds), digits),
        "most": round(max(rounds), digits),
    }


def percentile(values: list[float], percent: float) -> float:
    """Return the value that this percentage of the values does not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))]


def about_this_run() -> dict[str, Any]:
    """Return what the numbers depend on besides the code."""
    temporal = subprocess.run([TEMPORAL, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "load": round(os.getloadavg()[1], 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "temporalio": version("temporalio"),
        "temporal": temporal.removeprefix("temporal version "),
        "sqlalchemy": version("sqlalchemy"),
        "flaghoist": commit or version("flaghoist"),
    }


def about_simulation() -> dict[str, Any]:
    """Return what the numbers of a simulation depend on besides the code. The machine doesn't matter."""
    about = about_this_run()
    return {name: about[name] for name in ("date", "python", "flaghoist")} | {"numpy": version("numpy")}


def kept(path: Path = RESULTS) -> dict[str, Any]:
    """Return all saved results by the name of their benchmark."""
    results: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return results


def keep(name: str, results: dict[str, Any], run: dict[str, Any], path: Path = RESULTS) -> None:
    """Save the results of one benchmark in place of its last ones."""
    path.write_text(json.dumps(kept(path) | {name: results | {"run": run}}, indent=2) + "\n")
