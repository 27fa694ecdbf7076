"""The webhooks of a project, and their deliveries. Only admins of the project see them."""

from fastapi import APIRouter, Response

from activities.store.paging import MOST, Slice
from api.dashboard.forms import Field, Form, Plan, change, chosen, confirm, create, etag_of, given, show_form, show_secret
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormDep, FormFields, LongFormDep
from api.dashboard.site import Site, SiteDep
from api.dashboard.texts import changed_texts, words
from api.dependencies import AllowPrivateDep
from api.routes import webhooks as api
from api.schemas.webhooks import ChangeWebhook, CreateWebhook
from domain.entity_tag import Precondition
from domain.text import Slug
from domain.webhooks.event import WebhookEvent
from domain.webhooks.webhook import DeliveryStatus, Webhook

router = APIRouter(prefix="/projects/{project}/webhooks", route_class=PageRoute, include_in_schema=False)

_FIELDS = (
    Field("/url", "URL", hint="https://…"),
    Field("/name", "Name", hint="(optional: the host)"),
    Field("/events", "Events", "checks", choices=[(each.value, each.value) for each in WebhookEvent]),
)


@router.get("")
def show_webhooks(site: SiteDep, done: str = "") -> Response:
    """List the webhooks."""
    webhooks = api.list_webhooks(site.key, site.caller, site.database, Slice(limit=MOST)).items
    return site.page("webhooks.html", "webhooks", webhooks=webhooks, done=done == "yes")


@router.get("/new")
def show_new(site: SiteDep) -> Response:
    """Ask for a webhook, by default for all events."""
    site.caller.must_administer(site.key)
    return show_form(site, _new(site), {f"/events/{each.value}": "on" for each in WebhookEvent})


@router.post("/new")
def add(site: SiteDep, fields: LongFormDep, allow_private: AllowPrivateDep) -> Response:
    """Create the webhook, and show its secret."""

    def act() -> Response:
        body = CreateWebhook.model_validate(_body(fields))
        made = api.create_webhook(site.key, body, site.caller, site.writing(fields.get("once", "")), allow_private, Response())
        return show_secret(site, "webhooks", f"Webhook {made.name} was created", made.secret, _home(site))

    return create(site, _new(site), fields, act)


@router.get("/{webhook}")
def show_webhook(site: SiteDep, webhook: Slug, status: DeliveryStatus | None = None, cursor: str | None = None) -> Response:
    """Show one webhook and its deliveries."""
    view = _get(site, webhook)
    page = api.list_deliveries(site.key, webhook, site.caller, site.database, Slice(cursor), status)
    return site.page("webhook.html", "webhooks", webhook=view, deliveries=page.items, next=page.next, status=status)


@router.get("/{webhook}/edit")
def show_edit(site: SiteDep, webhook: Slug) -> Response:
    """Ask for another URL, name or list of events."""
    view = _get(site, webhook)
    values = {"/url": view.url, "/name": view.name} | {f"/events/{each.value}": "on" for each in view.events}
    return show_form(site, _edited(site, view), values, etag=_etag(site, webhook))


@router.post("/{webhook}/edit")
def edit(site: SiteDep, webhook: Slug, fields: LongFormDep, allow_private: AllowPrivateDep) -> Response:
    """Change the webhook."""

    def plan() -> Plan:
        before = _get(site, webhook)
        body = ChangeWebhook.model_validate(_body(fields) | {name: fields.get(f"/{name}", "") for name in ("url", "name")})
        after = before.model_copy(update=body.model_dump(exclude_none=True))

        def act(shown: Precondition) -> str:
            api.change_webhook(site.key, webhook, body, shown, site.caller, site.database, allow_private, Response())
            return f"{_home(site)}?done=yes"

        return Plan(changed_texts(_texts(before), _texts(after)), ["Pending deliveries go to this URL as well."], act)

    return change(site, _edited(site, _get(site, webhook)), fields, lambda: _etag(site, webhook), plan)


@router.get("/{webhook}/rotate")
def show_rotate(site: SiteDep, webhook: Slug) -> Response:
    """Ask before the secret is replaced."""
    return show_form(site, _rotated(site, _get(site, webhook)), {}, etag=_etag(site, webhook))


