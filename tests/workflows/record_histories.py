"""Records a history of every kind of release, for the replay tests: `python -m tests.workflows.record_histories VERSION [KIND ...]`.

Histories of released versions are never recorded anew: every later version must replay them.
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle

from activities.commands.approve import reject_release
from activities.store.database import Database
from activities.store.migrate import migrate
from activities.store.paging import Slice
from domain.flags.patch import FlagPatch
from domain.instant import print_instant
from domain.releases.control import Control
from domain.releases.release import Release
from domain.webhooks.event import WebhookEvent
from tests.pipelines import approval, enable, hold, pipeline, rollout, set_value, stage, until
from tests.receiver import answering_in_turn, receiving
from tests.waiting import wait_until
from tests.webhooks import add_webhook
from tests.workflows.gates import decide, freeze, lift, person, place, until_at_rest, until_blocked, until_held
from tests.workflows.harness import HISTORIES, Stand, real_stand
from tests.workflows.rollbacks import roll_back, rollback_of
from tests.workflows.test_blocked import by_olivia, change_by_hand
from tests.workflows.test_controls import pause, until_paused
from tests.workflows.test_ending import remove
from tests.workflows.test_webhook import delivering
from workflows.messages import RestartRelease, SteerRelease, WebhookInput

CLASSIC = pipeline(
    stage("Development", actions=[enable(), set_value("one-page")]),
    stage("Production Beta", "production", "1s", actions=[enable("beta-users"), set_value("one-page", "beta-users")]),
    stage("Production", "production", "1s", actions=[enable() | {"overrides": "remove"}, set_value("one-page")]),
    hold("Watch", "1s"),
)
SLOW = pipeline(stage("Development"), stage("Later", "production", "1h"), key="slow")
PHASED = pipeline(stage("Ramp", "production", actions=[rollout(every="1s", value="v2")]), key="phased")
LAUNCH = pipeline(
    stage("Preparation", "production", actions=[{"type": "UPDATE_FEATURE_VALUE", "value_from": {"parameter": "value"}}]),
    stage("Launch", "production") | {"trigger": until(parameter="launch_at")},
    key="launch",
    parameters={"launch_at": {"type": "datetime"}, "value": {"type": "string"}},
)
ASKING = pipeline(stage("Everyone", "production") | {"gates": [approval(2)]}, hold("Watch", "1s") | {"gates": [approval()]}, key="asking")


async def climbed(stand: Stand) -> Release:
    """Four stages, a hold among them, to the end."""
    release = await stand.add()
    await stand.until(release, "completed")
    return release


async def retried(stand: Stand) -> Release:
    """Blocked by a change by hand, retried in vain, retried with overwrite."""
    release = await stand.add()
    await stand.until(release, "running", stage="Production Beta")
    change_by_hand(stand.world, FlagPatch(value="by hand"))
    blocked = await stand.until(release, "blocked")
    await stand.releases.steer(blocked, Control.RETRY, by_olivia(stand), "plain")
    blocked = await stand.until(release, "blocked")
    await stand.releases.steer(blocked, Control.RETRY, by_olivia(stand, overwrite=True), "overwrite")
    await stand.until(release, "completed")
    return release


async def removed(stand: Stand) -> Release:
    """Removed while waiting."""
    release = await stand.add()
    await stand.until(release, "running", stage="Production Beta")
    remove(stand, release)
    await stand.delivery.deliver()
    await stand.handle(release).result()
    return release


async def cancelled(stand: Stand) -> Release:
    """Cancelled at Temporal while waiting."""
    release = await stand.add()
    await stand.until(release, "running", stage="Production Beta")
    await stand.until_waiting(release)
    await stand.handle(release).cancel()
    await stand.until(release, "removed")
    return release


async def rolled_over(stand: Stand) -> Release:
    """Continued as new in the middle; this is the second run."""
    release = await stand.add()
    await stand.until(release, "running", stage="Production Beta")
    await stand.handle(release).signal("roll_over")
    await stand.until(release, "completed")
    return release


async def rolled_back(stand: Stand) -> Release:
    """Paused, rolled back to a stage, resumed, and then rolled back for good while waiting."""
    release = await stand.add()
    waiting = await stand.until(release, "running", stage="Production Beta")
    await pause(stand, waiting)
    await until_paused(stand, release)
    await roll_back(stand, waiting, to_stage="Development")
    back = await stand.until(release, "paused", visit=waiting.visit + 1)
    await until_paused(stand, release)
    await stand.releases.steer(back, Control.RESUME, SteerRelease(by=stand.world.caller.person), "resume")
    await roll_back(stand, await stand.until(release, "running"))
    await stand.until(release, "rolled_back")
    return release


async def undone(stand: Stand) -> Release:
    """Completed, and then rolled back by a workflow of its own; that is the one whose history is kept."""
    release = await climbed(stand)
    await roll_back(stand, release)
    await stand.until(release, "rolled_back")
    return release


async def paused(stand: Stand) -> Release:
    """Paused in the middle of a wait, resumed, and brought to its end."""
    release = await stand.add(pipeline="slow")
    waiting = await stand.until(release, "running", stage="Later")
    await stand.until_waiting(release)
    await pause(stand, waiting)
    await until_paused(stand, waiting)
    await _steer(stand, release, Control.RESUME)
    await _steer(stand, release, Control.ADVANCE)
    await stand.until(release, "completed")
    return release


async def steered(stand: Stand) -> Release:
    """Restarted, hurried, and its last stage passed over."""
    release = await stand.add(pipeline="slow")
    await stand.until(release, "running", stage="Later")
    await stand.until_waiting(release)
    await stand.releases.steer(
        stand.record(release), Control.RESTART, RestartRelease(by=stand.world.caller.person, stage="Development"), "restart"
    )
    await stand.until(release, "running", stage="Later")
    await _steer(stand, release, Control.SKIP)
    await stand.until(release, "completed")
    return release


async def phased(stand: Stand) -> Release:
    """A rollout of four steps, one of them hurried."""
    release = await stand.add(pipeline="phased")
    await stand.until_waiting(release)
    await _steer(stand, release, Control.ADVANCE)
    await stand.until(release, "completed")
    return release


async def launched(stand: Stand) -> Release:
    """A launch time and a value, both given when the flag was added."""
    at = print_instant(datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3))
    release = await stand.add(pipeline="launch", parameters={"launch_at": at, "value": "sale"})
    await stand.until(release, "completed")
    return release


async def told(stand: Stand) -> Release:
    """A release whose webhook is answered no once, and then yes."""
    with receiving() as receiver:
        receiver.answer = answering_in_turn(503, 204)
        async with delivering(stand):
            add_webhook(stand.world.database, receiver.url(), WebhookEvent.RELEASE_COMPLETED)
            release = await climbed(stand)
            await wait_until("it to be told twice", lambda: len(receiver.received) == 2)
            await told_of(stand).result()
    return release


def told_of(stand: Stand) -> WorkflowHandle[Any, Any]:
    """The workflow of the project's webhook."""
    with stand.world.database.reading() as store:
        [webhook] = store.webhooks.page("shop", Slice()).items
    return stand.env.client.get_workflow_handle(WebhookInput(project="shop", webhook=webhook.id).workflow_id)


