"""The commands for webhooks."""

from typing import Annotated, Any

import typer

from api.cli.completion import offer_webhook_events, offer_webhooks
from api.cli.help_panels import CHANGE, LOOK, command_group
from api.cli.output import confirm, local_time, show, show_json, show_response, show_table
from api.cli.session import JsonOption, LimitOption, ProjectOption, YesOption, api_client, provided
from api.cli.usage import usage_error
from api.client import first, path_of

app = command_group(
    "Webhooks: URLs that are notified of events in a project.",
    "flaghoist webhooks create https://hooks.example.com/flags -e release.blocked -e approval.needed",
    "flaghoist webhooks deliveries WEBHOOK --status given_up",
    "flaghoist webhooks resend WEBHOOK DELIVERY",
)

WebhookArgument = Annotated[
    str, typer.Argument(metavar="WEBHOOK", help="The webhook's id, from `flaghoist webhooks list`.", autocompletion=offer_webhooks)
]
_EVENT_HELP = "Notify of this event. May be repeated."


@app.command("list", rich_help_panel=LOOK)
def list_webhooks(context: typer.Context, project: ProjectOption, as_json: JsonOption = False, limit: LimitOption = 50) -> None:
    """List the project's webhooks, newest first. Never shows secrets."""
    with api_client(context) as client:
        found = first(limit, client.items(path_of("projects", project, "webhooks")))
    if as_json:
        show_json(found)
    else:
        show_table(["Id", "Name", "URL", "Events"], [[each["id"], each["name"], each["url"], ", ".join(each["events"])] for each in found])


@app.command("show", rich_help_panel=LOOK)
def show_webhook(context: typer.Context, project: ProjectOption, webhook: WebhookArgument, as_json: JsonOption = False) -> None:
    """Show a webhook."""
    with api_client(context) as client:
        found = client.get(path_of("projects", project, "webhooks", webhook))
    show_response(found, f"{_describe(found)}, created {local_time(found['created_at'])}", as_json=as_json)


@app.command("deliveries", rich_help_panel=LOOK)
def list_deliveries(
    context: typer.Context,
    project: ProjectOption,
    webhook: WebhookArgument,
    status: Annotated[str | None, typer.Option(help="Only those with this status: pending, delivered or given_up.")] = None,
    as_json: JsonOption = False,
    limit: LimitOption = 50,
) -> None:
    """List a webhook's recent and pending deliveries, newest first."""
    with api_client(context) as client:
        found = first(limit, client.items(path_of("projects", project, "webhooks", webhook, "deliveries"), status=status))
    if as_json:
        show_json(found)
        return
    times = ("created_at", "next_attempt_at")
    rows = [
        [*(each[field] for field in ("id", "event", "status", "attempts")), _last(each), *(local_time(each[time]) for time in times)]
        for each in found
    ]
    show_table(["Id", "Event", "Status", "Attempts", "Last result", "Event time", "Next attempt"], rows)


@app.command("create", rich_help_panel=CHANGE)
def create_webhook(
    context: typer.Context,
    project: ProjectOption,
    url: Annotated[str, typer.Argument(metavar="URL", help="The https URL to send to.")],
    event: Annotated[
        list[str] | None,
        typer.Option("--event", "-e", help=_EVENT_HELP, show_default="all", autocompletion=offer_webhook_events),
    ] = None,
    name: Annotated[str | None, typer.Option(help="A display name.", show_default="the host")] = None,
    as_json: JsonOption = False,
) -> None:
    """Create a webhook and print its signing secret. The secret is shown only once."""
    with api_client(context) as client:
        created = client.post(path_of("projects", project, "webhooks"), provided(url=url, events=event or None, name=name))
    _show_secret(created, f"Created webhook '{created['name']}' ({created['id']}). Its secret, shown only once:", as_json=as_json)


@app.command("change", rich_help_panel=CHANGE)
def change_webhook(
    context: typer.Context,
    project: ProjectOption,
    webhook: WebhookArgument,
    url: Annotated[str | None, typer.Option("--to", metavar="URL", help="The new URL.", show_default="unchanged")] = None,
    event: Annotated[
        list[str] | None,
        typer.Option("--event", "-e", help=_EVENT_HELP, show_default="unchanged", autocompletion=offer_webhook_events),
    ] = None,
    name: Annotated[str | None, typer.Option(help="A display name.", show_default="unchanged")] = None,
    as_json: JsonOption = False,
) -> None:
    """Change a webhook's URL, events or name."""
    changes = provided(url=url, events=event or None, name=name)
    if not changes:
        raise usage_error("Nothing to change: use --to, --event or --name.")
    with api_client(context) as client:
        changed = client.patch(path_of("projects", project, "webhooks", webhook), changes)
    show_response(changed, f"Changed to {_describe(changed)}.", as_json=as_json)


@app.command("rotate", rich_help_panel=CHANGE)
def rotate_webhook(
    context: typer.Context, project: ProjectOption, webhook: WebhookArgument, yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Replace a webhook's secret and print the new one, once. Both sign for a day. Asks for confirmation."""
    with api_client(context) as client:
        path = path_of("projects", project, "webhooks", webhook)
        etag = None
        if not yes:
            found, etag = client.get_with_etag(path)
            confirm([_describe(found)], "Rotate its secret? The current one stops working after a day.", yes=yes)
        rotated = client.post(f"{path}/rotate", etag=etag)
    until = local_time(rotated["old_secret_until"])
    _show_secret(rotated, f"Rotated. The old secret is valid until {until}. The new one, shown only once:", as_json=as_json)


@app.command("resend", rich_help_panel=CHANGE)
def resend_delivery(
    context: typer.Context,
    project: ProjectOption,
    webhook: WebhookArgument,
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery's id, from `flaghoist webhooks deliveries`.")],
    as_json: JsonOption = False,
) -> None:
    """Send a delivery again with the same `webhook-id`, whatever its status."""
    with api_client(context) as client:
        delivery_sent = client.post(path_of("projects", project, "webhooks", webhook, "deliveries", delivery, "resend"))
    show_response(delivery_sent, f"{delivery_sent['event']} will be sent again.", as_json=as_json)


@app.command("delete", rich_help_panel=CHANGE)
def delete_webhook(context: typer.Context, project: ProjectOption, webhook: WebhookArgument, yes: YesOption = False) -> None:
    """Delete a webhook and its deliveries. Pending ones are not sent. Asks for confirmation."""
    with api_client(context) as client:
        path = path_of("projects", project, "webhooks", webhook)
        etag = None
        if not yes:
            found, etag = client.get_with_etag(path)
            confirm([_describe(found)], f"Permanently delete {webhook}?", yes=yes)
        client.delete(path, etag)
    show(f"Deleted {webhook}.")


def _describe(webhook: dict[str, Any]) -> str:
    return f"'{webhook['name']}' ({webhook['id']}), which notifies {webhook['url']} of {', '.join(webhook['events'])}"


def _last(delivery: dict[str, Any]) -> str:
    return " ".join(str(part) for part in (delivery["last_status"], delivery["last_failure"]) if part is not None)


def _show_secret(webhook: dict[str, Any], line: str, *, as_json: bool) -> None:
    show_response(webhook, line, as_json=as_json)
    if not as_json:
        show(webhook["secret"])
