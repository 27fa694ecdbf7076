"""Changing a flag by hand in one environment: its default there, and its overrides."""

from typing import Any, Literal

from fastapi import APIRouter, Response

from activities.providers.catalogue import provider_of
from activities.store.paging import MOST, Slice
from api.dashboard.forms import Field, Form, Plan, change, confirm, etag_of, show_form
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormFields, LongFormDep
from api.dashboard.site import Site, SiteDep
from api.dashboard.texts import changed_fields, read_value, typed_text
from api.dashboard.variant_lines import read_shares, typed_shares
from api.routes import features as api
from api.routes.segments import list_segments
from domain.entity_tag import Precondition
from domain.flags.allocation import percents
from domain.flags.flag import FeatureType, FlagState
from domain.flags.patch import FlagPatch
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/features/{feature}/in/{environment}", route_class=PageRoute, include_in_schema=False)

_INHERIT = "inherit"
_SHARES = "(in percent, one per line: one-page = 10. Everyone else gets the value)"
_NO_VALUE = Field("/no_value", "No value", "check")


@router.get("")
def show_flag(site: SiteDep, feature: Slug, environment: Slug) -> Response:
    """Show a flag in one environment, with a form for its default and links to its overrides."""
    site.caller.must_operate(site.key, [environment])
    state = _state(site, feature, environment)
    values = {"/value": typed_text(state.value)} | ({"/enabled": "on"} if state.enabled else {})
    values |= {"/no_value": "on"} if state.value is None else {}
    values["/allocation"] = typed_shares(state.allocation)
    about = _about(site, feature, environment)
    return show_form(site, _form(site, feature, environment), values, etag=_etag(site, feature, environment), **about)


@router.post("")
def change_flag(site: SiteDep, feature: Slug, environment: Slug, fields: LongFormDep) -> Response:
    """Change the default."""
    site.caller.must_operate(site.key, [environment])
    wanted = {"enabled": "/enabled" in fields, "value": _value(fields, _type(site, feature))}
    shares = read_shares(fields.get("/allocation", ""))

    def plan() -> Plan:
        state = _state(site, feature, environment)
        changed = {name: value for name, value in wanted.items() if value != getattr(state, name)}
        keeps = "value" in changed and bool(shares)  # A value alone would end the allocation.
        return _plan(
            site, feature, environment, changed | ({"allocation": shares} if keeps or shares != percents(state.allocation) else {})
        )

    about = _about(site, feature, environment)
    return change(site, _form(site, feature, environment), fields, lambda: _etag(site, feature, environment), plan, **about)


@router.get("/overrides")
def show_override(site: SiteDep, feature: Slug, environment: Slug, segment: Slug) -> Response:
    """Ask for the state of the flag for one segment."""
    site.caller.must_operate(site.key, [environment])
    override = _state(site, feature, environment).overrides.get(segment)
    at = _at(segment)
    values: FormFields = {f"{at}/enabled": _INHERIT, f"{at}/value_is": _INHERIT}
    if override:
        values[f"{at}/enabled"] = _INHERIT if "enabled" in override.inherits else "on" if override.enabled else "off"
        values[f"{at}/value_is"] = _INHERIT if "value" in override.inherits else "none" if override.value is None else "this"
        values |= {f"{at}/value": typed_text(override.value), f"{at}/priority": str(override.priority)}
        if override.allocation is not None:
            values |= {f"{at}/allocation_is": "this" if override.allocation else "none"}
            values |= {f"{at}/allocation": typed_shares(override.allocation)}
    return show_form(site, _override_form(site, feature, environment, segment), values, etag=_etag(site, feature, environment))


@router.post("/overrides")
def change_override(site: SiteDep, feature: Slug, environment: Slug, segment: Slug, fields: LongFormDep) -> Response:
    """Add or change the override for one segment."""
    site.caller.must_operate(site.key, [environment])
    form = _override_form(site, feature, environment, segment)
    named = {name.removeprefix(f"{_at(segment)}/"): value for name, value in fields.items()}

    def plan() -> Plan:
        return _plan(site, feature, environment, {"overrides": {segment: _override(named, _type(site, feature))}})

    return change(site, form, fields, lambda: _etag(site, feature, environment), plan)


@router.get("/overrides/remove")
def show_remove(site: SiteDep, feature: Slug, environment: Slug, segment: Slug) -> Response:
    """Ask before an override is removed."""
    site.caller.must_operate(site.key, [environment])
    return show_form(site, _removal(site, feature, environment, segment), {}, etag=_etag(site, feature, environment))


@router.post("/overrides/remove")
def remove(site: SiteDep, feature: Slug, environment: Slug, segment: Slug, fields: LongFormDep) -> Response:
    """Remove the override for one segment."""
    site.caller.must_operate(site.key, [environment])

    def act(shown: Precondition) -> str:
        return _plan(site, feature, environment, {"overrides": {segment: None}}).act(shown)

    return confirm(site, _removal(site, feature, environment, segment), fields, lambda: _etag(site, feature, environment), act)


def _plan(site: Site, feature: str, environment: str, body: dict[str, Any]) -> Plan:
    """Return the change by hand with this body, its effect on the flag as it is now, and what must be known about it."""
    patch, state = FlagPatch.model_validate(body), _state(site, feature, environment)
    after = patch.applied(state)
    view = api.get_feature(site.key, feature, site.caller, site.database, site.fresh_flags, Response())
    notes = []
    if view.release:
        notes.append(f"The flag is in the release on {view.release.pipeline}, which can be blocked by a change by hand.")
    if state.rollout and after.rollout is None:
        notes.append(f"This ends the rollout at {state.rollout.percent}%: everyone gets the same state.")
    if state.allocation and "allocation" not in patch.named and not after.allocation:
        notes.append("This ends the allocation: everyone gets the same value.")

    def act(shown: Precondition) -> str:
        api.change_flag(site.key, environment, feature, patch, shown, site.caller, site.database, Response())
        return f"{_home(site, feature)}?done=yes"

    return Plan(changed_fields(_shown(state), _shown(after)), notes, act)


