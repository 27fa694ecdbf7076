"""The kinds of releases whose histories are recorded."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from activities.commands.approve import reject_release
from domain.flags.patch import FlagPatch
from domain.instant import print_instant
from domain.releases.control import Control
from domain.releases.release import Release
from domain.webhooks.event import WebhookEvent
from tests import waiting
from tests.pipelines import approval, enable, hold, pipeline, rollout, set_value, stage, until
from tests.receiver import answering_in_turn, receiving
from tests.webhooks import add_webhook
from tests.workflows.controls import change_by_hand, pause, remove, send, until_blocked, until_paused
from tests.workflows.gates import add_caller, add_freeze, add_stop, decide, lift, until_held, until_held_in_workflow
from tests.workflows.harness import Harness
from tests.workflows.rollbacks import roll_back
from tests.workflows.shipped_histories import AB_TEST, kept, ramped
from tests.workflows.webhooks import webhook_handle, webhook_worker

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
GATED = pipeline(stage("Everyone", "production") | {"gates": [approval(2)]}, hold("Watch", "1s") | {"gates": [approval()]}, key="gated")

ENOUGH = {"metric": "error-rate", "condition": {"type": "THRESHOLD", "at_most": 0.01}, "every": "1s"}
GUARDED = pipeline(
    stage("Beta users", "production", actions=[enable("beta-users")]),
    stage("Everyone", "production", "1s") | {"gates": [{"type": "METRIC", **ENOUGH}]},
    hold("Watch", "1h"),
    key="guarded",
    guardrails=[{"name": "Errors", "stages": ["Everyone", "Watch"], "failures": 1, "on_breach": "rollback", **ENOUGH}],
)

PIPELINES = (CLASSIC, SLOW, PHASED, LAUNCH, GATED, GUARDED, AB_TEST)


async def climbed(harness: Harness) -> Release:
    """Four stages, a hold among them, to the end."""
    release = await harness.add()
    await harness.until(release, "completed")
    return release


async def retried(harness: Harness) -> Release:
    """Blocked by a change by hand, retried in vain, retried with overwrite."""
    release = await harness.add()
    await harness.until(release, "running", stage="Production Beta")
    change_by_hand(harness.world, FlagPatch(value="by hand"))
    blocked = await harness.until(release, "blocked")
    await send(harness, blocked, Control.RETRY)
    blocked = await harness.until(release, "blocked")
    await send(harness, blocked, Control.RETRY, overwrite=True)
    await harness.until(release, "completed")
    return release


async def removed(harness: Harness) -> Release:
    """Removed while waiting."""
    release = await harness.add()
    await harness.until(release, "running", stage="Production Beta")
    remove(harness, release)
    await harness.run_outbox()
    await harness.result(harness.handle(release))
    return release


async def cancelled(harness: Harness) -> Release:
    """Cancelled at Temporal while waiting."""
    release = await harness.add()
    await harness.until(release, "running", stage="Production Beta")
    await harness.until_timer_set(release)
    await harness.handle(release).cancel()
    await harness.until(release, "removed")
    return release


async def rolled_over(harness: Harness) -> Release:
    """Continued as new halfway; this is the second run."""
    release = await harness.add()
    await harness.until(release, "running", stage="Production Beta")
    await harness.handle(release).signal("roll_over")
    await harness.until(release, "completed")
    return release


async def rolled_back(harness: Harness) -> Release:
    """Paused, rolled back to a stage, resumed, and then rolled back completely while waiting."""
    release = await harness.add()
    waiting = await harness.until(release, "running", stage="Production Beta")
    await pause(harness, waiting)
    await until_paused(harness, release)
    await roll_back(harness, waiting, to_stage="Development")
    back = await harness.until(release, "paused", visit=waiting.visit + 1)
    await until_paused(harness, release)
    await send(harness, back, Control.RESUME)
    await roll_back(harness, await harness.until(release, "running"))
    await harness.until(release, "rolled_back")
    return release


async def undone(harness: Harness) -> Release:
    """Completed, and then rolled back by a workflow of its own, whose history is recorded."""
    release = await climbed(harness)
    await roll_back(harness, release)
    await harness.until(release, "rolled_back")
    return release


async def paused(harness: Harness) -> Release:
    """Paused during a wait, resumed, and advanced to its end."""
    release = await harness.add(pipeline="slow")
    waiting = await harness.until(release, "running", stage="Later")
    await harness.until_timer_set(release)
    await pause(harness, waiting)
    await until_paused(harness, waiting)
    for control in (Control.RESUME, Control.ADVANCE):
        await send(harness, harness.record(release), control)
    await harness.until(release, "completed")
    return release


async def steered(harness: Harness) -> Release:
    """Restarted, and its last stage skipped."""
    release = await harness.add(pipeline="slow")
    await harness.until(release, "running", stage="Later")
    await harness.until_timer_set(release)
    await send(harness, harness.record(release), Control.RESTART, stage="Development")
    await harness.until(release, "running", stage="Later")
    await send(harness, harness.record(release), Control.SKIP)
    await harness.until(release, "completed")
    return release


async def phased(harness: Harness) -> Release:
    """A rollout of four steps, one of them advanced."""
    release = await harness.add(pipeline="phased")
    await harness.until_timer_set(release)
    await send(harness, harness.record(release), Control.ADVANCE)
    await harness.until(release, "completed")
    return release


async def launched(harness: Harness) -> Release:
    """A launch time and a value, both given when the flag was added."""
    launch_at = print_instant(datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3))
    release = await harness.add(pipeline="launch", parameters={"launch_at": launch_at, "value": "sale"})
    await harness.until(release, "completed")
    return release


async def notified(harness: Harness) -> Release:
    """A release whose webhook refuses one delivery and then accepts it; the history is that of the webhook's workflow."""
    with receiving() as receiver:
        receiver.answer = answering_in_turn(503, 204)
        async with webhook_worker(harness):
            add_webhook(harness.world.database, receiver.url(), WebhookEvent.RELEASE_COMPLETED)
            release = await climbed(harness)
            await waiting.wait_until("two attempts", lambda: len(receiver.received) == 2)
            await harness.result(webhook_handle(harness))
    return release


