"""Features, from a terminal."""

from typing import Annotated, Any, Literal

import typer

from api.cli.flags import release_in_words, set_flag, state_in_words, typed
from api.cli.help_panels import CHANGE, LOOK, InPanels, with_examples
from api.cli.output import ask, show, show_answer, show_json, show_table
from api.cli.session import AsJson, FeatureKey, Limit, NewKey, NewName, ProjectOption, Yes, calling, given, wrong_usage
from api.client import first, path_of

app = typer.Typer(
    help=with_examples(
        "Features, and changes to their flags by hand.",
        "flaghoist features create checkout --type string --value classic",
        "flaghoist features set checkout -e staging --enabled",
        "flaghoist features set checkout -e production -s beta-users --value one-page",
    ),
    no_args_is_help=True,
    cls=InPanels,
)


@app.command("list", rich_help_panel=LOOK)
def list_features(context: typer.Context, project: ProjectOption, as_json: AsJson = False, limit: Limit = 50) -> None:
    """The project's features, by key, with the release each is in."""
    with calling(context) as client:
        found = first(limit, client.items(path_of("projects", project, "features")))
    if as_json:
        show_json(found)
        return
    environments = list(dict.fromkeys(environment for each in found for environment in each["environments"]))
    rows = [[each["key"], each["type"], *_states(each, environments), release_in_words(each)] for each in found]
    show_table(["Key", "Type", *environments, "Release"], rows)


@app.command("show", rich_help_panel=LOOK)
def show_feature(context: typer.Context, project: ProjectOption, feature: FeatureKey, as_json: AsJson = False) -> None:
    """One feature: its state in every environment, and the release it is in."""
    with calling(context) as client:
        found = client.get(path_of("projects", project, "features", feature))
    if as_json:
        show_json(found)
    else:
        _show(found)


@app.command("create", rich_help_panel=CHANGE)
def create_feature(
    context: typer.Context,
    project: ProjectOption,
    feature: NewKey,
    name: NewName = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    kind: Annotated[
        Literal["toggle", "string", "integer", "boolean"] | None,
        typer.Option(
            "--type", help="What values it takes, for good; a toggle takes none.", show_default="toggle, or string with a --value"
        ),
    ] = None,
    enabled: Annotated[bool, typer.Option("--enabled/--disabled", help="Its state in every environment.")] = False,
    value: Annotated[str | None, typer.Option(help="Its value in every environment.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a feature, with the same state in every environment."""
    if kind is None and value is not None and _looks_like_another_type(value):
        raise wrong_usage(f"Say --type with --value {value}: it may be text or not, and a feature's type never changes.")
    default = {"enabled": enabled} | ({} if value is None else {"value": typed(kind or "string", value)})
    body = given(key=feature, name=name, description=description, type=kind, default=default)
    with calling(context) as client:
        made = client.post(path_of("projects", project, "features"), body)
    show_answer(
        made, f"Made '{made['key']}' of type {made['type']}: {state_in_words(made['default'])} in every environment.", as_json=as_json
    )


@app.command("change", rich_help_panel=CHANGE)
def change_feature(
    context: typer.Context,
    project: ProjectOption,
    feature: FeatureKey,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    description: Annotated[str | None, typer.Option(help="Its new description.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give a feature another name or description; its key and its type stay."""
    body = given(name=name, description=description)
    if not body:
        raise wrong_usage("Say what to change: --name or --description.")
    with calling(context) as client:
        changed = client.patch(path_of("projects", project, "features", feature), body)
    show_answer(changed, f"'{changed['key']}' is now called {changed['name']}. {changed['description']}".strip(), as_json=as_json)


@app.command("delete", rich_help_panel=CHANGE)
def delete_feature(context: typer.Context, project: ProjectOption, feature: FeatureKey, yes: Yes = False) -> None:
    """Delete a feature that is in no unfinished release; asks first."""
    with calling(context) as client:
        path = path_of("projects", project, "features", feature)
        found = client.get(path)
        effect = [f"In {each} it is {state_in_words(flag)}." for each, flag in found["environments"].items()]
        ask(effect, f"Delete '{found['key']}' ({found['name']}), for good?", yes=yes)
        client.delete(path)
    show(f"Deleted '{feature}'.")


app.command("set", rich_help_panel=CHANGE)(set_flag)


def _looks_like_another_type(text: str) -> bool:
    return text in ("true", "false") or text.lstrip("-").isdecimal()


def _show(feature: dict[str, Any]) -> None:
    show(f"{feature['name']} ({feature['key']}), {feature['type']}. {feature['description']}", "bold")
    if feature["release"]:
        show(f"In release {feature['release']['id']}: {release_in_words(feature)}")
    rows = []
    for environment, flag in feature["environments"].items():
        rows.append([environment, "everyone", state_in_words(flag)])
        rows += [["", segment, _override(override)] for segment, override in flag["overrides"].items()]
    show_table(["Environment", "For", "State"], rows)


def _states(feature: dict[str, Any], environments: list[str]) -> list[str]:
    flags = feature["environments"]
    return [state_in_words(flags[each]) + _segments(flags[each]) for each in environments]


def _segments(flag: dict[str, Any]) -> str:
    return f" (other for {', '.join(flag['overrides'])})" if flag["overrides"] else ""


def _override(override: dict[str, Any]) -> str:
    inherited = f" ({' and '.join(override['inherits'])} as everyone)" if override["inherits"] else ""
    return f"{state_in_words(override)}{inherited}"
