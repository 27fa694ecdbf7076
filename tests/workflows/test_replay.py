"""Releases take weeks and continue under later code: recorded histories replay."""

import asyncio
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from tests.workflows.harness import HISTORIES
from tests.workflows.history_kinds import KINDS, notified, undone
from tests.workflows.planted_clock import ReadsTheClock
from tests.workflows.reordered import ActsBeforeItsWait
from tests.workflows.sandbox import sandbox
from workflows.payloads import DATA_CONVERTER
from workflows.release import ReleaseWorkflow
from workflows.rollback import RollbackWorkflow
from workflows.webhook import WebhookWorkflow

RECORDED = sorted(HISTORIES.glob("*.json"))
NAMES = {kind.__name__ for kind in KINDS}
OF_OTHER_WORKFLOWS = {kind.__name__ for kind in (notified, undone)}


async def replay(name: str, history: str, *workflows: type) -> None:
    replayer = Replayer(workflows=workflows, data_converter=DATA_CONVERTER, workflow_runner=sandbox())
    await replayer.replay_workflow(WorkflowHistory.from_json(f"release/{name}", history))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_every_recorded_history_replays(path: Path) -> None:
    asyncio.run(replay(path.stem, path.read_text(), ReleaseWorkflow, RollbackWorkflow, WebhookWorkflow))


@pytest.mark.parametrize("kind", sorted(NAMES - OF_OTHER_WORKFLOWS))
def test_reordered_workflow_fails_to_replay(kind: str) -> None:
    path = next(path for path in RECORDED if path.stem.endswith(kind))
    with pytest.raises(NondeterminismError):
        asyncio.run(replay(path.stem, path.read_text(), ActsBeforeItsWait))


def test_replay_catches_a_workflow_that_reads_the_clock_of_its_machine() -> None:
    with pytest.raises(RuntimeError, match=r"Cannot access datetime\.datetime\.now"):
        asyncio.run(replay("clock", (HISTORIES / "0.1-climbed.json").read_text(), ReadsTheClock))


def test_there_is_a_history_of_every_kind() -> None:
    assert {path.stem.split("-", 1)[1] for path in RECORDED} == NAMES
