"""Every benchmark measures, and its table is written from its results."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from benchmarks import changes, encryption, experiments, pauses, proofs, providers, watching, workers
from benchmarks.__main__ import BENCHES
from benchmarks.against import numbers
from benchmarks.report import TABLES
from benchmarks.results import keep, kept, percentile, spread
from benchmarks.running import Scale
from benchmarks.stack import running

pytestmark = pytest.mark.e2e
HERE = {"cores": 2}


async def measure_all(folder: Path) -> dict[str, dict[str, Any]]:
    async with running(folder) as stack:
        measured = {name: await bench(stack, Scale.QUICK, lambda _: None) for name, (bench, _) in BENCHES.items()}
        others = {"watching": watching, "encryption": encryption, "workers": workers, "providers": providers, "pauses": pauses}
        return measured | {name: await bench.measure(stack, Scale.QUICK, lambda _: None) for name, bench in others.items()}


def test_every_benchmark_measures_product_and_baseline_and_has_a_table(tmp_path: Path) -> None:
    measured = asyncio.run(measure_all(tmp_path))

    assert set(measured["stages"]["per_second"]) == {"releases", "same transaction", "nothing"}
    assert measured["lateness"]["ten_per_second"]["releases"]["p50_ms"]["median"] > 0
    assert measured["adding"]["clients_20"]["p99_ratio"]["median"] > 0
    assert measured["recovery"]["seconds"]["same transaction"]["median"] > 0
    assert all(size > 0 for size in measured["scaling"]["levels"]["4"]["memory"].values())
    for database in ("SQLite", "PostgreSQL"):
        figures = measured["workers"]["databases"][database]["workers"]
        assert all(figures[count]["workers"]["median"] > 0 for count in ("1", "2"))
        assert (figures["2"]["postgresql"]["median"] > 0) == (database == "PostgreSQL")
    assert measured["encryption"]["ratio"]["median"] > 0
    assert measured["providers"]["ratio"]["median"] > 0
    assert measured["watching"]["restored_p50"] > 0
    assert measured["pauses"]["kinds"]["set aside"]["p50_ms"]["median"] > 0
    assert all(TABLES[name](results).count("|") > 10 for name, results in measured.items())


def test_changes_are_measured_on_both_databases() -> None:
    measured = changes.measure(changes.QUICK)

    for each in measured["databases"].values():
        assert each["statements"] > 0
        assert each["stale"] == 0
        assert each["p50_ms"] > 0
    assert TABLES["changes"](measured).count("|") > 10


def test_results_of_a_benchmark_replace_its_last_ones_and_no_others(tmp_path: Path) -> None:
    keep("stages", {"rounds": 1}, HERE, tmp_path / "results.json")
    keep("adding", {"rounds": 1}, HERE, tmp_path / "results.json")
    keep("stages", {"rounds": 3}, HERE, tmp_path / "results.json")

    assert kept(tmp_path / "results.json") == {"stages": {"rounds": 3, "run": HERE}, "adding": {"rounds": 1, "run": HERE}}


def test_builds_are_compared_by_the_medians_of_all_numbers_that_both_print() -> None:
    printed = {"stages": {"rounds": 3, "per_second": {"nothing": {"median": 0.5, "least": 0.1, "most": 0.9}}, "due": [1, 2], "of": "x"}}

    assert dict(numbers(printed)) == {"stages rounds": 3, "stages per_second nothing": 0.5, "stages due 0": 1, "stages due 1": 2}


def test_percentile_and_spread() -> None:
    assert [percentile([3, 1, 2, 4], percent) for percent in (0, 50, 99)] == [1, 3, 4]
    assert spread([0.5, 0.9, 0.7]) == {"median": 0.7, "least": 0.5, "most": 0.9}


def test_experiments_are_simulated_and_have_tables() -> None:
    simulated = experiments.measure(experiments.QUICK)

    assert all(each["ours"] <= 0.1 for each in simulated["same"].values())
    assert {each["rate"] for each in simulated["lifted"]} == {0.01, 0.1, 0.5}
    assert simulated["split"]["48 / 52"]["at_a_decision"] > 0.5
    assert all(table(simulated).count("|") > 10 for table in proofs.TABLES.values())
