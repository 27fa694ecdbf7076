"""docs/guide/temporal-web-ui.md lists the search attributes, statuses, updates and signals of the code."""

import re

from domain.releases.control import Control
from domain.releases.status import ReleaseStatus
from tests.repo.guide import rows, text_of
from workflows.messages import LOOK_AGAIN, RELEASE, ROLL_OVER, ROLLBACK, TASK_QUEUE
from workflows.release import ReleaseWorkflow
from workflows.search_attributes import ALL

DOCUMENT = text_of("docs/guide/temporal-web-ui.md")


def test_every_search_attribute_is_listed_and_no_others() -> None:
    named = set(re.findall(r"\bFlaghoist[A-Z]\w+", DOCUMENT))

    assert named == {attribute.name for attribute in ALL}


def test_every_status_is_listed() -> None:
    [row] = [row for row in rows(DOCUMENT) if row[0] == "`FlaghoistStatus`"]

    assert set(re.findall(r"`(\w+)`", row[2])) == {status.value for status in ReleaseStatus if status is not ReleaseStatus.STARTING}


def test_every_update_signal_and_query_is_listed() -> None:
    decided_by_the_record = {Control.PAUSE, Control.APPROVE, Control.REJECT, Control.ROLLBACK, Control.REMOVE}
    [updates] = re.findall(r"\*\*Update\*\* \(([^)]+)\)", DOCUMENT)

    assert set(re.findall(r"`(\w+)`", updates)) == {control.value for control in Control if control not in decided_by_the_record}
    assert set(re.findall(r"\*\*Signal\*\* `(\w+)`", DOCUMENT)) == {LOOK_AGAIN, ROLL_OVER}
    assert f"`{RELEASE}` or `{ROLLBACK}`, `{TASK_QUEUE}`" in DOCUMENT
    query = vars(ReleaseWorkflow.current_place)["__temporal_query_definition"].name
    assert f"**Query** `{query}`" in DOCUMENT
