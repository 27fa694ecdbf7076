"""The commands for metrics, and dry runs of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.completion import offer_keys
from api.cli.crud import delete_item
from api.cli.help_panels import CHANGE, LOOK, command_group
from api.cli.lazy import LazyModule
from api.cli.output import confirm, show, show_json, show_response, show_table
from api.cli.session import JsonOption, LimitOption, ProjectOption, YesOption, api_client, provided
from api.cli.usage import REFUSED, usage_error
from api.client import first, path_of

if TYPE_CHECKING:
    from api.cli import documents
else:
    documents = LazyModule("api.cli.documents")

app = command_group(
    "Metrics: named questions to a metric source.",
    "flaghoist metrics create error-rate.yaml",
    "flaghoist metrics ask error-rate --feature checkout --environment production --at-most 0.01",
    "flaghoist metrics export error-rate > error-rate.yaml",
)

MetricArgument = Annotated[str, typer.Argument(metavar="METRIC", help="The metric's key.", autocompletion=offer_keys("metrics"))]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A metric in JSON or YAML. - reads standard input.", allow_dash=True)]


@app.command("list", rich_help_panel=LOOK)
def list_metrics(context: typer.Context, project: ProjectOption, as_json: JsonOption = False, limit: LimitOption = 50) -> None:
    """List the project's metrics, by key."""
    with api_client(context) as client:
        found = first(limit, client.items(_path(project)))
    if as_json:
        show_json(found)
    else:
        show_table(["Key", "Name", "Source", "Shape"], [[each[field] for field in ("key", "name", "source", "shape")] for each in found])


@app.command("show", rich_help_panel=LOOK)
def show_metric(context: typer.Context, project: ProjectOption, metric: MetricArgument, as_json: JsonOption = False) -> None:
    """Show a metric with its query."""
    with api_client(context) as client:
        found = client.get(_path(project, metric))
    show_response(found, f"{found['name']} ({found['key']}), from {found['source']}: {found['query']}", as_json=as_json)


@app.command("export", rich_help_panel=LOOK)
def export_metric(context: typer.Context, project: ProjectOption, metric: MetricArgument, as_json: JsonOption = False) -> None:
    """Print a metric in YAML (or JSON), to edit and pass to `replace`."""
    with api_client(context) as client:
        found = client.get(_path(project, metric))
    documents.show_document(provided(**found), as_json=as_json)


@app.command("ask", rich_help_panel=LOOK)
def ask_metric(
    context: typer.Context,
    project: ProjectOption,
    metric: MetricArgument,
    feature: Annotated[str, typer.Option("--feature", "-f", help="The feature.", autocompletion=offer_keys("features"))],
    environment: Annotated[str, typer.Option("--environment", "-e", help="The environment.", autocompletion=offer_keys("environments"))],
    variant: Annotated[str | None, typer.Option(help="The variant of the feature.")] = None,
    since: Annotated[str | None, typer.Option(help="When the stage was entered.", show_default="an hour ago")] = None,
    at_least: Annotated[float | None, typer.Option(help="The lowest value that passes.")] = None,
    at_most: Annotated[float | None, typer.Option(help="The highest value that passes.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a metric about a flag, and judge the answer. Exit code 1 if it does not pass, or can't tell."""
    bounds = provided(at_least=at_least, at_most=at_most)
    about = provided(metric=metric, feature=feature, environment=environment, variant=variant, since=since)
    with api_client(context) as client:
        answer = client.post(f"{_path(project)}/ask", about | ({"condition": {"type": "THRESHOLD"} | bounds} if bounds else {}))
    if as_json:
        show_json(answer)
    else:
        _show_answer(answer)
    passes = answer["verdict"]["outcome"] == "pass" if answer["verdict"] else answer["sample"]["unknown"] is None
    if not passes:
        raise typer.Exit(REFUSED)


@app.command("create", rich_help_panel=CHANGE)
def create_metric(context: typer.Context, project: ProjectOption, file: FileArgument, as_json: JsonOption = False) -> None:
    """Create a metric from a file."""
    definition = documents.read_document(file)
    with api_client(context) as client:
        created = client.post(_path(project), definition)
    show_response(created, f"Created '{created['key']}'.", as_json=as_json)


@app.command("replace", rich_help_panel=CHANGE)
def replace_metric(
    context: typer.Context,
    project: ProjectOption,
    metric: MetricArgument,
    file: FileArgument,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Replace a metric with that of a file. Pipelines use the new one at once. Asks for confirmation."""
    definition = documents.read_document(file)
    if isinstance(definition, dict) and definition.setdefault("key", metric) != metric:
        raise usage_error(f"The key in {file} is not '{metric}', and a metric's key can't be changed.")
    with api_client(context) as client:
        found, etag = client.get_with_etag(_path(project, metric))
        confirm([f"'{metric}' ({found['name']}) now: {found['query']}"], f"Replace it with the contents of {file}?", yes=yes)
        changed = client.put(_path(project, metric), definition, etag)
    show_response(changed, f"'{metric}' is now: {changed['query']}", as_json=as_json)


@app.command("delete", rich_help_panel=CHANGE)
def delete_metric(context: typer.Context, project: ProjectOption, metric: MetricArgument, yes: YesOption = False) -> None:
    """Delete a metric that no published pipeline or unfinished release uses. Asks for confirmation."""
    delete_item(context, _path(project, metric), "Nothing can ask it any more.", yes=yes)


def _path(project: str, *metric: str) -> str:
    return path_of("projects", project, "metrics", *metric)


def _show_answer(answer: dict[str, Any]) -> None:
    sample, verdict = answer["sample"], answer["verdict"]
    if sample["unknown"]:
        show(f"Can't tell ({sample['unknown']['code']}): {sample['unknown']['message']}", "yellow")
    elif sample["groups"]:
        show_table(
            ["Group", "n", "Mean", "Variance"], [[each[field] for field in ("name", "n", "mean", "variance")] for each in sample["groups"]]
        )
    else:
        show(f"{sample['value']:g}")
    if verdict:
        show(f"{verdict['outcome']}: {verdict['message']}", "" if verdict["outcome"] == "pass" else "red")
    if answer["sent"]:
        show(f"Sent: {answer['sent']['query']}")
        show_table(["Parameter", "Value"], answer["sent"]["parameters"].items()) if answer["sent"]["parameters"] else None
