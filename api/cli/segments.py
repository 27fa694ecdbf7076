"""The commands for segments."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.completion import offer_keys
from api.cli.help_panels import CHANGE, LOOK, command_group
from api.cli.lazy import LazyModule
from api.cli.output import confirm, show, show_json, show_response, show_table
from api.cli.segment_output import rules_in_words
from api.cli.session import JsonOption, LimitOption, ProjectOption, YesOption, api_client
from api.cli.usage import usage_error
from api.client import first, path_of

if TYPE_CHECKING:
    from api.cli import documents
else:
    documents = LazyModule("api.cli.documents")

app = command_group(
    "Segments: named sets of identities, defined by rules over traits.",
    "flaghoist segments create beta-users.yaml",
    "flaghoist segments export beta-users > beta-users.yaml",
    "flaghoist segments replace beta-users beta-users.yaml",
)

SegmentArgument = Annotated[str, typer.Argument(metavar="SEGMENT", help="The segment's key.", autocompletion=offer_keys("segments"))]
FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="Key, name and rules in JSON or YAML. - reads standard input.", allow_dash=True)
]


@app.command("list", rich_help_panel=LOOK)
def list_segments(context: typer.Context, project: ProjectOption, as_json: JsonOption = False, limit: LimitOption = 50) -> None:
    """List the project's segments, by key."""
    with api_client(context) as client:
        found = first(limit, client.items(path_of("projects", project, "segments")))
    if as_json:
        show_json(found)
    else:
        show_table(["Key", "Name", "Rules"], [[each["key"], each["name"], rules_in_words(each)] for each in found])


@app.command("show", rich_help_panel=LOOK)
def show_segment(context: typer.Context, project: ProjectOption, segment: SegmentArgument, as_json: JsonOption = False) -> None:
    """Show a segment and its rules."""
    with api_client(context) as client:
        found = client.get(path_of("projects", project, "segments", segment))
    show_response(found, f"{found['name']} ({found['key']}): {rules_in_words(found)}", as_json=as_json)


@app.command("export", rich_help_panel=LOOK)
def export_segment(context: typer.Context, project: ProjectOption, segment: SegmentArgument, as_json: JsonOption = False) -> None:
    """Print a segment in YAML (or JSON), to edit and pass to `replace`."""
    with api_client(context) as client:
        found = client.get(path_of("projects", project, "segments", segment))
    documents.show_document({field: found[field] for field in ("key", "name", "rules")}, as_json=as_json)


@app.command("create", rich_help_panel=CHANGE)
def create_segment(context: typer.Context, project: ProjectOption, file: FileArgument, as_json: JsonOption = False) -> None:
    """Create a segment from a file."""
    definition = documents.read_document(file)
    with api_client(context) as client:
        created = client.post(path_of("projects", project, "segments"), definition)
    _show_saved(created, f"Created '{created['key']}'.", as_json=as_json)


@app.command("replace", rich_help_panel=CHANGE)
def replace_segment(
    context: typer.Context,
    project: ProjectOption,
    segment: SegmentArgument,
    file: FileArgument,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Set a segment's name and rules from a file. Fields missing in the file stay the same. Asks for confirmation."""
    definition = documents.read_document(file)
    if isinstance(definition, dict) and definition.pop("key", segment) != segment:
        raise usage_error(f"The key in {file} is not '{segment}', and a segment's key can't be changed.")
    with api_client(context) as client:
        path = path_of("projects", project, "segments", segment)
        found, etag = client.get_with_etag(path)
        confirm([f"'{found['key']}' ({found['name']}) now: {rules_in_words(found)}"], f"Replace it with the contents of {file}?", yes=yes)
        changed = client.patch(path, definition, etag)
    _show_saved(changed, f"'{changed['key']}' is now: {rules_in_words(changed)}", as_json=as_json)


@app.command("delete", rich_help_panel=CHANGE)
def delete_segment(context: typer.Context, project: ProjectOption, segment: SegmentArgument, yes: YesOption = False) -> None:
    """Delete a segment that no override, published pipeline or unfinished release uses. Asks for confirmation."""
    with api_client(context) as client:
        path = path_of("projects", project, "segments", segment)
        found, etag = client.get_with_etag(path)
        confirm([rules_in_words(found)], f"Permanently delete '{found['key']}' ({found['name']})?", yes=yes)
        client.delete(path, etag)
    show(f"Deleted '{segment}'.")


def _show_saved(segment: dict[str, Any], line: str, *, as_json: bool) -> None:
    show_response(segment, line, as_json=as_json)
    for warning in [] if as_json else segment["warnings"]:
        show(f"Warning: {warning['message']} ({warning['pointer']})", "yellow")
