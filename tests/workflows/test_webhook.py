"""Webhooks on a real Temporal: what happens is told, again and again if need be, and no receiver ever holds a release."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler

from temporalio.client import WorkflowExecutionStatus

from activities.http_post import HttpPoster
from activities.store.database import Database
from domain.webhooks.event import WebhookEvent
from domain.webhooks.webhook import DeliveryStatus, RetryPolicy
from tests.http import free_port
from tests.pipelines import approval, hold, pipeline, stage
from tests.receiver import answering_in_turn, receiving
from tests.webhooks import SECRET, add_webhook, deliveries_of
from tests.workflows.harness import Stand, real_stand
from worker import WEBHOOK_SLOTS, build_webhook_worker
from workflows.messages import WebhookInput
from workflows.service.webhook_dispatcher import WebhookDispatcher

SHORT = RetryPolicy(
    first=timedelta(milliseconds=300), factor=1, backoff=timedelta(milliseconds=100), longest_backoff=timedelta(milliseconds=200)
)
ACTED = (WebhookEvent.STAGE_ACTED, WebhookEvent.STAGE_HOLD_ENDED, WebhookEvent.RELEASE_COMPLETED)
STAGES = pipeline(stage("Development"), stage("Staging", "staging"), hold("Watch", "1s"), stage("Production", "production"))
TOLD = [("stage.acted", "Development"), ("stage.acted", "Staging"), ("stage.hold_ended", "Watch"), ("stage.acted", "Production")]


@asynccontextmanager
async def delivering(stand: Stand, patience: RetryPolicy = SHORT, seconds: float = 10) -> AsyncIterator[None]:
    """A worker that delivers to webhooks, for as long as the block lasts."""
    with ThreadPoolExecutor(WEBHOOK_SLOTS) as threads:
        poster = HttpPoster(allow_private=True, seconds=seconds)
        async with build_webhook_worker(stand.env.client, stand.world.database, threads, poster, patience):
            waking = asyncio.create_task(WebhookDispatcher(stand.world.database, stand.env.client).run())
            yield
            waking.cancel()
            with suppress(asyncio.CancelledError):
                await waking


async def until(what: str, happened: Callable[[], object], seconds: float = 30) -> None:
    """Return once something has happened."""
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(happened):
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        await asyncio.sleep(0.1)


async def climb(stand: Stand) -> None:
    """A release, from its first stage to its end."""
    stand.world.publish(STAGES)
    release = await stand.add()
    await stand.until(release, "completed")


def _workflow_id(webhook: str) -> str:
    return WebhookInput(project="shop", webhook=webhook).workflow_id


def test_a_receiver_hears_what_stages_do_in_order_and_the_workflow_ends(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker(), delivering(stand):
            webhook = add_webhook(sqlite, receiver.url(), *ACTED)
            await climb(stand)

            await until("everything to be told", lambda: len(receiver.received) == 5)
            await asyncio.wait_for(stand.env.client.get_workflow_handle(_workflow_id(webhook)).result(), 10)

            assert receiver.events == [*TOLD, ("release.completed", "Production")]
            assert [each.verified(SECRET)["data"]["project"] for each in receiver.received] == ["shop"] * 5
            assert {each.status for each in deliveries_of(sqlite, webhook)} == {DeliveryStatus.DELIVERED}

    with receiving() as receiver:
        asyncio.run(story())


def test_a_dead_receiver_holds_no_release_and_hears_everything_when_it_is_back(sqlite: Database) -> None:
    port = free_port()

    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker(), delivering(stand):
            webhook = add_webhook(sqlite, f"http://127.0.0.1:{port}/", *ACTED)
            await climb(stand)
            await until("an attempt to fail", lambda: deliveries_of(sqlite, webhook)[0].attempts >= 2)

            with receiving(port) as receiver:
                await until("everything to be told", lambda: len(receiver.received) == 5)

                assert sorted(receiver.events) == sorted([*TOLD, ("release.completed", "Production")])
                assert {each.id for each in receiver.received} == {each.id for each in deliveries_of(sqlite, webhook)}

    asyncio.run(story())


def test_more_receivers_than_can_be_waited_for_hold_no_release(sqlite: Database) -> None:
    def sleep(request: BaseHTTPRequestHandler) -> None:
        time.sleep(20)

    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            for _ in range(WEBHOOK_SLOTS + 2):
                add_webhook(sqlite, receiver.url(), WebhookEvent.STAGE_ACTED)
            async with delivering(stand, seconds=8):
                stand.world.publish(pipeline(stage("Development"), stage("Production", "production", "3s")))
                release = await stand.add()
                await until("every slot to be taken", lambda: len(receiver.received) == WEBHOOK_SLOTS)
                taken = time.monotonic()
                record = await stand.until(release, "completed")

                assert record.ended_at
                assert time.monotonic() - taken < 6, "no attempt has come to its end yet"
                assert len(receiver.received) == WEBHOOK_SLOTS

    with receiving() as receiver:
        receiver.answer = sleep
        asyncio.run(story())


def test_people_hear_that_their_approval_is_needed(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker(), delivering(stand):
            add_webhook(sqlite, receiver.url(), WebhookEvent.APPROVAL_NEEDED, WebhookEvent.STAGE_WAITING)
            asking = stage("Production", "production", "1s") | {"gates": [approval(1)]}
            stand.world.publish(pipeline(stage("Development"), asking))
            await stand.add()

            await until("it to be told", lambda: len(receiver.received) == 1)

            assert receiver.events == [("approval.needed", "Production")]
            assert "1" in receiver.received[0].verified(SECRET)["data"]["details"]["message"]

    with receiving() as receiver:
        asyncio.run(story())


def test_what_is_not_taken_comes_again_under_its_id_until_it_is(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker(), delivering(stand):
            webhook = add_webhook(sqlite, receiver.url(), WebhookEvent.RELEASE_COMPLETED)
            await climb(stand)
            await until("it to be delivered", lambda: deliveries_of(sqlite, webhook)[0].status is DeliveryStatus.DELIVERED)

            [delivery] = deliveries_of(sqlite, webhook)
            assert [each.id for each in receiver.received] == [delivery.id] * 3
            assert (delivery.attempts, delivery.last_status) == (3, 204)

    with receiving() as receiver:
        receiver.answer = answering_in_turn(503, 302, 204)
        asyncio.run(story())


def test_a_receiver_that_stays_dead_is_given_up_and_the_workflow_ends(sqlite: Database) -> None:
    patience = SHORT.model_copy(update={"give_up_after": timedelta(seconds=2)})

    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker(), delivering(stand, patience):
            webhook = add_webhook(sqlite, f"http://127.0.0.1:{free_port()}/", *ACTED)
            await climb(stand)
            await until("it to be given up", lambda: {each.status for each in deliveries_of(sqlite, webhook)} == {DeliveryStatus.GIVEN_UP})

            await asyncio.wait_for(stand.env.client.get_workflow_handle(_workflow_id(webhook)).result(), 10)

    asyncio.run(story())


def test_what_is_sent_again_wakes_a_workflow_that_waits_for_hours(sqlite: Database) -> None:
    patience = RetryPolicy(first=timedelta(hours=1), backoff=timedelta(milliseconds=100))

    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker(), delivering(stand, patience):
            webhook = add_webhook(sqlite, receiver.url(), WebhookEvent.RELEASE_COMPLETED)
            await climb(stand)
            await until("the first attempt to be written", lambda: deliveries_of(sqlite, webhook)[0].attempts == 1)
            [failed] = deliveries_of(sqlite, webhook)
            assert failed.last_attempt_at

            with sqlite.transaction() as store:
                store.deliveries.write(failed.sent_again(failed.last_attempt_at), wake_at=failed.last_attempt_at)
            await until("it to be delivered", lambda: deliveries_of(sqlite, webhook)[0].status is DeliveryStatus.DELIVERED)

            assert [each.id for each in receiver.received] == [failed.id] * 2

    with receiving() as receiver:
        receiver.answer = answering_in_turn(500, 204)
        asyncio.run(story())


def test_a_workflow_that_was_terminated_is_followed_by_another_which_delivers_what_was_left(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker(), delivering(stand, RetryPolicy(first=timedelta(hours=1))):
            webhook = add_webhook(sqlite, receiver.url(), WebhookEvent.STAGE_ACTED)
            stand.world.publish(pipeline(stage("Development"), stage("Production", "production", "4s")))
            release = await stand.add()
            await until("the first attempt to be written", lambda: [each.attempts for each in deliveries_of(sqlite, webhook)] == [1])
            handle = stand.env.client.get_workflow_handle(_workflow_id(webhook))

            await handle.terminate()
            with sqlite.transaction() as store:
                [left] = deliveries_of(sqlite, webhook)
                store.deliveries.write(left.sent_again(left.created_at), None)
            await stand.until(release, "completed")

            await until("both to be told", lambda: len(receiver.received) == 3)
            assert receiver.events == [("stage.acted", "Development"), ("stage.acted", "Development"), ("stage.acted", "Production")]
            await asyncio.wait_for(handle.result(), 10)

    with receiving() as receiver:
        receiver.answer = answering_in_turn(500, 204)
        asyncio.run(story())


def test_nothing_that_is_told_and_nothing_secret_enters_temporal(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker(), delivering(stand):
            webhook = add_webhook(sqlite, receiver.url("/path-is-a-password"), *ACTED)
            await climb(stand)
            await until("everything to be told", lambda: len(receiver.received) == 5)

            handle = stand.env.client.get_workflow_handle(_workflow_id(webhook))
            await asyncio.wait_for(handle.result(), 10)
            history = (await handle.fetch_history()).to_json()
            description = await handle.describe()

            assert description.status is WorkflowExecutionStatus.COMPLETED
            assert [word for word in (SECRET, "path-is-a-password", "127.0.0.1", "checkout") if word in history] == []

    with receiving() as receiver:
        asyncio.run(story())
