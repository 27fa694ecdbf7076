"""The commands for features."""

from typing import Annotated, Any, Literal

import typer

from api.cli.flags import parse_value, release_in_words, set_flag, state_in_words
from api.cli.help_panels import CHANGE, LOOK, command_group
from api.cli.output import confirm, show, show_json, show_response, show_table
from api.cli.session import (
    FeatureArgument,
    JsonOption,
    LimitOption,
    NameOption,
    NewKeyArgument,
    ProjectOption,
    YesOption,
    api_client,
    provided,
)
from api.cli.usage import usage_error
from api.cli.variants import VariantOption, changed_variants, parse_variant, variants_in_words
from api.client import first, path_of

app = command_group(
    "Features, and changes to their flags by hand.",
    "flaghoist features create checkout --type string --value classic",
    "flaghoist features set checkout -e staging --enabled",
    "flaghoist features set checkout -e production -s beta-users --value one-page",
)


@app.command("list", rich_help_panel=LOOK)
def list_features(context: typer.Context, project: ProjectOption, as_json: JsonOption = False, limit: LimitOption = 50) -> None:
    """List the project's features and their unfinished releases, by key."""
    with api_client(context) as client:
        found = first(limit, client.items(path_of("projects", project, "features")))
    if as_json:
        show_json(found)
        return
    environments = list(dict.fromkeys(environment for each in found for environment in each["environments"]))
    rows = [[each["key"], each["type"], *_states(each, environments), release_in_words(each)] for each in found]
    show_table(["Key", "Type", *environments, "Release"], rows)


@app.command("show", rich_help_panel=LOOK)
def show_feature(context: typer.Context, project: ProjectOption, feature: FeatureArgument, as_json: JsonOption = False) -> None:
    """Show a feature: its state in every environment, and its unfinished release."""
    with api_client(context) as client:
        found = client.get(path_of("projects", project, "features", feature))
    if as_json:
        show_json(found)
    else:
        _show(found)


@app.command("create", rich_help_panel=CHANGE)
def create_feature(
    context: typer.Context,
    project: ProjectOption,
    feature: NewKeyArgument,
    name: NameOption = None,
    description: Annotated[str | None, typer.Option(help="Its purpose.")] = None,
    kind: Annotated[
        Literal["toggle", "string", "integer", "boolean"] | None,
        typer.Option(
            "--type",
            help="The type of its values, which can't be changed later. A toggle has no value.",
            show_default="toggle, or string with --value",
        ),
    ] = None,
    enabled: Annotated[bool, typer.Option("--enabled/--disabled", help="Its state in every environment.")] = False,
    value: Annotated[str | None, typer.Option(help="Its value in every environment.")] = None,
    variant: VariantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create a feature that has the same state in every environment."""
    if kind is None and value is not None and _looks_like_another_type(value):
        raise usage_error(f"--value {value} requires --type: it could be a string or another type, and a feature's type can't be changed.")
    default = {"enabled": enabled} | ({} if value is None else {"value": parse_value(kind or "string", value)})
    variants = [parse_variant(kind or ("toggle" if value is None else "string"), each) for each in variant or ()] or None
    body = provided(key=feature, name=name, description=description, type=kind, default=default, variants=variants)
    with api_client(context) as client:
        created = client.post(path_of("projects", project, "features"), body)
    line = f"Created '{created['key']}' of type {created['type']}: {state_in_words(created['default'])} in every environment."
    show_response(created, line, as_json=as_json)


@app.command("change", rich_help_panel=CHANGE)
def change_feature(
    context: typer.Context,
    project: ProjectOption,
    feature: FeatureArgument,
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    description: Annotated[str | None, typer.Option(help="The new description.")] = None,
    variant: VariantOption = None,
    remove_variant: Annotated[list[str] | None, typer.Option(metavar="KEY", help="Remove a variant that is not in use.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Change a feature's name, description or variants. Its key and type stay the same."""
    body = provided(name=name, description=description)
    if not (body or variant or remove_variant):
        raise usage_error("Nothing to change: use --name, --description, --variant or --remove-variant.")
    with api_client(context) as client:
        path, etag = path_of("projects", project, "features", feature), None
        if variant or remove_variant:
            found, etag = client.get_with_etag(path)
            body["variants"] = changed_variants(found, variant or [], remove_variant or [])
        changed = client.patch(path, body, etag)
    show_response(changed, f"Changed '{changed['key']}': {changed['name']}. {changed['description']}".strip(), as_json=as_json)


@app.command("delete", rich_help_panel=CHANGE)
def delete_feature(context: typer.Context, project: ProjectOption, feature: FeatureArgument, yes: YesOption = False) -> None:
    """Delete a feature that is in no unfinished release. Asks for confirmation."""
    with api_client(context) as client:
        path = path_of("projects", project, "features", feature)
        found, etag = client.get_with_etag(path)
        effect = [f"In {each} it is {state_in_words(flag)}." for each, flag in found["environments"].items()]
        confirm(effect, f"Permanently delete '{found['key']}' ({found['name']})?", yes=yes)
        client.delete(path, etag)
    show(f"Deleted '{feature}'.")


app.command("set", rich_help_panel=CHANGE)(set_flag)


def _looks_like_another_type(text: str) -> bool:
    return text in ("true", "false") or text.lstrip("-").isdecimal()


def _show(feature: dict[str, Any]) -> None:
    show(f"{feature['name']} ({feature['key']}), {feature['type']}. {feature['description']}", "bold")
    if feature["variants"]:
        show(f"Variants: {variants_in_words(feature)}")
    if feature["release"]:
        show(f"In release {feature['release']['id']}: {release_in_words(feature)}")
    if feature["name_there"]:
        show(f"Its name over there is {feature['name_there']}.")
    rows = []
    for environment, flag in feature["environments"].items():
        rows.append([environment, "everyone", state_in_words(flag)])
        rows += [["", segment, _override(override)] for segment, override in flag["overrides"].items()]
    show_table(["Environment", "For", "State"], rows)
    for environment, sentences in feature["foreign"].items():
        for sentence in sentences:
            show(f"{environment}: {sentence}", "yellow")


def _states(feature: dict[str, Any], environments: list[str]) -> list[str]:
    flags = feature["environments"]
    return [state_in_words(flags[each]) + _overrides(flags[each]) for each in environments]


def _overrides(flag: dict[str, Any]) -> str:
    return f" (overrides: {', '.join(flag['overrides'])})" if flag["overrides"] else ""


def _override(override: dict[str, Any]) -> str:
    inherited = f" ({' and '.join(override['inherits'])} inherited)" if override["inherits"] else ""
    return f"{state_in_words(override)}{inherited}"
