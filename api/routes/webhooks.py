"""Webhooks, which send the events of a project to a URL. Only admins of the project manage them."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from activities.dns import Resolver
from activities.store.database import Store
from activities.store.identifiers import new_id
from api.dependencies import AllowPrivateDep, CallerDep, DatabaseDep, PreconditionDep, SliceDep, WritingDep, now
from api.schemas.lists import ListOf
from api.schemas.webhooks import ChangeWebhook, CreateWebhook, DeliveryView, NewWebhook
from domain.access import Caller
from domain.audit import AuditEvent
from domain.errors import Conflict
from domain.text import Slug
from domain.webhooks.address import WebhookTarget, target_of
from domain.webhooks.signature import secret_of
from domain.webhooks.webhook import MOST_WEBHOOKS, DeliveryStatus, Webhook

router = APIRouter(prefix="/projects/{project}/webhooks", tags=["webhooks"])


@router.post("", status_code=201)
def create_webhook(
    project: Slug, body: CreateWebhook, caller: CallerDep, writing: WritingDep, allow_private: AllowPrivateDep, response: Response
) -> NewWebhook:
    """Create a webhook. Its signing secret is only in this response."""
    caller.must_administer(project)
    target = _resolve(body.url, allow_private=allow_private)
    webhook = Webhook(id=new_id(), name=body.name or target.host[:120], url=body.url, events=body.events, created_at=now())
    secret = secret_of(secrets.token_bytes(32))
    with writing.transaction() as store:
        store.projects.get(project, lock="update")
        if store.webhooks.count(project) >= MOST_WEBHOOKS:
            raise Conflict(f"A project can have at most {MOST_WEBHOOKS} webhooks: delete one first.")
        store.webhooks.add(project, webhook, secret)
        response.headers["ETag"] = store.webhooks.etag(webhook.id)
        _audit(store, caller, AuditEvent.WEBHOOK_CREATED, project, after=_audited(webhook))
        writing.refuse_repetition(store, webhook.id, "webhook")
    return NewWebhook(**dict(webhook), secret=secret)


@router.get("")
def list_webhooks(project: Slug, caller: CallerDep, database: DatabaseDep, slice_: SliceDep) -> ListOf[Webhook]:
    """List the webhooks of the project, newest first."""
    caller.must_administer(project)
    with database.reading() as store:
        page = store.webhooks.page(store.projects.get(project).key, slice_)
    return ListOf(items=page.items, next=page.next)


@router.get("/{webhook}")
def get_webhook(project: Slug, webhook: Slug, caller: CallerDep, database: DatabaseDep, response: Response) -> Webhook:
    """Return one webhook."""
    caller.must_administer(project)
    with database.reading() as store:
        found = store.webhooks.get(store.projects.get(project).key, webhook)
        response.headers["ETag"] = store.webhooks.etag(found.id)
    return found


@router.patch("/{webhook}")
def change_webhook(
    project: Slug,
    webhook: Slug,
    body: ChangeWebhook,
    precondition: PreconditionDep,
    caller: CallerDep,
    database: DatabaseDep,
    allow_private: AllowPrivateDep,
    response: Response,
) -> Webhook:
    """Change the URL, the events or the name of a webhook. Pending deliveries go to the new URL."""
    caller.must_administer(project)
    if body.url is not None:
        _resolve(body.url, allow_private=allow_private)
    with database.transaction() as store:
        found = store.webhooks.get(store.projects.get(project, lock="share").key, webhook, lock=True)
        precondition.check(store.webhooks.etag(found.id), "The webhook")
        changed = found.model_copy(update={name: value for name, value in body if value is not None})
        store.webhooks.write(changed)
        response.headers["ETag"] = store.webhooks.etag(found.id)
        _audit(store, caller, AuditEvent.WEBHOOK_CHANGED, project, before=_audited(found), after=_audited(changed))
    return changed


@router.post("/{webhook}/rotate")
def rotate_webhook(
    project: Slug, webhook: Slug, precondition: PreconditionDep, caller: CallerDep, writing: WritingDep, response: Response
) -> NewWebhook:
    """Rotate the signing secret of a webhook. The new secret is only in this response; for a day the old one signs as well."""
    caller.must_administer(project)
    secret = secret_of(secrets.token_bytes(32))
    with writing.transaction() as store:
        found = store.webhooks.get(store.projects.get(project, lock="share").key, webhook, lock=True)
        precondition.check(store.webhooks.etag(found.id), "The webhook")
        rotated = store.webhooks.rotate(found.id, secret, now())
        response.headers["ETag"] = store.webhooks.etag(found.id)
        _audit(store, caller, AuditEvent.WEBHOOK_ROTATED, project, after=_audited(found))
        writing.refuse_repetition(store, found.id, "webhook")
    return NewWebhook(**dict(found), secret=secret, old_secret_until=rotated.old_until)


@router.delete("/{webhook}", status_code=204)
def delete_webhook(project: Slug, webhook: Slug, precondition: PreconditionDep, caller: CallerDep, database: DatabaseDep) -> None:
    """Delete a webhook with its secret and its deliveries. Pending deliveries are not sent."""
    caller.must_administer(project)
    with database.transaction() as store:
        found = store.webhooks.get(store.projects.get(project, lock="share").key, webhook, lock=True)
        precondition.check(store.webhooks.etag(found.id), "The webhook")
        store.webhooks.delete(found.id)
        _audit(store, caller, AuditEvent.WEBHOOK_DELETED, project, before=_audited(found))


@router.get("/{webhook}/deliveries")
def list_deliveries(
    project: Slug,
    webhook: Slug,
    caller: CallerDep,
    database: DatabaseDep,
    slice_: SliceDep,
    status: Annotated[DeliveryStatus | None, Query(description="Only deliveries with this status")] = None,
) -> ListOf[DeliveryView]:
    """List the deliveries of a webhook: those of the last 30 days, and all pending ones, newest first."""
    caller.must_administer(project)
    with database.reading() as store:
        found = store.webhooks.get(store.projects.get(project).key, webhook)
        page = store.deliveries.page(found.id, slice_, status)
    return ListOf(items=[DeliveryView.model_validate(each) for each in page.items], next=page.next)


@router.post("/{webhook}/deliveries/{delivery}/resend", status_code=202)
def resend_delivery(project: Slug, webhook: Slug, delivery: Slug, caller: CallerDep, writing: WritingDep) -> DeliveryView:
    """Send a delivery again at once, with the same `webhook-id`, whatever its status."""
    caller.must_administer(project)
    at = now()
    with writing.transaction() as store:
        found = store.webhooks.get(store.projects.get(project, lock="share").key, webhook)
        again = store.deliveries.get(found.id, delivery, lock=True).sent_again(at)
        store.deliveries.write(again, wake_at=at)
        _audit(store, caller, AuditEvent.WEBHOOK_RESENT, project, release=again.release, after=_audited(found) | {"delivery": again.id})
        return writing.answer(store, DeliveryView.model_validate(again))


def _resolve(url: str, *, allow_private: bool) -> WebhookTarget:
    """Check a URL and the current addresses of its host. Raises AddressRefused."""
    target = target_of(url, allow_private=allow_private)
    Resolver(allow_private=allow_private).resolve(target)
    return target


def _audited(webhook: Webhook) -> dict[str, Any]:
    """Return the audited fields of a webhook. Only the host of its URL is included, because paths often contain secrets."""
    target = target_of(webhook.url, allow_private=True)
    return webhook.model_dump(mode="json", include={"id", "name", "events"}) | {"host": target.host}


def _audit(store: Store, caller: Caller, event: AuditEvent, project: str, **about: Any) -> None:
    store.audit.record(caller, event, now(), project=project, **about)
