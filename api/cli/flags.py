"""Changes to a flag by hand, from a terminal."""

import json
from enum import StrEnum
from typing import Annotated, Any

import typer

from api.cli.completion import offer_keys
from api.cli.output import ask, show, show_json
from api.cli.session import AsJson, FeatureKey, ProjectOption, Yes, calling, given, wrong_usage
from api.client import path_of
from api.embedded.format_event import differences, share_in_words
from domain.releases.status import status_in_words


class Field(StrEnum):
    """What an override can inherit."""

    ENABLED = "enabled"
    VALUE = "value"


def set_flag(
    context: typer.Context,
    project: ProjectOption,
    feature: FeatureKey,
    environment: Annotated[str, typer.Option("--environment", "-e", help="Where.", autocompletion=offer_keys("environments"))],
    segment: Annotated[
        str | None,
        typer.Option("--segment", "-s", help="For whom.", show_default="everyone", autocompletion=offer_keys("segments")),
    ] = None,
    enabled: Annotated[bool | None, typer.Option("--enabled/--disabled", help="On or off.")] = None,
    value: Annotated[str | None, typer.Option(help="The value.")] = None,
    no_value: Annotated[bool, typer.Option("--no-value", help="Serve no value.")] = False,
    inherit: Annotated[
        list[Field] | None,
        typer.Option(help="With --segment: follow everyone in this field from now on. May be repeated."),
    ] = None,
    priority: Annotated[int | None, typer.Option(min=0, help="With --segment: the override's rank; the lowest wins.")] = None,
    no_override: Annotated[bool, typer.Option("--no-override", help="With --segment: take its override away.")] = False,
    remove_overrides: Annotated[bool, typer.Option("--remove-overrides", help="Take the overrides of all segments away.")] = False,
    end_rollout: Annotated[
        bool, typer.Option("--end-rollout", help="End a rollout, so that its share gets what everyone gets; --enabled ends it too.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Change a flag by hand in one environment, only what is named; asks where the flag is in a release or loses overrides."""
    fields = given(enabled=enabled, value=value, priority=priority, inherits=[field.value for field in inherit or ()] or None)
    fields |= ({"value": None} if no_value else {}) | ({"rollout": None} if end_rollout else {})
    contradictions = {
        "--value and --no-value contradict each other.": value is not None and no_value,
        "--no-override takes the whole override away: name nothing else with it.": no_override and bool(fields),
        "--end-rollout is for everyone: leave --segment out.": bool(segment and end_rollout),
        "--remove-overrides is for everyone: leave --segment out, or take one override away by --no-override.": bool(
            segment and remove_overrides
        ),
        "--priority, --inherit and --no-override are about an override: name its --segment.": segment is None
        and bool(inherit or no_override or priority is not None),
        "Say what to change, such as --enabled, --disabled or --value.": not (fields or no_override or remove_overrides),
    }
    for sentence, holds in contradictions.items():
        if holds:
            raise wrong_usage(sentence)
    with calling(context) as client:
        found = client.get(path_of("projects", project, "features", feature))
        if value is not None:
            fields["value"] = typed(found["type"], value)
        patch = _patch(fields, segment, no_override=no_override, remove_overrides=remove_overrides)
        if found["release"] or no_override or remove_overrides:
            ask(_effect(found, environment, patch), f"Change '{feature}' in {environment}?", yes=yes)
        changed = client.patch(path_of("projects", project, "environments", environment, "features", feature), patch)
    if as_json:
        show_json(changed)
        return
    show(_outcome(changed, environment, segment))
    for warning in changed["warnings"]:
        show(f"Warning: {warning}", "yellow")


def typed(kind: str, text: str, option: str = "--value") -> Any:
    """The value that people mean by a text, for a feature or parameter of this type."""
    if kind not in ("integer", "boolean"):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if type(value) is not {"integer": int, "boolean": bool}[kind]:
        raise wrong_usage(f"{option} must be {'a whole number' if kind == 'integer' else 'true or false'} here, not '{text}'.")
    return value


def state_in_words(flag: dict[str, Any]) -> str:
    """What everyone gets, or one segment."""
    state = "on" if flag["enabled"] else "off"
    state = state if flag["value"] is None else f"{state}, {json.dumps(flag['value'], ensure_ascii=False)}"
    return f"{state}; {share_in_words(flag['rollout'])}" if flag.get("rollout") else state


def release_in_words(feature: dict[str, Any]) -> str:
    """The unfinished release that a feature is in, or nothing."""
    release = feature["release"]
    return f"{status_in_words(release['status'])} in '{release['stage']}' of {release['pipeline']}" if release else ""


def _patch(fields: dict[str, Any], segment: str | None, *, no_override: bool, remove_overrides: bool) -> dict[str, Any]:
    if segment:
        return {"overrides": {segment: None if no_override else fields}}
    return fields | ({"overrides": "remove"} if remove_overrides else {})


def _effect(feature: dict[str, Any], environment: str, patch: dict[str, Any]) -> list[str]:
    flag = feature["environments"].get(environment, {"overrides": {}})
    overrides = patch.get("overrides", {})
    spelt_out = dict.fromkeys(flag["overrides"]) if overrides == "remove" else overrides
    changes = differences(flag, patch | {"overrides": spelt_out}) or ["nothing changes"]
    in_release = [f"It is in release {feature['release']['id']}: {release_in_words(feature)}."] if feature["release"] else []
    return [*in_release, *(f"In {environment}: {change}" for change in changes)]


def _outcome(feature: dict[str, Any], environment: str, segment: str | None) -> str:
    flag = feature["environments"][environment]
    if segment is None:
        return f"'{feature['key']}' in {environment} is now {state_in_words(flag)}."
    if segment in flag["overrides"]:
        return f"'{feature['key']}' in {environment} is now {state_in_words(flag['overrides'][segment])} for {segment}."
    return f"'{feature['key']}' in {environment} has no override for {segment}, who get what everyone gets: {state_in_words(flag)}."
