"""Tables of the benchmarks on a Temporal cluster."""

from typing import Any

from benchmarks.markdown import COSTS, in_words, table


def cluster(results: dict[str, Any]) -> str:
    """Return the table of stages and added flags per second on a cluster, and of the processor time of its parts."""
    rows = []
    for kind, process, words in (("changes", "worker", "stages"), ("adds", "API", "added flags")):
        for count, each in results[kind].items():
            where = f"{words}, one machine" if count == "one machine" else f"{words}, cluster, {count} × {process}"
            costs = [f"{each[name]['median']:,.1f}" if name in each else "" for name in _PARTS]
            rows.append([where, in_words(each["per_second"], 1), *costs, f"{each['busy_cores']['median']:.2f}"])
    return table(["measured", "per second", *_PARTS.values(), "busy cores"], rows)


_PARTS = {"workers": "workers, ms", "temporal": "Temporal, ms", "postgresql": "PostgreSQL, ms", "api": "APIs, ms", "client": "client, ms"}


def cluster_asleep(results: dict[str, Any]) -> str:
    """Return the tables of lateness on a cluster, and of the costs and the memory with ever more releases asleep."""
    late = []
    for case, words in (("ten_per_second", "ten per second"), ("same_second", "all in the same second")):
        for where, found in results["lateness"].items():
            each = found[case]
            number = f"{found['rounds']} × {each['changes_per_round']}"
            late.append([words, number, where, in_words(each["p50_ms"]), in_words(each["p99_ms"]), f"{each['max_ms']:,}"])
    rows = []
    for level, each in results["levels"].items():
        costs = [f"{each[name]['p50_ms']['median']:.1f} / {each[name]['p99_ms']['median']:.1f}" for name in COSTS]
        memory = [f"{_largest(each['memory'], name) / 1e6:,.0f}" for name in _PROCESSES]
        rows.append([f"{int(level):,}", *costs, *memory])
    room = ", ".join(f"{size / 1000:,.1f} KB of `{name}`" for name, size in results["bytes_per_release"].items())
    head = ["asleep", *(f"{words}, p50 / p99 ms" for words in COSTS.values()), *(f"{words}, MB" for words in _PROCESSES.values())]
    lateness_head = ["due", "changes", "where", "p50, ms", "p99, ms", "maximum, ms"]
    return f"{table(lateness_head, late)}\n\n{table(head, rows)}\n\nOne release asleep takes {room}."


_PROCESSES = {
    "worker": "largest worker",
    "api": "larger API",
    "temporal-frontend": "frontend",
    "temporal-history": "larger history",
    "temporal-matching": "matching",
}


def _largest(memory: dict[str, int], name: str) -> int:
    return max(size for process, size in memory.items() if process.startswith(name))
