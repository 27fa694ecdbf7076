"""With payload keys, neither Temporal's database nor its API has any name, reason or value of a release in clear."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from activities.providers.sealing import new_secret_key
from tests.e2e.named_releases import REACHES_TEMPORAL, STAYS_HERE, act_out
from tests.e2e.stack import Stack, running_stack
from tests.receiver import receiving
from tests.waiting import wait_for

pytestmark = pytest.mark.e2e


def found_in(words: set[str], *texts: bytes) -> set[str]:
    """Return the words that are in these texts, in any case."""
    lowered = [text.lower() for text in texts]
    return {word for word in words if any(word.encode() in text for text in lowered)}


def stored_by_temporal(folder: Path) -> list[bytes]:
    """Return the bytes of Temporal's database files, and of every value in it: a long one is split among pages."""
    files = [file.read_bytes() for file in sorted(folder.glob("temporal.db*"))]
    with closing(sqlite3.connect(f"file:{folder / 'temporal.db'}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [row for table in tables for row in connection.execute(f'SELECT * FROM "{table}"')]
    return [*files, *(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)]


async def shown_by_temporal(stack: Stack, workflows: list[str]) -> list[bytes]:
    """Return the histories of all workflows, their descriptions, and the listing of all, both as messages and as JSON."""
    client = await Client.connect(f"127.0.0.1:{stack.temporal_port}")
    shown, listed = list[bytes](), set[str]()
    async for execution in client.list_workflows():
        listed.add(execution.id)
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        history, description = await handle.fetch_history(), (await handle.describe()).raw_description
        shown += [event.SerializeToString() for event in history.events] + [history.to_json().encode()]
        shown += [message.SerializeToString() for message in (description, execution.raw_info)]
        shown += [str(message).encode() for message in (description, execution.raw_info)]
    assert set(workflows) < listed, "the webhook has a workflow too"
    return shown


async def has_running(stack: Stack) -> bool:
    client = await Client.connect(f"127.0.0.1:{stack.temporal_port}")
    return any([each.status is WorkflowExecutionStatus.RUNNING async for each in client.list_workflows()])


@pytest.mark.parametrize("keys", [new_secret_key(), ""], ids=["encrypted", "in clear"])
def test_temporal_knows_no_names_if_payloads_are_encrypted(
    keys: str, tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLAGHOIST_PAYLOAD_KEYS", keys)
    with receiving() as receiver, running_stack(tmp_path, sqlite_url) as stack:
        workflows = act_out(stack, receiver)
        wait_for("every workflow to end", lambda: not asyncio.run(has_running(stack)))
        shown = asyncio.run(shown_by_temporal(stack, workflows))
        running = stored_by_temporal(tmp_path)
        stack.kill()
    expected = set() if keys else REACHES_TEMPORAL
    words = REACHES_TEMPORAL | STAYS_HERE
    assert found_in(words, *shown) == expected
    assert found_in(words, *running) == expected
    assert found_in(words, *stored_by_temporal(tmp_path)) == expected