@router.post("/{webhook}/rotate")
def rotate(site: SiteDep, webhook: Slug, fields: LongFormDep) -> Response:
    """Replace the secret, and show the new one."""

    def act(shown: Precondition) -> Response:
        rotated = api.rotate_webhook(site.key, webhook, shown, site.caller, site.writing(fields.get("once", "")), Response())
        return show_secret(site, "webhooks", f"The secret of {rotated.name} was replaced", rotated.secret, _home(site))

    return confirm(site, _rotated(site, _get(site, webhook)), fields, lambda: _etag(site, webhook), act)


@router.get("/{webhook}/delete")
def show_delete(site: SiteDep, webhook: Slug) -> Response:
    """Ask before the webhook is deleted."""
    return show_form(site, _deleted(site, _get(site, webhook)), {}, etag=_etag(site, webhook))


@router.post("/{webhook}/delete")
def delete(site: SiteDep, webhook: Slug, fields: LongFormDep) -> Response:
    """Delete the webhook."""

    def act(shown: Precondition) -> str:
        api.delete_webhook(site.key, webhook, shown, site.caller, site.database)
        return f"{_home(site)}?done=yes"

    return confirm(site, _deleted(site, _get(site, webhook)), fields, lambda: _etag(site, webhook), act)


@router.get("/{webhook}/deliveries/{delivery}/resend")
def show_resend(site: SiteDep, webhook: Slug, delivery: Slug) -> Response:
    """Ask before a delivery is sent again."""
    return show_form(site, _resent(site, _get(site, webhook), delivery), {})


@router.post("/{webhook}/deliveries/{delivery}/resend")
def resend(site: SiteDep, webhook: Slug, delivery: Slug, fields: FormDep) -> Response:
    """Send a delivery again."""

    def act() -> str:
        api.resend_delivery(site.key, webhook, delivery, site.caller, site.writing(fields.get("once", "")))
        return f"{_home(site)}/{webhook}"

    return create(site, _resent(site, _get(site, webhook), delivery), fields, act)


def _body(fields: FormFields) -> dict[str, object]:
    return {**given(fields, "url", "name"), "events": chosen(fields, "/events")}


def _texts(webhook: Webhook) -> dict[str, str]:
    return {"url": webhook.url, "name": webhook.name, "events": ", ".join(webhook.events)}


def _new(site: Site) -> Form:
    return Form("Create a webhook", "Create", "webhooks", _home(site), "Webhooks", _FIELDS)


def _edited(site: Site, webhook: Webhook) -> Form:
    return Form(f"Change {webhook.name}", "Change the webhook", "webhooks", _home(site), "Webhooks", _FIELDS, has_preview=True)


def _rotated(site: Site, webhook: Webhook) -> Form:
    effects = ("The new secret is shown once. For a day, the old one signs as well.",)
    heading = f"Replace the secret of {webhook.name}?"
    return Form(heading, "Replace the secret", "webhooks", _home(site), "Webhooks", effects=effects, is_danger=True)


def _deleted(site: Site, webhook: Webhook) -> Form:
    effects = ("Its secret and its deliveries are deleted, and pending ones are not sent. This can't be undone.",)
    return Form(f"Delete {webhook.name}?", "Delete", "webhooks", _home(site), "Webhooks", effects=effects, is_danger=True)


def _resent(site: Site, webhook: Webhook, delivery: str) -> Form:
    with site.database.reading() as store:
        found = store.deliveries.get(webhook.id, delivery)
    before = f"Its status is {words(found.status)}. Attempts so far: {found.attempts}."
    effects = (f"The event {found.event} is sent to {webhook.url} at once, with the same webhook-id as before.", before)
    back = f"{_home(site)}/{webhook.id}"
    return Form("Send a delivery again?", "Send again", "webhooks", back, webhook.name, effects=effects)


def _get(site: Site, webhook: str) -> Webhook:
    return api.get_webhook(site.key, webhook, site.caller, site.database, Response())


def _etag(site: Site, webhook: str) -> str:
    return etag_of(lambda answer: api.get_webhook(site.key, webhook, site.caller, site.database, answer))


def _home(site: Site) -> str:
    return f"/projects/{site.key}/webhooks"