async def approved(stand: Stand) -> Release:
    """Held until two people approve, and once more at the end of a hold."""
    vera, victor = person(stand, "vera"), person(stand, "victor")
    release = await stand.add(pipeline="asking")
    for caller in (vera, victor):
        await until_held(stand, release, "approval")
        await until_at_rest(stand, release)
        await decide(stand, caller, release)
    await stand.until(release, "running", stage="Watch")
    await until_held(stand, release, "approval")
    await until_at_rest(stand, release)
    await decide(stand, vera, release)
    await stand.until(release, "completed")
    return release


async def rejected(stand: Stand) -> Release:
    """Held for approval, rejected, tried again, and then passed over."""
    release = await stand.add(pipeline="asking")
    for control in (Control.RETRY, Control.SKIP):
        await until_held(stand, release, "approval")
        await until_at_rest(stand, release)
        blocked = await decide(stand, person(stand, f"victor-{control}"), release, reject_release, reason="not on a Friday")
        await until_blocked(stand, release)
        message = by_olivia(stand) if control is Control.RETRY else SteerRelease(by=stand.world.caller.person)
        await stand.releases.steer(blocked, control, message, control)
    remove(stand, release)
    await stand.delivery.deliver()
    await stand.handle(release).result()
    return release


async def stopped(stand: Stand) -> Release:
    """Held by a stop, paused and resumed under it, and let go on when it was lifted."""
    stop = place(stand, environment="production")
    release = await stand.add(pipeline="phased")
    await until_held(stand, release, "stopped")
    await pause(stand, release)
    await until_paused(stand, release)
    await _steer(stand, release, Control.RESUME)
    await until_held(stand, release, "stopped")
    await until_at_rest(stand, release)
    await lift(stand, stop)
    await stand.until(release, "completed")
    return release


async def carried_over(stand: Stand) -> Release:
    """Continued as new while a stop held it; this is the second run."""
    stop = place(stand, environment="production")
    release = await stand.add(pipeline="phased")
    await until_held(stand, release, "stopped")
    await stand.handle(release).signal("roll_over")
    await until_at_rest(stand, release)
    await lift(stand, stop)
    await stand.until(release, "completed")
    return release


async def frozen(stand: Stand) -> Release:
    """Each step of a rollout is held until a freeze ends: it waits for a time, as for a window."""
    freeze(stand, timedelta(seconds=3))
    release = await stand.add(pipeline="phased")
    await until_held(stand, release, "freeze")
    await stand.until(release, "completed")
    return release


async def _steer(stand: Stand, release: Release, control: Control) -> None:
    message = SteerRelease(by=stand.world.caller.person, reason="to record it")
    await stand.releases.steer(stand.record(release), control, message, control)


KINDS: tuple[Callable[[Stand], Awaitable[Release]], ...] = (
    climbed,
    retried,
    removed,
    cancelled,
    rolled_over,
    rolled_back,
    undone,
    paused,
    steered,
    phased,
    launched,
    approved,
    rejected,
    stopped,
    carried_over,
    frozen,
    told,
)


async def record(version: str, names: Collection[str]) -> None:
    """Run one release of each kind, or of those that are named, each in a world of its own, and write its history down."""
    for kind in [kind for kind in KINDS if not names or kind.__name__ in names]:
        with tempfile.TemporaryDirectory() as folder:
            database = Database(f"sqlite:///{folder}/flaghoist.db")
            migrate(database)
            async with real_stand(database) as stand, stand.worker():
                for definition in (CLASSIC, SLOW, PHASED, LAUNCH, ASKING):
                    stand.world.publish(definition)
                release = await kind(stand)
                await asyncio.sleep(0.5)
                history = await _workflow(stand, release, kind).fetch_history()
                write(HISTORIES / f"{version}-{kind.__name__}.json", history.to_json())
            database.close()


def _workflow(stand: Stand, release: Release, kind: Callable[[Stand], Awaitable[Release]]) -> WorkflowHandle[Any, Any]:
    """The one whose history a kind is about."""
    if kind is told:
        return told_of(stand)
    return rollback_of(stand, release) if kind is undone else stand.handle(release)


def write(path: Path, text: str) -> None:
    """Keep a history."""
    path.write_text(f"{text}\n")


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1], sys.argv[2:]))
