"""The alert rules and the dashboard in deploy are valid, and the alerts fire when they should."""

import json
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

from tests.metrics.prometheus_server import prometheus
from tests.repo.guide import chapter, rows
from tests.repo.monitoring import ALERTS, CONFIGURATION, DASHBOARD, panels, queries, rules
from tests.waiting import CEILING

TESTS = Path(__file__).parent / "alerts.test.yml"


def _promtool(*arguments: object) -> str:
    command = [str(Path(prometheus()).with_name("promtool")), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=CEILING, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_alerts_fire_when_something_is_wrong_and_not_before(tmp_path: Path) -> None:
    copy = tmp_path / "tests.yml"
    copy.write_text(TESTS.read_text().replace("ALERTS", str(ALERTS), 1))

    assert "SUCCESS" in _promtool("test", "rules", copy)


def test_each_alert_is_tested() -> None:
    assert all(f"alertname: {rule['alert']}, eval_time" in TESTS.read_text() for rule in rules())


def test_prometheus_accepts_its_files() -> None:
    assert "1 rule files found" in _promtool("check", "config", CONFIGURATION)


def test_guide_lists_every_alert_with_its_severity() -> None:
    listed = {row[0].strip("`"): row[1] for row in rows(chapter("docs/guide/observing.md", "Alerts"))[1:]}

    assert listed == {rule["alert"]: rule["labels"]["severity"] for rule in rules()}
    assert {rule["annotations"]["runbook"] for rule in rules()} == {"docs/guide/observing.md#alerts"}


def test_panels_of_the_dashboard_do_not_overlap_and_have_ids_of_their_own() -> None:
    assert len({panel["id"] for panel in panels()}) == len(panels())
    assert all(0 <= each["gridPos"]["x"] <= 24 - each["gridPos"]["w"] for each in panels())
    assert not [(one["title"], other["title"]) for one, other in combinations(panels(), 2) if _overlap(one["gridPos"], other["gridPos"])]


def test_panels_use_the_data_source_that_a_person_chooses() -> None:
    [variable] = json.loads(DASHBOARD.read_text())["templating"]["list"]
    shown = [panel for panel in panels() if panel["type"] != "row"]

    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
    assert {target["datasource"]["uid"] for panel in shown for target in [panel, *panel["targets"]]} == {"${datasource}"}
    assert all(panel["title"] and panel["description"] for panel in shown)
    assert len(queries()) == len({(panel["id"], target["refId"]) for panel in shown for target in panel["targets"]})


def test_alerts_that_panels_name_exist() -> None:
    named = {word.strip(".") for panel in panels() for word in panel.get("description", "").split() if word.startswith("Flaghoist")}

    assert {name for name in named if name != "Flaghoist"} <= {rule["alert"] for rule in rules()}


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one[at] < other[at] + other[size] and other[at] < one[at] + one[size] for at, size in (("x", "w"), ("y", "h")))
