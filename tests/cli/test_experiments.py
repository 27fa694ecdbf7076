"""The experiments of a release in a terminal."""

from contextlib import closing

from activities.store.database import Database
from tests.activities.experimenting import BETTER, NOTHING_YET, experimenting
from tests.activities.guarding import later, look
from tests.cli.conftest import Terminal
from tests.http import Api
from tests.ports import free_port
from tests.scripted_metrics import ScriptedMetrics
from tests.world import make_world


def test_experiment_is_shown_with_its_numbers_and_its_decision(api: Api, sqlite_url: str) -> None:
    metrics, terminal = ScriptedMetrics(), Terminal(api.address, COLUMNS="200")
    with closing(Database(sqlite_url)) as database:
        world = make_world(database)
        release = experimenting(world, guardrails=[{"metric": "returns", "better": "lower", "margin": 0.1}])
        metrics.groups["returns"] = {"control": (5_000, 250), "one-page": (5_000, 250)}
        before = terminal.run("releases", "experiments", release.id).out
        for hour, numbers in enumerate((NOTHING_YET, BETTER), start=1):
            metrics.groups["conversion"] = numbers
            look(world, release, metrics, later(3600 * hour))

    shown = terminal.run("releases", "experiments", release.id).out

    assert "Not decided yet. Without a winner, 'control' is shipped." in before
    assert "not known yet" in before
    assert "Decided: 'one-page' is shipped." in shown
    assert "'one-page' wins over 'control'." in shown
    rows = {line.split()[0]: line for line in shown.splitlines() if line.strip()}
    assert rows["control"].split() == ["control", "50%", "5,000", "0.1"]
    assert all(part in rows["one-page"] for part in ("50%", "5,000", "0.16", "+60.00% (between +", "better, with 95% confidence"))
    assert "Guardrail 'returns' of 'one-page': +0.00% (between -" in shown
    assert "Looks: 2, the newest at " in shown


def test_experiment_is_planned_without_an_api() -> None:
    terminal = Terminal(f"http://127.0.0.1:{free_port()}")
    typed = ["experiments", "plan", "--rate", "0.1", "--lift", "0.05", "--users-per-day", "4000"]

    words = terminal.run(*typed).out
    fields = terminal.read_json(*typed)

    assert words.splitlines()[:4] == ["planned: 57760", "shortest: 14d", "decide_every: 7d", "longest: 63d"]
    assert fields == {"planned": 57760, "shortest": "14d", "decide_every": "7d", "longest": "63d"}


def test_plan_that_is_impossible_is_a_usage_error() -> None:
    refused = Terminal("http://127.0.0.1:1").run("experiments", "plan", "--rate", "0.1", "--lift", "0", "--users-per-day", "4000")

    assert refused.code == 2
    assert "must not be zero" in refused.err
