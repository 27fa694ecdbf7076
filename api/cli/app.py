"""`flaghoist`: the commands that start processes, and a client of the HTTP API."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.api_target import ApiTarget
from api.cli.help_panels import LOOK, RELEASE, RUN, SET_UP
from api.cli.lazy import Entry, LazyModule, lazy_group, leave_out
from api.cli.usage import usage_error

if TYPE_CHECKING:
    from importlib import metadata
else:
    metadata = LazyModule("importlib.metadata")

HELP = """Moves feature flags through release pipelines.

Commands that read or change something call the HTTP API. Commands that can't be undone show their effect and ask for confirmation.

\b
--yes               skips the confirmation, for scripts
--json              prints the API's response
FLAGHOIST_PROJECT   the default of --project
FLAGHOIST_URL       the default of --url
FLAGHOIST_KEY       the default of --key

In the folder where `flaghoist dev` runs, the address and the key are found without any of these.

\b
Example:
flaghoist releases add checkout web-app -p shop
"""

EXIT_CODES = "Exit codes: 0 success; 1 refused by the API, or not confirmed; 2 usage error; 3 the API is unreachable."

COMMANDS = {
    "releases": Entry("api.cli.releases:app", RELEASE, "Releases: flags moving through pipelines."),
    "pipelines": Entry("api.cli.pipelines:app", RELEASE, "Pipelines: drafted, published and from then on immutable, cloned, archived."),
    "features": Entry("api.cli.features:app", RELEASE, "Features, and changes to their flags by hand."),
    "stops": Entry("api.cli.stops_freezes:stops", RELEASE, "Place and lift stops: while one is active, nothing in its scope acts."),
    "simulate": Entry(
        "api.cli.simulation:simulate_pipeline",
        RELEASE,
        "Show when each stage would act, and any obstacles. Changes nothing. Exit code 1 if there are obstacles.",
    ),
    "templates": Entry(
        "api.cli.simulation:list_templates",
        LOOK,
        "List the pipeline templates. `flaghoist pipelines create --template NAME` drafts a pipeline from one.",
    ),
    "experiments": Entry("api.cli.experiment_plan:app", LOOK, "Experiments: plan how long one takes."),
    "audit": Entry("api.cli.audit:list_audit_entries", LOOK, "List audit log entries, newest first: up to --limit, or all with --export."),
    "whoami": Entry("api.cli.keys:show_whoami", LOOK, "Show the owner of your key, and its grants."),
    "status": Entry(
        "api.cli.status:show_status",
        LOOK,
        "Show the health of the system: workers, Temporal and overdue releases. Exit code 1 on a delay or an outage.",
    ),
    "projects": Entry("api.cli.projects:app", SET_UP, "Projects: each owns environments, features, segments and pipelines."),
    "environments": Entry("api.cli.environments:app", SET_UP, "Environments: where flags are evaluated."),
    "segments": Entry("api.cli.segments:app", SET_UP, "Segments: named sets of identities, defined by rules over traits."),
    "import": Entry("api.cli.imports:app", SET_UP, "Copy flags and segments from another flag system."),
    "provider": Entry("api.cli.provider:app", SET_UP, "Providers: the flag system in which a project's flags are kept, if not here."),
    "sources": Entry("api.cli.sources:app", SET_UP, "Metric sources: where a project's metrics come from."),
    "metrics": Entry("api.cli.metrics:app", SET_UP, "Metrics: named questions to a metric source."),
    "freezes": Entry("api.cli.stops_freezes:freezes", SET_UP, "Freezes: named periods in which nothing acts."),
    "webhooks": Entry("api.cli.webhooks:app", SET_UP, "Webhooks: URLs that are notified of events in a project."),
    "keys": Entry("api.cli.keys:app", SET_UP, "API keys: each belongs to a person or a service. Secrets are shown only once."),
    "secret-key": Entry(
        "api.cli.secret_key:make_secret_key",
        SET_UP,
        "Print a new key for FLAGHOIST_SECRET_KEYS, with which credentials of flag systems are encrypted. Stores nothing.",
    ),
    "dev": Entry(
        "api.cli.processes:start_dev", RUN, "Start everything on this machine: a Temporal dev server, a worker and the API, with a demo."
    ),
    "api": Entry("api.cli.processes:start_api", RUN, "Serve the HTTP API."),
    "worker": Entry("api.cli.processes:start_worker", RUN, "Run a worker, which carries out the stages of releases."),
    "migrate": Entry("api.cli.processes:migrate", RUN, "Migrate the database to this version's schema."),
    "bootstrap": Entry(
        "api.cli.processes:bootstrap",
        RUN,
        "Prepare a deployment: Temporal's namespace and search attributes, the database, and the bootstrap key. Safe to repeat.",
    ),
    "replay": Entry(
        "api.cli.processes:replay",
        RUN,
        "Replay every open workflow with this version, before its workers start. Exit code 1 if it can't continue one of them.",
    ),
}

app = typer.Typer(help=HELP, epilog=EXIT_CODES, no_args_is_help=True, cls=lazy_group(COMMANDS), pretty_exceptions_enable=False)


def show_version(requested: bool) -> None:
    """Print the version and exit, if requested."""
    if requested:
        typer.echo(f"flaghoist {metadata.version('flaghoist')}")
        raise typer.Exit


@app.callback()
def choose_api(
    context: typer.Context,
    url: Annotated[
        str, typer.Option(envvar="FLAGHOIST_URL", help="The API's address.", show_default="this machine, at FLAGHOIST_PORT")
    ] = "",
    key: Annotated[
        str, typer.Option(envvar="FLAGHOIST_KEY", help="An API key.", show_default="on this machine, the one of `flaghoist dev`")
    ] = "",
    _: Annotated[bool, typer.Option("--version", help="Print the version and exit.", callback=show_version, is_eager=True)] = False,
) -> None:
    """Keep the API's address and the key for the command."""
    context.obj = ApiTarget(url, key)


def main() -> None:
    """Run the command that was typed."""
    settings = [value for name, value in os.environ.items() if name.startswith("FLAGHOIST_")]
    if invalid := [text for text in (*sys.argv, *settings) if any("\ud800" <= each <= "\udfff" for each in text)]:
        sys.exit(usage_error(f"{invalid[0]!r} is not valid UTF-8.").exit_code)
    leave_out("httpx._main")  # Its command-line tool. Importing that takes as long as the rest of httpx.
    app()
