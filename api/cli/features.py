"""Features, from a terminal."""

import json
from typing import Annotated, Any

import typer

from api.cli.session import USAGE, AsJson, Limit, Project, calling
from api.cli.showing import show, show_error, show_json, show_table
from api.client import first, path_of

app = typer.Typer(help="Features, and changes to their flags by hand.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="FEATURE", help="Its key.")]


@app.command("list")
def list_features(context: typer.Context, project: Project, as_json: AsJson = False, limit: Limit = 50) -> None:
    """The project's features, by key, with the release each is in."""
    with calling(context) as client:
        found = first(limit, client.items(path_of("projects", project, "features")))
    if as_json:
        show_json(found)
        return
    environments = list(dict.fromkeys(environment for each in found for environment in each["environments"]))
    rows = [[each["key"], each["type"], *_states(each, environments), _in_release(each)] for each in found]
    show_table(["Key", "Type", *environments, "Release"], rows)


@app.command("show")
def show_feature(context: typer.Context, project: Project, feature: Which, as_json: AsJson = False) -> None:
    """One feature: its state in every environment, and the release it is in."""
    with calling(context) as client:
        found = client.get(path_of("projects", project, "features", feature))
    if as_json:
        show_json(found)
    else:
        _show(found)


@app.command("set")
def set_flag(
    context: typer.Context,
    project: Project,
    feature: Which,
    environment: Annotated[str, typer.Option("--environment", "-e", help="Where.")],
    enabled: Annotated[bool | None, typer.Option("--enabled/--disabled", help="On or off for everyone.")] = None,
    value: Annotated[str | None, typer.Option(help="The value for everyone.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change a flag by hand in one environment: only what is named."""
    if enabled is None and value is None:
        show_error("Say what to change: --enabled, --disabled or --value.")
        raise typer.Exit(USAGE)
    patch: dict[str, Any] = {} if enabled is None else {"enabled": enabled}
    with calling(context) as client:
        if value is not None:
            patch["value"] = _typed(client.get(path_of("projects", project, "features", feature))["type"], value)
        changed = client.patch(path_of("projects", project, "environments", environment, "features", feature), patch)
    if as_json:
        show_json(changed)
        return
    show(f"'{feature}' in {environment} is now {_state(changed['environments'][environment])}.")
    for warning in changed["warnings"]:
        show(f"Warning: {warning}", "yellow")


def _typed(kind: str, text: str) -> Any:
    """The value that people mean by a text, for a feature of this type."""
    if kind not in ("integer", "boolean"):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if type(value) is not {"integer": int, "boolean": bool}[kind]:
        show_error(f"--value must be {'a whole number' if kind == 'integer' else 'true or false'} for this feature, not '{text}'.")
        raise typer.Exit(USAGE)
    return value


def _show(feature: dict[str, Any]) -> None:
    show(f"{feature['name']} ({feature['key']}), {feature['type']}. {feature['description']}", "bold")
    if feature["release"]:
        show(f"In release {feature['release']['id']}: {_in_release(feature)}")
    rows = []
    for environment, flag in feature["environments"].items():
        rows.append([environment, "everyone", _state(flag)])
        rows += [["", segment, _state(override)] for segment, override in flag["overrides"].items()]
    show_table(["Environment", "For", "State"], rows)


def _states(feature: dict[str, Any], environments: list[str]) -> list[str]:
    return [_state(feature["environments"][each]) + _segments(feature["environments"][each]) for each in environments]


def _segments(flag: dict[str, Any]) -> str:
    return f" (other for {', '.join(flag['overrides'])})" if flag["overrides"] else ""


def _state(flag: dict[str, Any]) -> str:
    state = "on" if flag["enabled"] else "off"
    return state if flag["value"] is None else f"{state}, {json.dumps(flag['value'], ensure_ascii=False)}"


def _in_release(feature: dict[str, Any]) -> str:
    release = feature["release"]
    return f"{release['status']} in '{release['stage']}' of {release['pipeline']}" if release else ""
