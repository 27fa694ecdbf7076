"""The command that copies flags and segments from Flagsmith."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.import_run import (
    SECONDS,
    DryRunOption,
    EnvironmentOption,
    Environments,
    Options,
    UpdateOption,
    check_address,
    left_out,
    reading_from,
    run_import,
)
from api.cli.lazy import LazyModule
from api.cli.session import JsonOption, ProjectOption, YesOption
from api.cli.usage import usage_error

if TYPE_CHECKING:
    import pydantic

    from activities import dns
    from activities.providers import copies
    from activities.providers.flagsmith import documents, patient_api, project_copy
else:
    pydantic, dns, patient_api, project_copy = map(
        LazyModule,
        ("pydantic", "activities.dns", "activities.providers.flagsmith.patient_api", "activities.providers.flagsmith.project_copy"),
    )


def import_flagsmith(
    context: typer.Context,
    project: ProjectOption,
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="The address of Flagsmith's API without /api/v1, such as https://api.flagsmith.com.")
    ],
    token: Annotated[
        str | None,
        typer.Option(envvar="FLAGSMITH_API_KEY", help="An API key of the organisation in Flagsmith.", show_default="asks for it"),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="PROJECT", help="The project in Flagsmith, by id or name.", show_default="the only one"),
    ] = None,
    environment: EnvironmentOption = None,
    update: UpdateOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Copy the features of a project with their flags and segments, and report what can't be copied. Shows it first, and asks."""

    def read(environments: Environments) -> "copies.ProjectCopy":
        secret = token or typer.prompt("API key of the organisation in Flagsmith", hide_input=True)
        return _read(address, secret, source, environments)

    run_import(context, Options(project, environment, update, dry_run, yes, as_json), read)


def _read(address: str, key: str, source: str | None, environments: Environments) -> "copies.ProjectCopy":
    """Read the project in Flagsmith. End the command if that is impossible."""
    check_address(address, "Flagsmith's API", "https://api.flagsmith.com")
    resolver = dns.Resolver(allow_private=True)
    with (
        reading_from("Flagsmith"),
        closing(patient_api.PatientApi(address, pydantic.SecretStr(key), attempt_seconds=SECONDS, resolver=resolver)) as api,
    ):
        project = _project(api.projects(), source)
        listed = api.environments(project.id)
        theirs = [each.name for each in listed]
        chosen = environments.chosen(theirs, "Flagsmith", project.name)
        places = [project_copy.PlacedEnvironment(each, chosen[each.name]) for each in listed if each.name in chosen]
        copy = project_copy.copy_project(api, project, places)
    return copy._replace(remarks=(*copy.remarks, *left_out(theirs, chosen)))


def _project(known: "list[documents.Project]", source: str | None) -> "documents.Project":
    """Return the project that the command names, or the only one. End the command if it is unclear."""
    named = [each for each in known if source in (None, str(each.id), each.name)]
    if len(named) == 1:
        return named[0]
    found = f"It has {', '.join(f'{each.name} ({each.id})' for each in known) or 'none'}."
    if source is None:
        raise usage_error(f"Name the project in Flagsmith by --from. {found}")
    if named:
        raise usage_error(f"Flagsmith has several projects '{source}'. Use the id. {found}")
    raise usage_error(f"Flagsmith has no project '{source}' that this key can see. {found}")
