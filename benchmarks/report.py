"""Writes the tables of docs/performance.md from the saved results: `python -m benchmarks.report`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.cluster_tables import cluster, cluster_asleep
from benchmarks.markdown import COSTS, about_run, between, in_words, table
from benchmarks.results import kept
from benchmarks.targets import rows

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def stages(results: dict[str, Any]) -> str:
    """Return the table of stages per second and of the history per stage."""
    rates, ratios, history = results["per_second"], results["ratio"], results["history"]
    rows = []
    for workload, words in (
        ("releases", "releases"),
        ("same transaction", "baseline, same transaction"),
        ("nothing", "baseline, nothing"),
    ):
        ratio = in_words(ratios[workload], 2) if workload in ratios else ""
        events = f"{history[workload]['events'] / results['stages']:.1f}"
        size = f"{history[workload]['bytes'] / results['stages']:,.0f}"
        rows.append([words, in_words(rates[workload], 1), ratio, events, size])
    return table(["workload", "stages per second", "ratio of releases to it", "events per stage", "bytes of history per stage"], rows)


def lateness(results: dict[str, Any]) -> str:
    """Return the table of lateness."""
    rows = []
    for case, words in (("ten_per_second", "ten per second"), ("same_second", "all in the same second")):
        for workload, of in (("releases", "releases"), ("same transaction", "baseline, same transaction")):
            each = results[case][workload]
            number = f"{results['rounds']} × {results[case]['changes_per_round']}"
            rows.append([words, number, of, in_words(each["p50_ms"]), in_words(each["p99_ms"]), f"{each['max_ms']:,}"])
    return table(["due", "changes", "workload", "p50, ms", "p99, ms", "maximum, ms"], rows)


def adding(results: dict[str, Any]) -> str:
    """Return the table of adding a flag."""
    rows = []
    for clients in (1, 20):
        each = results[f"clients_{clients}"]
        for name in ("p50", "p99"):
            times = each[f"{name}_ms"]
            ratio = in_words(each[f"{name}_ratio"], 1)
            rows.append([str(clients), name, in_words(times["releases"], 1), in_words(times["baseline"], 1), ratio])
    return table(["clients", "percentile", "adding over HTTP, ms", "`start_workflow`, ms", "ratio"], rows)


def scaling(results: dict[str, Any]) -> str:
    """Return the table of the costs with ever more releases asleep, and the room that a release takes."""
    rows = []
    for level, each in results["levels"].items():
        costs = [f"{each[name]['p50_ms']['median']:.1f} / {each[name]['p99_ms']['median']:.1f}" for name in COSTS]
        memory = [f"{each['memory'][name] / 1e6:,.0f}" for name in ("worker", "api", "temporal")]
        rows.append([f"{int(level):,}", *costs, *memory])
    per_release = results["bytes_per_release"]
    flaghoist, temporal = (f"{per_release[name] / 1000:,.1f} KB" for name in ("flaghoist", "temporal"))
    room = f"One release asleep takes {flaghoist} of Flaghoist's database and {temporal} of Temporal's."
    head = ["asleep", *(f"{words}, p50 / p99 ms" for words in COSTS.values()), "worker, MB", "API, MB", "Temporal, MB"]
    return f"{table(head, rows)}\n\n{room}"


def recovery(results: dict[str, Any]) -> str:
    """Return the table of recovery."""
    ours, baseline = (in_words(results["seconds"][workload], 1) for workload in ("releases", "same transaction"))
    row = [f"{results['overdue']:,}", ours, baseline, in_words(results["ratio"], 2)]
    return table(["overdue", "releases, s", "baseline, same transaction, s", "ratio"], [row])


def evaluation(results: dict[str, Any]) -> str:
    """Return the table of serving flags."""
    rows = []
    for name, each in results.items():
        if name in ("run", "memory_bytes"):
            continue
        request, size = name.rsplit(" ", 1)
        numbers = [f"{each['per_second']:,.0f}", f"{each['median_ms']:.1f}", f"{each['p99_ms']:.1f}", f"{each['baseline_per_second']:,.0f}"]
        rows.append([request if request.startswith("OFREP") else f"`{request}`", f"{int(size):,}", *numbers, f"{each['ratio']:.2f}"])
    rows.sort(key=lambda row: (row[0].strip("`"), int(row[1].replace(",", ""))))
    return table(["request", "flags", "per second", "median, ms", "p99, ms", "baseline, per second", "ratio"], rows)


def variants(results: dict[str, Any]) -> str:
    """Return the table of serving variants, compared with the same flags without, and with Unleash."""
    names = {
        "with": f"OFREP bulk, {results['flags']} flags, {results['with_variants']} of them with variants",
        "without": "the same without variants",
        "unleash": "Unleash's `/api/frontend` with as many flags and variants",
    }
    cpu, rate = results["cpu_ms"], results["per_second"]
    rows = [[words, f"{rate[name]:,.0f}", f"{cpu[name]:.2f}", f"{cpu[name] / cpu['with']:.2f}"] for name, words in names.items()]
    return table(["request", "per second", "CPU of the server per request, ms", "to the first"], rows)


def costs(results: dict[str, Any]) -> str:
    """Return the table of two builds."""
    rows = [[name, *(f"{each[of]:,.2f}" for of in ("other", "this", "ratio"))] for name, each in results["figures"].items()]
    return table([f"median of {results['rounds']} rounds", results["other"], "this build", "ratio"], rows)


def workers(results: dict[str, Any]) -> str:
    """Return the table of two worker processes, compared with one, and of the processor time of each part of the stack."""
    rows = []
    for database, each in results["databases"].items():
        for count, figures in each["workers"].items():
            cpu = {name: figures[name]["median"] for name in ("workers", "temporal", "postgresql", "api", "client")}
            cores = sum(cpu.values()) * figures["per_second"]["median"] / 1000
            ratio = in_words(each["ratio"], 2) if count == "2" else ""
            rows.append([database, count, in_words(figures["per_second"], 1), ratio, *(f"{ms:.1f}" for ms in cpu.values()), f"{cores:.2f}"])
    cpu_words = ["workers, ms", "Temporal, ms", "PostgreSQL, ms", "API, ms", "client, ms"]
    return table(["database", "workers", "stages per second", "to one worker", *cpu_words, "busy cores"], rows)


def changes(results: dict[str, Any]) -> str:
    """Return the table of the statements of a change, and of the time until a change is served."""
    rows = []
    for database, each in results["databases"].items():
        stale, statements = (str(each[name]) for name in ("stale", "statements"))
        rows.append([database, statements, f"{stale} of {results['changes']}", f"{each['p50_ms']:.0f}", f"{each['p99_ms']:.0f}"])
    return table(["database", "statements", "stale answers of the same process", "another process, p50 ms", "p99 ms"], rows)


def providers(results: dict[str, Any]) -> str:
    """Return the table of flags in Unleash, compared with flags that are kept here."""
    rates = results["per_second"]
    rows = [
        ["stages per second, flags kept here", in_words(rates["here"], 1)],
        ["stages per second through Unleash", in_words(rates["unleash"], 1)],
        ["ratio", in_words(results["ratio"], 2)],
        [f"a page of 50 of {results['listed']:,} features in Unleash, p50, ms", f"{results['list_p50_ms']:,.0f}"],
        ["the same, p99", f"{results['list_p99_ms']:,.0f}"],
    ]
    return table(["measured", "figure"], rows)


def watching(results: dict[str, Any]) -> str:
    """Return the table of guardrails: the time to a rollback, and the cost of watching."""
    every, cpu = f"sampled every {results['interval']} s", results["cpu_percent"]
    watched = f"{results['watched']:,} releases sampled every {results['watched_interval']} s"
    rows = [
        [f"from the metric that shows harm to the flag served as before, {every}, p50", f"{results['restored_p50']:.1f} s"],
        [f"the same, p99 of {results['breaches']}", f"{results['restored_p99']:.1f} s"],
        ["the same while Temporal is down, p50", f"{results['without_temporal_p50']:.1f} s"],
        ["the same, p99", f"{results['without_temporal_p99']:.1f} s"],
        [f"processor time of one worker, {watched}", f"{cpu['worker']:.1f}%"],
        ["processor time of Temporal meanwhile", f"{cpu['temporal']:.1f}%"],
    ]
    return table(["measured", "figure"], rows)


def dashboard(results: dict[str, Any]) -> str:
    """Return the table of the dashboard."""
    cpu = results["change_cpu_ms"]
    rows = [
        [f"HTML of the board, {results['flags']} flags in {results['stages']} stages", f"{results['board_ms']:,.1f} ms"],
        ["JSON of the same releases and pipeline", f"{results['json_ms']:,.1f} ms"],
        ["size of the board", f"{results['board_kb']:,} KB"],
        ["first paint in Chromium", f"{in_words(results['first_paint_ms'])} ms"],
        ["from the answer to a change until an open page shows it", f"{in_words(results['change_shown_ms'])} ms"],
        ["processor time of the API per change, no page open", f"{cpu['no_page']:,.1f} ms"],
        [f"the same, {results['pages']} pages follow the project", f"{cpu['streams']:,.1f} ms"],
        ["processor time of the API for each page that then looks", f"{results['look_cpu_ms']:,.1f} ms"],
    ]
    return table(["measured", "figure"], rows)


def encryption(results: dict[str, Any]) -> str:
    """Return the table of encrypted releases and of those in clear."""
    rows = []
    for kind, each in results["kinds"].items():
        ratio = in_words(results["ratio"], 2) if kind == "encrypted" else ""
        costs = [in_words(each[name], 1) for name in ("worker_cpu_ms", "temporal_cpu_ms")]
        rows.append([kind, in_words(each["per_second"], 1), ratio, *costs, in_words(each["bytes"])])
    head = ["payloads", "stages per second", "ratio", "CPU of the worker per stage, ms", "CPU of Temporal per stage, ms"]
    return table([*head, "bytes of history per stage"], rows)


def pauses(results: dict[str, Any]) -> str:
    """Return the table of full collections of garbage, and of the requests that wait for them."""
    rows = [
        [words, f"{each['collections']:,}", in_words(each["longest_ms"]), in_words(each["p50_ms"], 1), in_words(each["slowest_ms"])]
        for words, each in results["kinds"].items()
    ]
    return table(["objects of the imports", "full collections", "the longest, ms", "requests, p50, ms", "the slowest request, ms"], rows)


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "costs": costs,
    "costs_on_postgresql": costs,
    "dashboard": dashboard,
    "evaluation": evaluation,
    "variants": variants,
    "changes": changes,
    "providers": providers,
    "watching": watching,
    "stages": stages,
    "encryption": encryption,
    "workers": workers,
    "pauses": pauses,
    "cluster": cluster,
    "cluster_asleep": cluster_asleep,
    "lateness": lateness,
    "adding": adding,
    "scaling": scaling,
    "recovery": recovery,
}


def written(page: str, results: dict[str, Any]) -> str:
    """Return the page with every table replaced by that of the results. Everything else stays as it is."""
    page = between(page, "targets", table(["target", "measured", "result"], rows(results)))
    for name, table_of in TABLES.items():
        if name in results:
            run = results[name].get("run")
            page = between(page, name, "\n\n".join([table_of(results[name]), *([about_run(run)] if run else [])]))
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(), kept()))
