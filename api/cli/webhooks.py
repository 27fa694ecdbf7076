"""Webhooks, from a terminal."""

from typing import Annotated, Any

import typer

from api.cli.completion import offer_notices, offer_webhooks
from api.cli.help_panels import CHANGE, LOOK, InPanels, with_examples
from api.cli.output import ask, moment, show, show_answer, show_json, show_table
from api.cli.session import AsJson, Limit, ProjectOption, Yes, calling, given, wrong_usage
from api.client import first, path_of

app = typer.Typer(
    help=with_examples(
        "Webhooks: addresses that are told what happens in a project.",
        "flaghoist webhooks create https://hooks.example.com/flags -e release.blocked -e approval.needed",
        "flaghoist webhooks deliveries WEBHOOK --status given_up",
        "flaghoist webhooks resend WEBHOOK DELIVERY",
    ),
    no_args_is_help=True,
    cls=InPanels,
)

Which = Annotated[str, typer.Argument(metavar="WEBHOOK", help="Its id, as `webhooks list` shows it.", autocompletion=offer_webhooks)]
Events = Annotated[
    list[str] | None,
    typer.Option("--event", "-e", help="Tell of this event; may be repeated.", show_default="all", autocompletion=offer_notices),
]


@app.command("list", rich_help_panel=LOOK)
def list_webhooks(context: typer.Context, project: ProjectOption, as_json: AsJson = False, limit: Limit = 50) -> None:
    """The project's webhooks, newest first; never their secrets."""
    with calling(context) as client:
        found = first(limit, client.items(path_of("projects", project, "webhooks")))
    if as_json:
        show_json(found)
    else:
        show_table(["Id", "Name", "URL", "Events"], [[each["id"], each["name"], each["url"], ", ".join(each["events"])] for each in found])


@app.command("show", rich_help_panel=LOOK)
def show_webhook(context: typer.Context, project: ProjectOption, webhook: Which, as_json: AsJson = False) -> None:
    """One webhook."""
    with calling(context) as client:
        found = client.get(path_of("projects", project, "webhooks", webhook))
    show_answer(found, f"{_in_words(found)}, made {moment(found['created_at'])}", as_json=as_json)


@app.command("deliveries", rich_help_panel=LOOK)
def list_deliveries(
    context: typer.Context,
    project: ProjectOption,
    webhook: Which,
    status: Annotated[str | None, typer.Option(help="Only those that are pending, delivered or given_up.")] = None,
    as_json: AsJson = False,
    limit: Limit = 50,
) -> None:
    """What a webhook was told lately, or is still to be told, newest first."""
    with calling(context) as client:
        found = first(limit, client.items(path_of("projects", project, "webhooks", webhook, "deliveries"), status=status))
    if as_json:
        show_json(found)
        return
    times = ("created_at", "next_attempt_at")
    rows = [
        [*(each[field] for field in ("id", "event", "status", "attempts")), _last(each), *(moment(each[at]) for at in times)]
        for each in found
    ]
    show_table(["Id", "Event", "Status", "Attempts", "Last", "Happened", "Next attempt"], rows)


@app.command("create", rich_help_panel=CHANGE)
def create_webhook(
    context: typer.Context,
    project: ProjectOption,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to, with https.")],
    event: Events = None,
    name: Annotated[str | None, typer.Option(help="What people call it.", show_default="its host")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a webhook, and print the secret that it signs with, which is shown this once."""
    with calling(context) as client:
        made = client.post(path_of("projects", project, "webhooks"), given(url=url, events=event or None, name=name))
    _show_secret(made, f"Made webhook '{made['name']}' ({made['id']}). Its secret, which is shown this once:", as_json=as_json)


@app.command("change", rich_help_panel=CHANGE)
def change_webhook(
    context: typer.Context,
    project: ProjectOption,
    webhook: Which,
    url: Annotated[str | None, typer.Option("--to", metavar="URL", help="Another address.", show_default="the same")] = None,
    event: Annotated[
        list[str] | None,
        typer.Option("--event", "-e", help="Tell of this event; may be repeated.", show_default="the same", autocompletion=offer_notices),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What people call it.", show_default="the same")] = None,
    as_json: AsJson = False,
) -> None:
    """Change where a webhook leads, what it tells of, or its name."""
    changes = given(url=url, events=event or None, name=name)
    if not changes:
        raise wrong_usage("Say what to change: --to, --event or --name.")
    with calling(context) as client:
        changed = client.patch(path_of("projects", project, "webhooks", webhook), changes)
    show_answer(changed, f"Changed to {_in_words(changed)}.", as_json=as_json)


@app.command("rotate", rich_help_panel=CHANGE)
def rotate_webhook(context: typer.Context, project: ProjectOption, webhook: Which, yes: Yes = False, as_json: AsJson = False) -> None:
    """Give a webhook another secret and print it, this once; for a day it signs with the old one too; asks first."""
    with calling(context) as client:
        path = path_of("projects", project, "webhooks", webhook)
        if not yes:
            ask([_in_words(client.get(path))], "Rotate its secret, so that the one of today verifies nothing from tomorrow on?", yes=yes)
        rotated = client.post(f"{path}/rotate")
    until = moment(rotated["old_secret_until"])
    _show_secret(rotated, f"Rotated. The old secret is good until {until}; the new one, which is shown this once:", as_json=as_json)


@app.command("resend", rich_help_panel=CHANGE)
def resend_delivery(
    context: typer.Context,
    project: ProjectOption,
    webhook: Which,
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="Its id, as `webhooks deliveries` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Deliver once more, with the same `webhook-id`, whatever came of it before."""
    with calling(context) as client:
        again = client.post(path_of("projects", project, "webhooks", webhook, "deliveries", delivery, "resend"))
    show_answer(again, f"{again['event']} is sent again.", as_json=as_json)


@app.command("delete", rich_help_panel=CHANGE)
def delete_webhook(context: typer.Context, project: ProjectOption, webhook: Which, yes: Yes = False) -> None:
    """Delete a webhook with its deliveries; what it was still to be told it is not; asks first."""
    with calling(context) as client:
        path = path_of("projects", project, "webhooks", webhook)
        if not yes:
            ask([_in_words(client.get(path))], f"Delete {webhook}, for good?", yes=yes)
        client.delete(path)
    show(f"Deleted {webhook}.")


def _in_words(webhook: dict[str, Any]) -> str:
    return f"'{webhook['name']}' ({webhook['id']}), which tells {webhook['url']} of {', '.join(webhook['events'])}"


def _last(delivery: dict[str, Any]) -> str:
    return " ".join(str(part) for part in (delivery["last_status"], delivery["last_failure"]) if part is not None)


def _show_secret(made: dict[str, Any], line: str, *, as_json: bool) -> None:
    show_answer(made, line, as_json=as_json)
    if not as_json:
        show(made["secret"])
