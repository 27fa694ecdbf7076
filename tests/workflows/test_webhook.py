"""Webhooks on a real Temporal: events are delivered, again if need be, and no receiver ever delays a release."""

import asyncio
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from activities.store.database import Database
from domain.releases.control import Control
from domain.webhooks.event import WebhookEvent
from domain.webhooks.webhook import DeliveryStatus, RetryPolicy
from tests.pipelines import approval, hold, pipeline, stage
from tests.ports import free_port
from tests.receiver import answering, answering_in_turn, receiving
from tests.waiting import wait_until
from tests.webhooks import SECRET, add_webhook, deliveries_of
from tests.workflows.controls import send
from tests.workflows.harness import Harness, dev_server_harness
from tests.workflows.webhooks import SHORT, webhook_handle, webhook_worker
from workflows.messages import WEBHOOK, WEBHOOK_QUEUE, WebhookInput
from workflows.service.worker_pools import WEBHOOK_SLOTS

ACTED = (WebhookEvent.STAGE_ACTED, WebhookEvent.STAGE_HOLD_ENDED, WebhookEvent.RELEASE_COMPLETED)
STAGES = pipeline(stage("Development"), stage("Staging", "staging"), hold("Watch", "1s"), stage("Production", "production"))
EVENTS = [
    ("stage.acted", "Development"),
    ("stage.acted", "Staging"),
    ("stage.hold_ended", "Watch"),
    ("stage.acted", "Production"),
    ("release.completed", "Production"),
]


async def complete_a_release(harness: Harness) -> None:
    harness.world.publish(STAGES)
    release = await harness.add()
    await harness.until(release, "completed")