async def approved(harness: Harness) -> Release:
    """Held back until two people approve, and once more at the end of a hold."""
    vera, victor = add_caller(harness, "vera"), add_caller(harness, "victor")
    release = await harness.add(pipeline="gated")
    for caller in (vera, victor):
        await until_held(harness, release, "approval")
        await until_held_in_workflow(harness, release)
        await decide(harness, caller, release)
    await harness.until(release, "running", stage="Watch")
    await until_held(harness, release, "approval")
    await until_held_in_workflow(harness, release)
    await decide(harness, vera, release)
    await harness.until(release, "completed")
    return release


async def rejected(harness: Harness) -> Release:
    """Held back for approval, rejected, retried, rejected again, and then skipped."""
    release = await harness.add(pipeline="gated")
    for control in (Control.RETRY, Control.SKIP):
        await until_held(harness, release, "approval")
        await until_held_in_workflow(harness, release)
        blocked = await decide(harness, add_caller(harness, f"victor-{control}"), release, reject_release, reason="not on a Friday")
        await until_blocked(harness, release)
        await send(harness, blocked, control)
    remove(harness, release)
    await harness.run_outbox()
    await harness.result(harness.handle(release))
    return release


async def stopped(harness: Harness) -> Release:
    """Held back by a stop, paused and resumed under it, and continued when it was lifted."""
    stop = add_stop(harness, environment="production")
    release = await harness.add(pipeline="phased")
    await until_held(harness, release, "stopped")
    await pause(harness, release)
    await until_paused(harness, release)
    await send(harness, harness.record(release), Control.RESUME)
    await until_held(harness, release, "stopped")
    await until_held_in_workflow(harness, release)
    await lift(harness, stop)
    await harness.until(release, "completed")
    return release


async def carried_over(harness: Harness) -> Release:
    """Continued as new while a stop held it back; this is the second run."""
    stop = add_stop(harness, environment="production")
    release = await harness.add(pipeline="phased")
    await until_held(harness, release, "stopped")
    await harness.handle(release).signal("roll_over")
    await until_held_in_workflow(harness, release)
    await lift(harness, stop)
    await harness.until(release, "completed")
    return release


async def frozen(harness: Harness) -> Release:
    """Held back until a freeze ends, which is a known time, as with a window."""
    add_freeze(harness, timedelta(seconds=3))
    release = await harness.add(pipeline="phased")
    await until_held(harness, release, "freeze")
    await harness.until(release, "completed")
    return release


Kind = Callable[[Harness], Awaitable[Release]]


async def guarded(harness: Harness) -> Release:
    """Held back until a metric can be told, and rolled back by a breach while it soaks."""
    release = await harness.add(pipeline="guarded")
    await until_held(harness, release, "guardrail")
    harness.metrics.values["error-rate"] = 0.001
    await waiting.wait_until("a wake-up", lambda: _is_woken(harness, release))
    await harness.until(release, "running", stage="Watch")
    harness.metrics.values["error-rate"] = 0.5
    await harness.until(release, "rolled_back")
    await harness.run_outbox()
    return release


async def _is_woken(harness: Harness, release: Release) -> bool:
    await harness.relay.run_pending()
    return harness.record(release).held is None


KINDS: tuple[Kind, ...] = (
    guarded,
    ramped,
    kept,
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
    notified,
)
