"""The command that copies flags and segments from Unleash."""

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
    from activities.providers.unleash import admin_api, project_copy
else:
    pydantic, dns, admin_api, project_copy = map(
        LazyModule,
        ("pydantic", "activities.dns", "activities.providers.unleash.admin_api", "activities.providers.unleash.project_copy"),
    )


def import_unleash(
    context: typer.Context,
    project: ProjectOption,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The address of Unleash, such as https://unleash.example.")],
    token: Annotated[
        str | None, typer.Option(envvar="UNLEASH_TOKEN", help="A token of Unleash's Admin API that may read.", show_default="asks for it")
    ] = None,
    source: Annotated[str, typer.Option("--from", metavar="PROJECT", help="The project in Unleash.")] = "default",
    environment: EnvironmentOption = None,
    update: UpdateOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Copy the features of a project with their flags and segments, and report what can't be copied. Shows it first, and asks."""

    def read(environments: Environments) -> "copies.ProjectCopy":
        secret = token or typer.prompt("Token of Unleash's Admin API", hide_input=True)
        return _read(address, secret, source, environments)

    run_import(context, Options(project, environment, update, dry_run, yes, as_json), read)


def _read(address: str, token: str, source: str, environments: Environments) -> "copies.ProjectCopy":
    """Read the project in Unleash. End the command if that is impossible."""
    check_address(address, "Unleash", "https://unleash.example")
    resolver = dns.Resolver(allow_private=True)
    with (
        reading_from("Unleash"),
        closing(admin_api.UnleashAdminApi(address, pydantic.SecretStr(token), attempt_seconds=SECONDS, resolver=resolver)) as api,
    ):
        theirs = _environments(api, source)
        chosen = environments.chosen(theirs, "Unleash", source)
        copy = project_copy.copy_project(api, source, chosen)
    return copy._replace(remarks=(*copy.remarks, *left_out(theirs, chosen)))


def _environments(api: "admin_api.UnleashAdminApi", project: str) -> list[str]:
    """Return the environments of a project in Unleash. End the command if there is no such project."""
    known = [each.id for each in api.projects()]
    if project not in known:
        raise usage_error(f"Unleash has no project '{project}' that this token can see. It has {', '.join(known) or 'none'}.")
    return [each.name for each in api.environments(project) if each.visible]
