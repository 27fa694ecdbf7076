"""`flaghoist`: the commands that start processes, and a client of the HTTP API."""

import os
import sys
from typing import Annotated

import typer

from api.cli import (
    audit,
    controls,
    environments,
    features,
    keys,
    pipelines,
    processes,
    projects,
    releases,
    segments,
    simulation,
    status,
    stops_freezes,
    webhooks,
)
from api.cli.api_target import ApiTarget
from api.cli.help_panels import LOOK, RELEASE, SET_UP, InPanels
from api.cli.session import wrong_usage

HELP = """Moves feature flags through release pipelines.

Commands that look or change call the HTTP API. What can't be undone shows its effect and asks.

\b
--yes               skips the question, for scripts
--json              prints what the API answers
FLAGHOIST_PROJECT   the project, where --project is not typed
FLAGHOIST_URL       the API's address, where --url is not typed
FLAGHOIST_KEY       an API key, where --key is not typed

Where `flaghoist dev` runs, in its folder, address and key are found without any of these.

\b
Example:
flaghoist releases add checkout web-app -p shop
"""

EXIT_CODES = "Exit codes: 0 done; 1 refused by the API, or answered with no; 2 wrong usage; 3 the API can't be reached."

app = typer.Typer(help=HELP, epilog=EXIT_CODES, no_args_is_help=True, cls=InPanels, pretty_exceptions_enable=False)


@app.callback()
def choose_api(
    context: typer.Context,
    url: Annotated[
        str, typer.Option(envvar="FLAGHOIST_URL", help="The API's address.", show_default="this machine, at FLAGHOIST_PORT")
    ] = "",
    key: Annotated[
        str, typer.Option(envvar="FLAGHOIST_KEY", help="An API key.", show_default="on this machine, that of `flaghoist dev`")
    ] = "",
) -> None:
    """Remember which API is meant."""
    context.obj = ApiTarget(url, key)


controls.add_to(releases.app)
app.add_typer(releases.app, name="releases", rich_help_panel=RELEASE)
app.add_typer(pipelines.app, name="pipelines", rich_help_panel=RELEASE)
app.add_typer(features.app, name="features", rich_help_panel=RELEASE)
app.add_typer(stops_freezes.stops, name="stops", rich_help_panel=RELEASE)
app.add_typer(stops_freezes.freezes, name="freezes", rich_help_panel=SET_UP)
app.command("simulate", rich_help_panel=RELEASE)(simulation.simulate_pipeline)
app.command("templates", rich_help_panel=LOOK)(simulation.list_templates)
app.command("audit", rich_help_panel=LOOK)(audit.list_audit_entries)
app.command("whoami", rich_help_panel=LOOK)(keys.show_whoami)
app.command("status", rich_help_panel=LOOK)(status.show_status)
app.add_typer(projects.app, name="projects", rich_help_panel=SET_UP)
app.add_typer(environments.app, name="environments", rich_help_panel=SET_UP)
app.add_typer(segments.app, name="segments", rich_help_panel=SET_UP)
app.add_typer(webhooks.app, name="webhooks", rich_help_panel=SET_UP)
app.add_typer(keys.app, name="keys", rich_help_panel=SET_UP)
processes.add_to(app)


def main() -> None:
    """Run the command that was typed."""
    settings = [value for name, value in os.environ.items() if name.startswith("FLAGHOIST_")]
    if odd := [typed for typed in (*sys.argv, *settings) if any("\ud800" <= each <= "\udfff" for each in typed)]:
        sys.exit(wrong_usage(f"{odd[0]!r} is not text: write it in UTF-8.").exit_code)
    app()
