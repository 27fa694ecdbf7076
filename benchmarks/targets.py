"""The targets, and whether the results meet them."""

from collections.abc import Callable
from typing import Any, NamedTuple

_TO_NOTHING = "stages per second, to a baseline workflow that does nothing"
_BURST = "lateness of 300 due in one second, p99 ms"
_RECOVERY = "recovery of 1,000 overdue, s"
_CPU = "CPU of worker and Temporal per stage, ms"


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


def _growth(name: str, percentile: str, since: int, of: str = "scaling") -> Callable[[dict[str, Any]], float]:
    """Return a figure: the cost at the last level as a multiple of the cost at the given one."""

    def figure(results: dict[str, Any]) -> float:
        levels = results[of]["levels"]
        costs = [levels[level][name][percentile]["median"] for level in (str(since), list(levels)[-1])]
        return float(costs[1] / costs[0])

    return figure


def _ratio(clients: int, percentile: str) -> Callable[[dict[str, Any]], float]:
    return lambda results: float(results["adding"][f"clients_{clients}"][f"{percentile}_ratio"]["median"])


def _cost(name: str, of: str = "ratio", on: str = "costs") -> Callable[[dict[str, Any]], float]:
    return lambda results: float(results[on]["figures"][name][of])


def _changes(name: str, database: str) -> Callable[[dict[str, Any]], float]:
    return lambda results: float(results["changes"]["databases"][database][name])


def _served(size: int) -> Callable[[dict[str, Any]], float]:
    return lambda results: float(results["evaluation"][f"identities/ {size}"]["ratio"])


def _watched(name: str) -> Callable[[dict[str, Any]], float]:
    return lambda results: float(results["watching"][name])


def _watching_cpu(process: str) -> Callable[[dict[str, Any]], float]:
    return lambda results: float(results["watching"]["cpu_percent"][process])


def _page(name: str) -> Callable[[dict[str, Any]], float]:
    def figure(results: dict[str, Any]) -> float:
        found = results["dashboard"][name]
        return float(found["median"] if isinstance(found, dict) else found)

    return figure


TARGETS = (
    Target("stages per second, to build 02cfa8d: at least 1.8", _cost("stages per second"), 1.8),
    Target("the same on PostgreSQL, to build 02cfa8d", _cost("stages per second", on="costs_on_postgresql"), 1.8),
    Target("stages per second, to a baseline workflow that does nothing: at least 0.85", _cost(_TO_NOTHING, "this"), 0.85),
    Target("the same, to a baseline workflow with the same transaction: at least 0.8", lambda r: _stages(r, "same transaction"), 0.8),
    Target("300 due in one second, lateness p99, to build 02cfa8d: at most 0.65", _cost(_BURST), most=0.65),
    Target("lateness at ten per second, p99 in seconds: below 1", lambda r: _late(r) / 1000, most=1),
    Target("1,000 overdue until completed, to build 02cfa8d: at most 0.65", _cost(_RECOVERY), most=0.65),
    Target("events per stage, due at once: at most 6", _cost("events per stage, due at once", "this"), most=6),
    Target("bytes of history per stage, due at once: at most 1,700", _cost("bytes of history per stage, due at once", "this"), most=1_700),
    Target("events per stage, with waits: at most 9", _cost("events per stage, with waits", "this"), most=9),
    Target("bytes of history per stage, with waits: at most 2,200", _cost("bytes of history per stage, with waits", "this"), most=2_200),
    Target("CPU of worker and Temporal per stage, to build 02cfa8d: at most 0.55", _cost(_CPU), most=0.55),
    Target("statements in the transaction of a change: at most 10", _changes("statements", "SQLite"), most=10),
    Target("the same on PostgreSQL", _changes("statements", "PostgreSQL"), most=10),
    Target("stale answers of the process that answered a change, SQLite: none", _changes("stale", "SQLite"), most=0),
    Target("the same on PostgreSQL", _changes("stale", "PostgreSQL"), most=0),
    Target("a change, until another process serves it, SQLite, p99 in ms: below 100", _changes("p99_ms", "SQLite"), most=100),
    Target("the same on PostgreSQL", _changes("p99_ms", "PostgreSQL"), most=100),
    Target("memory of API and worker, idle, to build 02cfa8d: at most 0.8", _cost("idle API and worker, MB"), most=0.8),
    Target("adding over HTTP, to `start_workflow`, one client, p50: at most 2", _ratio(1, "p50"), most=2),
    Target("the same, twenty clients, p99: at most 1.5", _ratio(20, "p99"), most=1.5),
    Target("adding at the last level of scaling, to adding at 10, p50: at most 1.2", _growth("add", "p50_ms", 10), most=1.2),
    Target("listing at the last level of scaling, to listing at 100, p99: at most 2", _growth("list", "p99_ms", 100), most=2),
    Target(
        "adding on a cluster with 50,000 asleep, to adding at 10, p50: at most 1.2",
        _growth("add", "p50_ms", 10, "cluster_asleep"),
        most=1.2,
    ),
    Target("listing there with 50,000 asleep, to listing at 10, p99: at most 2", _growth("list", "p99_ms", 10, "cluster_asleep"), most=2),
    Target("`identities/` with 10 flags, to a bare route: at least 0.7", _served(10), 0.7),
    Target("the same, 100 flags", _served(100), 0.7),
    Target("the same, 1,000 flags", _served(1_000), 0.7),
    Target("OFREP bulk with variants, to the same without: at least 0.8", lambda r: float(r["variants"]["ratio"]), 0.8),
    Target("the same, to the frontend API of Unleash: at least 3", lambda r: float(r["variants"]["to_unleash"]), 3),
    Target("stages per second through Unleash, to flags kept here: at least 0.5", lambda r: float(r["providers"]["ratio"]["median"]), 0.5),
    Target("a page of 1,000 features in Unleash, p99 in ms: below 300", lambda r: float(r["providers"]["list_p99_ms"]), most=300),
    Target("from harm to the former flag at an interval of 5 s, p99 in seconds: at most 10", _watched("restored_p99"), most=10),
    Target("the same while Temporal is down", _watched("without_temporal_p99"), most=10),
    Target("CPU of a worker that watches 1,000 releases every 30 s, in percent: at most 15", _watching_cpu("worker"), most=15),
    Target("the same, of Temporal: at most 5", _watching_cpu("temporal"), most=5),
    Target("HTML of the board, to the JSON that it shows: at most 1.5", _page("ratio"), most=1.5),
    Target("first paint of the board, ms: below 1,000", _page("first_paint_ms"), most=1_000),
    Target("a change in an open page, ms: below 1,000", _page("change_shown_ms"), most=1_000),
    Target("CPU of the API per change with 500 pages that follow, to none: at most 1.3", _page("streams_ratio"), most=1.3),
)


def _stages(results: dict[str, Any], workload: str) -> float:
    return float(results["stages"]["ratio"][workload]["median"])


def _late(results: dict[str, Any]) -> float:
    return float(results["lateness"]["ten_per_second"]["releases"]["p99_ms"]["median"])


def rows(results: dict[str, Any]) -> list[list[str]]:
    """Return a row for each target."""
    return [target.row(results) for target in TARGETS]