def _override(fields: FormFields, type_: FeatureType) -> dict[str, Any]:
    """Return what the form says about an override. A priority that is no number is refused by the API's own words."""
    inherits: list[Literal["enabled", "value"]] = []
    patch: dict[str, Any] = {}
    if fields.get("enabled") in ("on", "off"):
        patch["enabled"] = fields["enabled"] == "on"
    else:
        inherits.append("enabled")
    if fields.get("value_is") in ("this", "none"):
        patch["value"] = None if fields["value_is"] == "none" else read_value(fields.get("value", ""), type_)
    else:
        inherits.append("value")
    if "allocation_is" in fields:
        shares = {"this": read_shares(fields.get("allocation", "")), "none": {}}
        patch["allocation"] = shares.get(fields["allocation_is"])
    if priority := fields.get("priority", "").strip():
        patch["priority"] = int(priority) if priority.isdecimal() and len(priority) < 10 else priority
    return patch | {"inherits": inherits}


def _value(fields: FormFields, type_: FeatureType) -> Any:
    return None if _NO_VALUE.name in fields else read_value(fields.get("/value", ""), type_)


def _form(site: Site, feature: str, environment: str) -> Form:
    fields: tuple[Field, ...] = (Field("/enabled", "On", "check"),)
    if (type_ := _type(site, feature)) is not FeatureType.TOGGLE:
        value = Field("/value", "Value", "lines" if type_ is FeatureType.STRING else "line", hint=type_.value)
        fields = (*fields, value, *((_NO_VALUE,) if type_ is FeatureType.STRING else ()))
    if _has_variants(site, feature):
        fields = (*fields, Field("/allocation", "Variants", "lines", hint=_SHARES))
    heading, home = f"{feature} in {environment}", _home(site, feature)
    return Form(heading, "Change the flag", "features", home, feature, fields, has_preview=True, template="flag.html")


def _override_form(site: Site, feature: str, environment: str, segment: str) -> Form:
    at = _at(segment)
    fields: tuple[Field, ...] = (
        Field(f"{at}/enabled", "On", "choice", choices=[("on", "on"), ("off", "off"), (_INHERIT, "as by default")]),
    )
    if (type_ := _type(site, feature)) is not FeatureType.TOGGLE:
        choices = [(_INHERIT, "as by default"), ("this", "the value below"), ("none", "no value")]
        value = Field(f"{at}/value", "This value", "lines" if type_ is FeatureType.STRING else "line", hint=type_.value)
        fields = (*fields, Field(f"{at}/value_is", "Value", "choice", choices=choices), value)
    if _has_variants(site, feature):
        choices = [(_INHERIT, "as by default"), ("this", "the shares below"), ("none", "no variant")]
        allocation = Field(f"{at}/allocation", "These shares", "lines", hint=_SHARES)
        fields = (*fields, Field(f"{at}/allocation_is", "Variants", "choice", choices=choices), allocation)
    priority = Field(f"{at}/priority", "Priority", hint="(the lowest number wins. Empty: unchanged, or last if new)")
    back = f"{_home(site, feature)}/in/{environment}"
    heading = f"{feature} for {segment} in {environment}"
    return Form(heading, "Change the override", "features", back, f"{feature} in {environment}", (*fields, priority), has_preview=True)


def _removal(site: Site, feature: str, environment: str, segment: str) -> Form:
    back = f"{_home(site, feature)}/in/{environment}"
    effects = (f"Everyone in {segment} gets what other segments or the default say.",)
    heading = f"Remove the override of {feature} for {segment} in {environment}?"
    return Form(heading, "Remove", "features", back, f"{feature} in {environment}", effects=effects, is_danger=True)


def _about(site: Site, feature: str, environment: str) -> dict[str, Any]:
    segments = list_segments(site.key, site.caller, site.database, site.fresh_flags, Slice(limit=MOST)).items
    view = api.get_flag(site.key, environment, feature, site.caller, site.database, site.fresh_flags, Response())
    return {"flag": view, "segments": [each for each in segments if each.key not in view.overrides]}


def _shown(state: FlagState) -> dict[str, Any]:
    """Return a state as it is shown: without the fields of overrides that follow the default."""
    overrides = {segment: each.model_dump(mode="json", exclude=set[str](each.inherits)) for segment, each in state.overrides.items()}
    return {"allocation": {}} | state.model_dump(mode="json") | {"overrides": overrides}


def _at(segment: str) -> str:
    """Return the pointer of an override in the API's body."""
    return f"/overrides/{segment}"


def _state(site: Site, feature: str, environment: str) -> FlagState:
    with site.database.reading() as store:
        return provider_of(store.projects.get(site.key), store).look(feature, environment)


def _type(site: Site, feature: str) -> FeatureType:
    return api.get_feature(site.key, feature, site.caller, site.database, site.fresh_flags, Response()).type


def _has_variants(site: Site, feature: str) -> bool:
    return bool(api.get_feature(site.key, feature, site.caller, site.database, site.fresh_flags, Response()).variants)


def _etag(site: Site, feature: str, environment: str) -> str:
    return etag_of(lambda answer: api.get_flag(site.key, environment, feature, site.caller, site.database, site.fresh_flags, answer))


def _home(site: Site, feature: str) -> str:
    return f"/projects/{site.key}/features/{feature}"