def test_receiver_gets_all_events_in_order_and_the_workflow_ends(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker(), webhook_worker(harness):
            webhook = add_webhook(sqlite, receiver.url(), *ACTED)
            await complete_a_release(harness)

            await wait_until("all events", lambda: len(receiver.received) == 5)
            await harness.result(webhook_handle(harness, webhook))

            assert receiver.events == EVENTS
            assert [each.verified(SECRET)["data"]["project"] for each in receiver.received] == ["shop"] * 5
            assert {each.status for each in deliveries_of(sqlite, webhook)} == {DeliveryStatus.DELIVERED}

    with receiving() as receiver:
        asyncio.run(scenario())


def test_receiver_that_is_down_delays_no_release_and_gets_every_event_when_it_is_back(sqlite: Database) -> None:
    port = free_port()

    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker(), webhook_worker(harness):
            webhook = add_webhook(sqlite, f"http://127.0.0.1:{port}/", *ACTED)
            await complete_a_release(harness)
            await wait_until("two failed attempts", lambda: deliveries_of(sqlite, webhook)[0].attempts >= 2)

            with receiving(port) as receiver:
                await wait_until("all events", lambda: len(receiver.received) == 5)

                assert sorted(receiver.events) == sorted(EVENTS)
                assert {each.id for each in receiver.received} == {each.id for each in deliveries_of(sqlite, webhook)}

    asyncio.run(scenario())


def test_receivers_that_occupy_every_slot_delay_no_release(sqlite: Database) -> None:
    answers = threading.Event()

    def wait(request: BaseHTTPRequestHandler) -> None:
        answers.wait(120)
        answering(204)(request)

    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            webhooks = [add_webhook(sqlite, receiver.url(), WebhookEvent.STAGE_ACTED) for _ in range(WEBHOOK_SLOTS + 2)]
            async with webhook_worker(harness, seconds=120):
                harness.world.publish(pipeline(stage("Development"), stage("Production", "production", "1h")))
                release = await harness.add()
                await wait_until("every slot to be occupied", lambda: len(receiver.received) == WEBHOOK_SLOTS)
                await harness.until_timer_set(release)
                await send(harness, release, Control.ADVANCE)
                await harness.until(release, "completed")

                assert len(receiver.received) == WEBHOOK_SLOTS
                attempts = [each.attempts for webhook in webhooks for each in deliveries_of(sqlite, webhook)]
                assert set(attempts) == {0}, "no attempt has ended yet"
                answers.set()

    with receiving() as receiver:
        receiver.answer = wait
        asyncio.run(scenario())


def test_webhook_reports_that_an_approval_is_needed(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker(), webhook_worker(harness):
            add_webhook(sqlite, receiver.url(), WebhookEvent.APPROVAL_NEEDED, WebhookEvent.STAGE_WAITING)
            gated = stage("Production", "production", "1s") | {"gates": [approval(1)]}
            harness.world.publish(pipeline(stage("Development"), gated))
            await harness.add()

            await wait_until("the event", lambda: receiver.received)

            assert receiver.events == [("approval.needed", "Production")]
            assert "1" in receiver.received[0].verified(SECRET)["data"]["details"]["message"]

    with receiving() as receiver:
        asyncio.run(scenario())


def test_refused_delivery_is_repeated_under_its_id_until_it_is_accepted(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker(), webhook_worker(harness):
            webhook = add_webhook(sqlite, receiver.url(), WebhookEvent.RELEASE_COMPLETED)
            await complete_a_release(harness)
            await wait_until("the delivery", lambda: deliveries_of(sqlite, webhook)[0].status is DeliveryStatus.DELIVERED)

            [delivery] = deliveries_of(sqlite, webhook)
            assert [each.id for each in receiver.received] == [delivery.id] * 3
            assert (delivery.attempts, delivery.last_status) == (3, 204)

    with receiving() as receiver:
        receiver.answer = answering_in_turn(503, 302, 204)
        asyncio.run(scenario())


def test_deliveries_to_a_receiver_that_stays_down_are_given_up_and_the_workflow_ends(sqlite: Database) -> None:
    policy = SHORT.model_copy(update={"give_up_after": timedelta(seconds=2)})

    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker(), webhook_worker(harness, policy):
            webhook = add_webhook(sqlite, f"http://127.0.0.1:{free_port()}/", *ACTED)
            await complete_a_release(harness)
            statuses = {DeliveryStatus.GIVEN_UP}
            await wait_until("all deliveries to be given up", lambda: {each.status for each in deliveries_of(sqlite, webhook)} == statuses)

            await harness.result(webhook_handle(harness, webhook))

    asyncio.run(scenario())


def test_sending_a_delivery_again_wakes_a_workflow_that_waits_for_hours(sqlite: Database) -> None:
    policy = RetryPolicy(first=timedelta(hours=1), backoff=timedelta(milliseconds=100))

    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker(), webhook_worker(harness, policy):
            webhook = add_webhook(sqlite, receiver.url(), WebhookEvent.RELEASE_COMPLETED)
            await complete_a_release(harness)
            await wait_until("the first attempt", lambda: deliveries_of(sqlite, webhook)[0].attempts == 1)
            [failed] = deliveries_of(sqlite, webhook)
            assert failed.last_attempt_at

            with sqlite.transaction() as store:
                store.deliveries.write(failed.sent_again(failed.last_attempt_at), wake_at=failed.last_attempt_at)
            await wait_until("the delivery", lambda: deliveries_of(sqlite, webhook)[0].status is DeliveryStatus.DELIVERED)

            assert [each.id for each in receiver.received] == [failed.id] * 2

    with receiving() as receiver:
        receiver.answer = answering_in_turn(500, 204)
        asyncio.run(scenario())


def test_new_workflow_delivers_what_a_terminated_one_left(sqlite: Database) -> None:
    policy = RetryPolicy(first=timedelta(hours=1))

    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker(), webhook_worker(harness, policy):
            webhook = add_webhook(sqlite, receiver.url(), WebhookEvent.STAGE_ACTED)
            harness.world.publish(pipeline(stage("Development"), stage("Production", "production", "1h")))
            release = await harness.add()
            await wait_until("the first attempt", lambda: [each.attempts for each in deliveries_of(sqlite, webhook)] == [1])
            handle = webhook_handle(harness, webhook)

            await handle.terminate()
            with sqlite.transaction() as store:
                [left] = deliveries_of(sqlite, webhook)
                store.deliveries.write(left.sent_again(left.created_at), None)
            await harness.until_timer_set(release)
            await send(harness, release, Control.ADVANCE)
            await harness.until(release, "completed")

            await wait_until("both events", lambda: len(receiver.received) == 3)
            assert receiver.events == [("stage.acted", "Development"), ("stage.acted", "Development"), ("stage.acted", "Production")]
            await harness.result(handle)

    with receiving() as receiver:
        receiver.answer = answering_in_turn(500, 204)
        asyncio.run(scenario())


def test_no_event_and_no_secret_enters_temporal(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker(), webhook_worker(harness):
            webhook = add_webhook(sqlite, receiver.url("/path-is-a-password"), *ACTED)
            await complete_a_release(harness)
            await wait_until("all events", lambda: len(receiver.received) == 5)

            handle = webhook_handle(harness, webhook)
            await harness.result(handle)
            history = (await handle.fetch_history()).to_json()
            description = await handle.describe()

            assert description.status is WorkflowExecutionStatus.COMPLETED
            assert [word for word in (SECRET, "path-is-a-password", "127.0.0.1", "checkout") if word in history] == []

    with receiving() as receiver:
        asyncio.run(scenario())


def test_workflow_that_was_started_under_its_id_with_payload_keys_goes_on_without_them(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            add_webhook(sqlite, receiver.url(), *ACTED)
            named = webhook_handle(harness)
            started = WebhookInput(project="shop", webhook=named.id.rpartition("/")[2])
            await harness.env.client.start_workflow(WEBHOOK, started, id=started.nameless_workflow_id, task_queue=WEBHOOK_QUEUE)
            await complete_a_release(harness)
            async with webhook_worker(harness):
                await wait_until("all events", lambda: len(receiver.received) == 5)

            assert receiver.events == EVENTS
            with pytest.raises(RPCError, match="not found"):
                await named.describe()

    with receiving() as receiver:
        asyncio.run(scenario())
