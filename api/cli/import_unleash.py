"""The command that copies flags and segments from Unleash."""

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.flags import state_in_words
from api.cli.help_panels import CHANGE, command_group
from api.cli.importing import DONE, PLANNED, Importer
from api.cli.lazy import LazyModule
from api.cli.output import confirm, show, show_error, show_json, show_table
from api.cli.parameters import parse_pairs
from api.cli.session import JsonOption, ProjectOption, YesOption, api_client
from api.cli.usage import REFUSED, UNREACHABLE, usage_error
from api.client import path_of

if TYPE_CHECKING:
    import httpx
    import pydantic

    from activities import dns
    from activities.providers import copies, errors
    from activities.providers.unleash import admin_api, project_copy
else:
    httpx, pydantic, dns, errors, admin_api, project_copy = map(
        LazyModule,
        (
            "httpx",
            "pydantic",
            "activities.dns",
            "activities.providers.errors",
            "activities.providers.unleash.admin_api",
            "activities.providers.unleash.project_copy",
        ),
    )

SECONDS = 30
"""For each call of Unleash."""

app = command_group(
    "Copy flags and segments from another flag system.",
    "flaghoist import unleash https://unleash.example --dry-run",
    "flaghoist import unleash https://unleash.example --environment qa=staging",
)


@app.callback()
def import_flags() -> None:
    """Copy flags and segments from another flag system."""


@app.command("unleash", rich_help_panel=CHANGE)
def import_unleash(
    context: typer.Context,
    project: ProjectOption,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The address of Unleash, such as https://unleash.example.")],
    token: Annotated[
        str | None, typer.Option(envvar="UNLEASH_TOKEN", help="A token of Unleash's Admin API that may read.", show_default="asks for it")
    ] = None,
    source: Annotated[str, typer.Option("--from", metavar="PROJECT", help="The project in Unleash.")] = "default",
    environment: Annotated[
        list[str] | None,
        typer.Option(metavar="THEIRS=OURS", help="Copy this environment. May be repeated.", show_default="those with the same key"),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Also change features that exist here. What only they have is kept, such as other overrides.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be copied.")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Copy the features of a project with their flags and segments, and report what can't be copied. Shows it first, and asks."""
    pairs = parse_pairs(environment, "--environment")
    if len(set(pairs.values())) < len(pairs):
        raise usage_error("--environment names one of our environments twice.")
    with api_client(context) as client:
        ours = [each["key"] for each in client.items(path_of("projects", project, "environments"))]
        if unknown := sorted(set(pairs.values()) - set(ours)):
            raise usage_error(f"The project has no environment '{unknown[0]}'. It has {', '.join(ours)}.")
        secret = token or typer.prompt("Token of Unleash's Admin API", hide_input=True)
        copy = _read(address, secret, source, pairs, ours)
        importer = Importer(client, project, copy, update=update)
        planned = importer.report(PLANNED)
        if not as_json:
            _show(planned, pairs or {each: each for each in ours})
        if not dry_run:
            confirm([], f"Copy this to '{project}'?", yes=yes)
            importer.write()
    result = planned if dry_run else importer.report(DONE)
    if as_json:
        show_json(result)
    elif not dry_run:
        _show_result(result)
    if any(each["error"] for each in result["features"]):
        raise typer.Exit(REFUSED)


def _read(address: str, token: str, source: str, pairs: Mapping[str, str], ours: list[str]) -> "copies.ProjectCopy":
    """Read the project in Unleash. End the command if that is impossible."""
    if not _is_address(address):
        raise usage_error(f"'{address}' is not the address of Unleash, such as https://unleash.example.")
    resolver = dns.Resolver(allow_private=True)
    try:
        with closing(admin_api.UnleashAdminApi(address, pydantic.SecretStr(token), attempt_seconds=SECONDS, resolver=resolver)) as api:
            theirs = _environments(api, source)
            chosen = pairs or {each: each for each in theirs if each in ours}
            if unknown := sorted(set(chosen) - set(theirs)):
                raise usage_error(f"The project '{source}' has no environment '{unknown[0]}' in Unleash. It has {', '.join(theirs)}.")
            if not chosen:
                found = f"Unleash has {', '.join(theirs)}, and this project {', '.join(ours)}"
                raise usage_error(f"No environment has the same key in both. {found}: use --environment THEIRS=OURS.")
            copy = project_copy.copy_project(api, source, chosen)
    except errors.ProviderError as error:
        show_error(f"Unleash: {error}")
        is_outage = isinstance(error, errors.ProviderUnavailable | errors.ProviderThrottled)
        raise typer.Exit(UNREACHABLE if is_outage else REFUSED) from error
    left = [f"The environment '{each}' was not copied. Use --environment {each}=OURS." for each in theirs if each not in chosen]
    return copy._replace(remarks=(*copy.remarks, *left))


def _is_address(text: str) -> bool:
    try:
        parts = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return parts.scheme in ("http", "https") and bool(parts.host)


def _environments(api: "admin_api.UnleashAdminApi", project: str) -> list[str]:
    """Return the environments of a project in Unleash. End the command if there is no such project."""
    known = [each.id for each in api.projects()]
    if project not in known:
        raise usage_error(f"Unleash has no project '{project}' that this token can see. It has {', '.join(known) or 'none'}.")
    return [each.name for each in api.environments(project) if each.visible]


def _show(planned: dict[str, Any], environments: Mapping[str, str]) -> None:
    """Print what will be copied, and what can't be."""
    columns = [each for each in environments.values() if any(each in feature["flags"] for feature in planned["features"])]
    rows = [
        [each["key"], each["type"], *(_in_words(each["flags"].get(column)) for column in columns), each["result"]]
        for each in planned["features"]
    ]
    show_table(["Feature", "Type", *columns, "Result"], rows)
    if planned["segments"]:
        show_table(["Segment", "Name", "Result"], [[each["key"], each["name"], each["result"]] for each in planned["segments"]])
    remarks = [*planned["remarks"], *(f"{each['key']}: {remark}" for each in planned["features"] for remark in each["remarks"])]
    for remark in remarks:
        show(f"- {remark}", "yellow")


def _show_result(result: dict[str, Any]) -> None:
    counts = {word: sum(each["result"] == word for each in result["features"]) for word in ("created", "updated", "left alone", "failed")}
    show(f"Features: {', '.join(f'{count} {word}' for word, count in counts.items() if count) or 'none'}.")
    for each in result["features"]:
        if each["error"]:
            show_error(f"{each['key']}: {each['error']}")


def _in_words(flag: dict[str, Any] | None) -> str:
    if flag is None:
        return ""
    overrides = [f"{state_in_words({'value': None} | state)} for {segment}" for segment, state in flag.get("overrides", {}).items()]
    return "; ".join([state_in_words({"value": None} | flag), *overrides])
