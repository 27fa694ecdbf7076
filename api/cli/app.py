"""`flaghoist`: the commands that start processes, and a client of the HTTP API."""

from typing import Annotated

import typer

from api.cli import audit, features, pipelines, processes, releases
from api.cli.session import Target

app = typer.Typer(
    help="Moves feature flags through release pipelines. Exit codes: 0 done, 1 refused, 2 wrong usage, 3 the API can't be reached.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def choose_api(
    context: typer.Context,
    url: Annotated[str, typer.Option(envvar="FLAGHOIST_URL", help="The API's address. [default: this machine, FLAGHOIST_PORT]")] = "",
    key: Annotated[str, typer.Option(envvar="FLAGHOIST_KEY", help="An API key. [default: that of `flaghoist dev`, on this machine]")] = "",
) -> None:
    """Remember which API is meant."""
    context.obj = Target(url, key)


processes.add_to(app)
app.add_typer(pipelines.app, name="pipelines")
app.add_typer(releases.app, name="releases")
app.add_typer(features.app, name="features")
app.command("audit")(audit.list_audit_entries)


def main() -> None:
    """Run the command that was typed."""
    app()
