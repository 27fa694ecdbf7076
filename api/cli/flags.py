"""The command that changes a flag by hand, and the description of a flag's state."""

import json
from enum import StrEnum
from typing import Annotated, Any

import typer

from api.cli.completion import offer_keys
from api.cli.output import confirm, show, show_json
from api.cli.session import FeatureArgument, JsonOption, ProjectOption, YesOption, api_client, provided
from api.cli.usage import usage_error
from api.client import ApiClient, path_of
from api.embedded.format_event import differences, share_in_words
from domain.flags.share_text import shares_in_words
from domain.releases.status import status_in_words


class Field(StrEnum):
    """A field that an override can inherit."""

    ENABLED = "enabled"
    VALUE = "value"
    ALLOCATION = "allocation"


def set_flag(
    context: typer.Context,
    project: ProjectOption,
    feature: FeatureArgument,
    environment: Annotated[
        str, typer.Option("--environment", "-e", help="The environment to change it in.", autocompletion=offer_keys("environments"))
    ],
    segment: Annotated[
        str | None,
        typer.Option("--segment", "-s", help="Change it for this segment.", show_default="everyone", autocompletion=offer_keys("segments")),
    ] = None,
    enabled: Annotated[bool | None, typer.Option("--enabled/--disabled", help="Turn it on or off.")] = None,
    value: Annotated[str | None, typer.Option(help="The new value.")] = None,
    no_value: Annotated[bool, typer.Option("--no-value", help="Serve no value.")] = False,
    allocate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VARIANT=PERCENT", help="Serve a variant to this share. May be repeated; variants that are left out get none."
        ),
    ] = None,
    no_allocation: Annotated[bool, typer.Option("--no-allocation", help="Serve no variant.")] = False,
    inherit: Annotated[
        list[Field] | None,
        typer.Option(help="With --segment: inherit this field from the default. May be repeated."),
    ] = None,
    priority: Annotated[int | None, typer.Option(min=0, help="With --segment: the override's priority. The lowest wins.")] = None,
    no_override: Annotated[bool, typer.Option("--no-override", help="With --segment: remove its override.")] = False,
    remove_overrides: Annotated[bool, typer.Option("--remove-overrides", help="Remove the overrides of all segments.")] = False,
    end_rollout: Annotated[
        bool,
        typer.Option("--end-rollout", help="End the rollout: everyone gets the default. --enabled, --disabled and --value end it too."),
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Change the given fields of a flag in one environment. Asks if the flag is in a release or loses overrides."""
    inherits = [field.value for field in inherit or () if field is not Field.ALLOCATION]
    fields = provided(enabled=enabled, value=value, priority=priority, inherits=inherits or None, allocation=parse_shares(allocate))
    fields |= ({"value": None} if no_value else {}) | ({"rollout": None} if end_rollout else {})
    fields |= ({"allocation": {}} if no_allocation else {}) | ({"allocation": None} if Field.ALLOCATION in (inherit or ()) else {})
    contradictions = {
        "--value and --no-value contradict each other.": value is not None and no_value,
        "--allocate, --no-allocation and --inherit allocation contradict each other.": bool(allocate)
        + no_allocation
        + (Field.ALLOCATION in (inherit or ()))
        > 1,
        "--no-override removes the whole override and can't be combined with other changes.": no_override and bool(fields),
        "--end-rollout can't be combined with --segment: a rollout is for everyone.": bool(segment and end_rollout),
        "--remove-overrides can't be combined with --segment. To remove one override, use --no-override.": bool(
            segment and remove_overrides
        ),
        "--priority, --inherit and --no-override require --segment.": segment is None
        and bool(inherit or no_override or priority is not None),
        "Nothing to change: use --enabled, --disabled, --value or another option.": not (fields or no_override or remove_overrides),
    }
    for message, applies in contradictions.items():
        if applies:
            raise usage_error(message)
    with api_client(context) as client:
        found = client.get(path_of("projects", project, "features", feature))
        if value is not None:
            fields["value"] = parse_value(found["type"], value)
        patch = _patch(fields, segment, no_override=no_override, remove_overrides=remove_overrides)
        asks = not yes and (found["release"] or no_override or remove_overrides)
        etag = _confirm(client, project, environment, feature, patch) if asks else None
        changed = client.patch(path_of("projects", project, "environments", environment, "features", feature), patch, etag)
    if as_json:
        show_json(changed)
        return
    show(_result(changed, environment, segment))
    for warning in changed["warnings"]:
        show(f"Warning: {warning}", "yellow")


def _confirm(client: ApiClient, project: str, environment: str, feature: str, patch: dict[str, Any]) -> str | None:
    """Show the effect on the flag as it is now and ask for confirmation. Return the ETag of its state."""
    _, etag = client.get_with_etag(path_of("projects", project, "environments", environment, "features", feature))
    found = client.get(path_of("projects", project, "features", feature))  # Read last: a change in between is refused, not confirmed.
    confirm(_effect(found, environment, patch), f"Change '{feature}' in {environment}?", yes=False)
    return etag


def parse_value(kind: str, text: str, option: str = "--value") -> Any:
    """Parse a value of this feature or parameter type."""
    if kind not in ("integer", "boolean"):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if type(value) is not {"integer": int, "boolean": bool}[kind]:
        raise usage_error(f"{option} must be {'an integer' if kind == 'integer' else 'true or false'}, not '{text}'.")
    return value


def parse_shares(texts: list[str] | None) -> dict[str, float] | None:
    """Parse shares of variants: `one-page=10`."""
    shares = {}
    for text in texts or ():
        variant, _, percent = text.partition("=")
        try:
            shares[variant] = json.loads(percent)
        except ValueError as error:
            raise usage_error(f"--allocate must be a variant and its share in percent, such as one-page=10, not '{text}'.") from error
    return shares or None


def state_in_words(flag: dict[str, Any]) -> str:
    """Describe the state for everyone, or for one segment."""
    state = "on" if flag["enabled"] else "off"
    state = state if flag["value"] is None else f"{state}, {json.dumps(flag['value'], ensure_ascii=False)}"
    state = f"{state}; variants: {shares_in_words(flag['allocation'])}" if flag.get("allocation") else state
    return f"{state}; {share_in_words(flag['rollout'])}" if flag.get("rollout") else state


def release_in_words(feature: dict[str, Any]) -> str:
    """Describe the unfinished release of a feature, if it has one."""
    release = feature["release"]
    return f"{status_in_words(release['status'])} in '{release['stage']}' of {release['pipeline']}" if release else ""


def _patch(fields: dict[str, Any], segment: str | None, *, no_override: bool, remove_overrides: bool) -> dict[str, Any]:
    if segment:
        return {"overrides": {segment: None if no_override else fields}}
    return fields | ({"overrides": "remove"} if remove_overrides else {})


def _effect(feature: dict[str, Any], environment: str, patch: dict[str, Any]) -> list[str]:
    flag = feature["environments"].get(environment, {"overrides": {}})
    overrides = patch.get("overrides", {})
    expanded = dict.fromkeys(flag["overrides"]) if overrides == "remove" else overrides
    changes = differences(flag, patch | {"overrides": expanded}) or ["nothing changes"]
    in_release = [f"It is in release {feature['release']['id']}: {release_in_words(feature)}."] if feature["release"] else []
    return [*in_release, *(f"In {environment}: {change}" for change in changes)]


def _result(feature: dict[str, Any], environment: str, segment: str | None) -> str:
    flag = feature["environments"][environment]
    if segment is None:
        return f"'{feature['key']}' in {environment} is now {state_in_words(flag)}."
    if segment in flag["overrides"]:
        return f"'{feature['key']}' in {environment} is now {state_in_words(flag['overrides'][segment])} for {segment}."
    return f"'{feature['key']}' in {environment} has no override for {segment}. The segment gets the default: {state_in_words(flag)}."
