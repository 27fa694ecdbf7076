"""An import from its options to its report, whatever system it reads."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from api.cli.import_output import show_planned, show_result
from api.cli.importing import DONE, PLANNED, Importer
from api.cli.lazy import LazyModule
from api.cli.output import confirm, show_error, show_json
from api.cli.parameters import parse_pairs
from api.cli.session import api_client
from api.cli.usage import REFUSED, UNREACHABLE, usage_error
from api.client import path_of

if TYPE_CHECKING:
    import httpx

    from activities.providers import copies, errors
else:
    httpx, copies, errors = map(LazyModule, ("httpx", "activities.providers.copies", "activities.providers.errors"))

SECONDS = 30
"""For each call of the other system."""

EnvironmentOption = Annotated[
    list[str] | None,
    typer.Option(metavar="THEIRS=OURS", help="Copy this environment. May be repeated.", show_default="those with the same key"),
]
UpdateOption = Annotated[
    bool, typer.Option("--update", help="Also change features that exist here. What only they have is kept, such as other overrides.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show what would be copied.")]


class Options(NamedTuple):
    """The options that every import has."""

    project: str
    environment: list[str] | None
    update: bool
    dry_run: bool
    yes: bool
    as_json: bool


class Environments(NamedTuple):
    """The project's environments, and those that the command names: theirs -> ours."""

    ours: Sequence[str]
    pairs: Mapping[str, str]

    def chosen(self, theirs: Sequence[str], place: str, project: str) -> dict[str, str]:
        """Return the environments to copy. End the command if there are none. `place` is the name of the other system."""
        chosen = dict(self.pairs) or {each: key for each in theirs if (key := copies.unique_key(each, ())) in self.ours}
        if unknown := sorted(set(chosen) - set(theirs)):
            raise usage_error(f"The project '{project}' has no environment '{unknown[0]}' in {place}. It has {', '.join(theirs)}.")
        if twice := [each for each in chosen if theirs.count(each) > 1]:
            raise usage_error(f"The project '{project}' has several environments '{twice[0]}' in {place}. Rename all but one.")
        if not chosen:
            found = f"{place} has {', '.join(theirs)}, and this project {', '.join(self.ours)}"
            raise usage_error(f"No environment has the same key in both. {found}: use --environment THEIRS=OURS.")
        if len(set(chosen.values())) < len(chosen):
            raise usage_error(f"Several environments of {place} have the same key here. Use --environment THEIRS=OURS.")
        return chosen


Read = Callable[[Environments], "copies.ProjectCopy"]


def run_import(context: typer.Context, options: Options, read: Read) -> None:
    """Read the project there, show what will be copied, ask, and write it."""
    pairs = parse_pairs(options.environment, "--environment")
    if len(set(pairs.values())) < len(pairs):
        raise usage_error("--environment names one of our environments twice.")
    with api_client(context) as client:
        ours = [each["key"] for each in client.items(path_of("projects", options.project, "environments"))]
        if unknown := sorted(set(pairs.values()) - set(ours)):
            raise usage_error(f"The project has no environment '{unknown[0]}'. It has {', '.join(ours)}.")
        importer = Importer(client, options.project, read(Environments(ours, pairs)), update=options.update)
        planned = importer.report(PLANNED)
        if not options.as_json:
            show_planned(planned, pairs.values() or ours)
        if not options.dry_run:
            confirm([], f"Copy this to '{options.project}'?", yes=options.yes)
            importer.write()
    result = planned if options.dry_run else importer.report(DONE)
    if options.as_json:
        show_json(result)
    elif not options.dry_run:
        show_result(result)
    if any(each["error"] for each in result["features"]):
        raise typer.Exit(REFUSED)


def check_address(address: str, place: str, example: str) -> None:
    """End the command if the address of the other system is none."""
    if not _is_address(address):
        raise usage_error(f"'{address}' is not the address of {place}, such as {example}.")


@contextmanager
def reading_from(place: str) -> Iterator[None]:
    """End the command if the other system has an outage or refuses."""
    try:
        yield
    except errors.ProviderError as error:
        show_error(f"{place}: {error}")
        is_outage = isinstance(error, errors.ProviderUnavailable | errors.ProviderThrottled)
        raise typer.Exit(UNREACHABLE if is_outage else REFUSED) from error


def left_out(theirs: Sequence[str], chosen: Mapping[str, str]) -> list[str]:
    """Return a remark for each environment that is not copied."""
    return [f"The environment '{each}' was not copied. Use --environment {_quoted(each)}=OURS." for each in theirs if each not in chosen]


def _quoted(name: str) -> str:
    return f"'{name}'" if " " in name else name


def _is_address(text: str) -> bool:
    try:
        parts = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return parts.scheme in ("http", "https") and bool(parts.host)
