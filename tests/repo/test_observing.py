"""docs/guide/observing.md lists every metric and every log event, and no others."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from activities.messages import ChangeFlag, Step
from activities.record.worker_metrics import ChangeMetrics
from activities.store.database import Database
from api.prometheus import Answered, ApiMetrics
from domain.errors import FlagChangedByHand
from domain.flags.change import Change
from domain.flags.patch import FlagPatch
from tests.ports import free_port
from tests.prometheus import Scrape
from tests.repo.compose import services
from tests.repo.guide import rows
from tests.repo.log_events import logged_events
from tests.repo.monitoring import names_in, queries, rules, scrape_configuration
from worker import runtime_serving_metrics

DOCUMENT = (Path(__file__).parents[2] / "docs" / "guide" / "observing.md").read_text()
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _of_api(database: Database) -> set[str]:
    metrics = ApiMetrics()
    metrics.watch(database)
    metrics.count(Answered("GET", "/readyz", "503", 0.1, "database_unavailable"))
    return {line.split()[2] for line in metrics.page().decode().splitlines() if line.startswith("# TYPE")}


def _of_worker() -> set[str]:
    address = f"127.0.0.1:{free_port()}"
    runtime = runtime_serving_metrics(address)
    metrics = ChangeMetrics(runtime.metric_meter)
    place = {"release": "r", "visit": 1, "stage": "Development", "environment": "development", "sequence": 0}
    command = ChangeFlag(project="shop", patch=FlagPatch(enabled=True), entered_at=AT, acts_at=AT, **place)
    before_and_after = {"patch": command.patch, "before": FlagPatch(enabled=False), "after": command.patch}
    metrics.made(command, Change(key=command.key, step=1, feature="checkout", made_at=AT, **before_and_after, **place))
    metrics.refused(command, "checkout", FlagChangedByHand("changed"), AT)
    return Scrape(f"http://{address}").names


def _tables() -> list[set[str]]:
    """The names in the tables: of the API's chapter, then of the worker's."""
    chapters = [chapter for chapter in DOCUMENT.split("\n## ") if chapter.startswith("Metrics of")]
    return [set(re.findall(r"^\| `(\w+)` \|", chapter, re.MULTILINE)) for chapter in chapters]


def test_tables_list_every_metric_and_no_others(sqlite: Database) -> None:
    assert _tables() == [_of_api(sqlite), _of_worker()]


def test_alerts_and_dashboard_name_only_metrics_that_exist() -> None:
    named = set.union(*(names_in(query) for query in [*queries(), *(rule["expr"] for rule in rules())]))

    assert {name for name in named if name.startswith("flaghoist_")} == set.union(*_tables())


def test_scrape_configuration_matches_the_compose_file() -> None:
    targets = {each["names"][0]: each["port"] for job in scrape_configuration()["scrape_configs"] for each in job["dns_sd_configs"]}

    port = services()["worker"]["environment"]["FLAGHOIST_WORKER_METRICS"].rpartition(":")[2]
    assert services()["worker"]["expose"] == [port]
    assert targets == {"api": 8080, "worker": int(port)}


def _log_rows() -> dict[str, str]:
    """Event -> the fields in its row."""
    [table] = [chapter for chapter in DOCUMENT.split("\n## ") if chapter.startswith("Logs")]
    listed = [(re.findall(r"`(\w+)`", row[0]), row[3]) for row in rows(table)[1:]]
    return {event: fields for events, fields in listed for event in events}


def test_log_table_lists_every_event_and_no_others() -> None:
    assert set(_log_rows()) == logged_events()


def test_log_table_lists_every_step_that_is_recorded() -> None:
    kinds = {get_args(step.model_fields["kind"].annotation)[0] for step in get_args(Step)}

    assert set(re.findall(r"`(\w+)`", _log_rows()["progress_recorded"].partition("`step`:")[2])) == kinds
