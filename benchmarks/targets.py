"""The targets, and whether the results meet them."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Target(NamedTuple):
    """A figure computed from the results, and its bounds."""

    words: str
    figure: Callable[[dict[str, Any]], float]
    least: float = 0
    most: float = float("inf")

    def row(self, results: dict[str, Any]) -> list[str]:
        """Return the target, the measured figure, and whether it is within the bounds."""
        try:
            measured = self.figure(results)
        except KeyError:
            return [self.words, "not measured", ""]
        return [self.words, f"{measured:,.2f}", "met" if self.least <= measured <= self.most else "**not met**"]


def _growth(name: str, percentile: str, since: int) -> Callable[[dict[str, Any]], float]:
    """Return a figure: the cost at the last level as a multiple of the cost at the given one."""

    def figure(results: dict[str, Any]) -> float:
        levels = results["scaling"]["levels"]
        costs = [levels[level][name][percentile]["median"] for level in (str(since), list(levels)[-1])]
        return float(costs[1] / costs[0])

    return figure


def _ratio(clients: int, percentile: str) -> Callable[[dict[str, Any]], float]:
    return lambda results: float(results["adding"][f"clients_{clients}"][f"{percentile}_ratio"]["median"])


TARGETS = (
    Target(
        "stages per second, to a baseline workflow with the same transaction: at least 0.8", lambda r: _stages(r, "same transaction"), 0.8
    ),
    Target("the same, to a baseline workflow that does nothing: at least 0.6", lambda r: _stages(r, "nothing"), 0.6),
    Target("lateness at ten per second, p99 in seconds: below 1", lambda r: _late(r) / 1000, most=1),
    Target("adding over HTTP, to `start_workflow`, one client, p50: at most 3", _ratio(1, "p50"), most=3),
    Target("the same, p99", _ratio(1, "p99"), most=3),
    Target("the same, twenty clients, p50", _ratio(20, "p50"), most=3),
    Target("the same, p99", _ratio(20, "p99"), most=3),
    Target("adding at the last level of scaling, to adding at 10, p50: at most 1.2", _growth("add", "p50_ms", 10), most=1.2),
    Target("listing at the last level of scaling, to listing at 100, p99: at most 2", _growth("list", "p99_ms", 100), most=2),
)


def _stages(results: dict[str, Any], workload: str) -> float:
    return float(results["stages"]["ratio"][workload]["median"])


def _late(results: dict[str, Any]) -> float:
    return float(results["lateness"]["ten_per_second"]["releases"]["p99_ms"]["median"])


def rows(results: dict[str, Any]) -> list[list[str]]:
    """Return a row for each target."""
    return [target.row(results) for target in TARGETS]
