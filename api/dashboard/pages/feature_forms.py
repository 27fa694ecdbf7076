"""Creating, describing and deleting a feature."""

from typing import Any

from fastapi import APIRouter, Response

from activities.store.paging import MOST, Slice
from api.dashboard.forms import Field, Form, Plan, change, confirm, create, etag_of, given, show_form
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormFields, LongFormDep
from api.dashboard.site import Site, SiteDep
from api.dashboard.texts import changed_fields, read_value
from api.dashboard.variant_lines import read_variants, typed_variants
from api.routes import features as api
from api.routes.environments import list_environments
from api.schemas.features import ChangeFeature, CreateFeature
from domain.entity_tag import Precondition
from domain.flags.flag import FeatureType
from domain.flags.variant import type_of_variants
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/features", route_class=PageRoute, include_in_schema=False)

_DESCRIPTION = Field("/description", "Description", "lines", hint="(optional)")
_VARIANTS = Field("/variants", "Variants", "lines", hint="(optional) One per line: one-page = One page. A toggle has only keys")
_VARIANTS_ELSEWHERE = Field("/variants", "Variants", "lines", hint="One per line: one-page = One page. The value is optional")
_NEW = (
    Field("/key", "Key", hint="a-z, 0-9, - and _. It never changes"),
    Field("/name", "Name", hint="(optional: the key)"),
    _DESCRIPTION,
    Field("/type", "Type", "choice", hint="It never changes", choices=[(each.value, each.value) for each in FeatureType]),
    Field("/default/enabled", "On by default", "check"),
    Field("/default/value", "Default value", hint="(empty: no value. A toggle has none)"),
    _VARIANTS,
)


@router.get("/new")
def show_new(site: SiteDep) -> Response:
    """Ask for a feature."""
    site.caller.must_operate(site.key, _environments(site))
    return show_form(site, _new(site), {})


@router.post("/new")
def add(site: SiteDep, fields: LongFormDep) -> Response:
    """Create the feature."""

    def act() -> str:
        made = api.create_feature(site.key, CreateFeature.model_validate(_body(fields)), site.caller, site.writing())
        return f"{_home(site)}/{made.key}?done=yes"

    return create(site, _new(site), fields, act)


@router.get("/{feature}/edit")
def show_edit(site: SiteDep, feature: Slug) -> Response:
    """Ask for another name, description or variants."""
    site.caller.must_operate_somewhere(site.key)
    view = api.get_feature(site.key, feature, site.caller, site.database, site.fresh_flags, Response())
    values = {"/name": view.name, "/description": view.description, "/variants": typed_variants(view.variants)}
    return show_form(site, _edited(site, feature), values, etag=_etag(site, feature))


@router.post("/{feature}/edit")
def edit(site: SiteDep, feature: Slug, fields: LongFormDep) -> Response:
    """Change the name, the description and the variants."""
    site.caller.must_operate_somewhere(site.key)

    def plan() -> Plan:
        view = api.get_feature(site.key, feature, site.caller, site.database, site.fresh_flags, Response())
        after = {"name": fields.get("/name", ""), "description": fields.get("/description", "")} if site.keeps_flags else {}
        variants = read_variants(fields.get("/variants", ""), type_of_variants(view.type, site.project.provider))
        body = ChangeFeature.model_validate(after | {"variants": variants})
        before = view.model_dump(mode="json", include={*after, "variants"})

        def act(shown: Precondition) -> str:
            api.change_feature(site.key, feature, body, shown, site.caller, site.database, Response())
            return f"{_home(site)}/{feature}?done=yes"

        return Plan(changed_fields(before, body.model_dump(mode="json", include=set(before))), [], act)

    return change(site, _edited(site, feature), fields, lambda: _etag(site, feature), plan)


@router.get("/{feature}/delete")
def show_delete(site: SiteDep, feature: Slug) -> Response:
    """Ask before the feature is deleted."""
    site.caller.must_operate(site.key, _environments(site))
    return show_form(site, _deleted(site, feature), {}, etag=_etag(site, feature))


@router.post("/{feature}/delete")
def delete(site: SiteDep, feature: Slug, fields: LongFormDep) -> Response:
    """Delete the feature."""

    def act(shown: Precondition) -> str:
        api.delete_feature(site.key, feature, shown, site.caller, site.database)
        return _home(site)

    return confirm(site, _deleted(site, feature), fields, lambda: _etag(site, feature), act)


def _body(fields: FormFields) -> dict[str, Any]:
    text = fields.get("/default/value", "")
    type_ = fields.get("/type", "")
    value = read_value(text, FeatureType(type_)) if text and type_ in set(FeatureType) else text or None
    default = {"enabled": "/default/enabled" in fields, "value": value}
    variants = read_variants(fields.get("/variants", ""), FeatureType(type_) if type_ in set(FeatureType) else FeatureType.STRING)
    return {**given(fields, "key", "name", "description", "type"), "default": default, "variants": variants}


def _new(site: Site) -> Form:
    return Form("Create a feature", "Create", "features", _home(site), "Features", _NEW)


def _edited(site: Site, feature: str) -> Form:
    fields = (Field("/name", "Name"), _DESCRIPTION, _VARIANTS) if site.keeps_flags else (_VARIANTS_ELSEWHERE,)
    return Form(f"Describe {feature}", "Change", "features", f"{_home(site)}/{feature}", feature, fields, has_preview=True)


def _deleted(site: Site, feature: str) -> Form:
    effects = ("Applications no longer find the flag, in any environment. This can't be undone.",)
    return Form(f"Delete {feature}?", "Delete", "features", f"{_home(site)}/{feature}", feature, effects=effects, is_danger=True)


def _environments(site: Site) -> list[str]:
    return [each.key for each in list_environments(site.key, site.caller, site.database, Slice(limit=MOST)).items]


def _etag(site: Site, feature: str) -> str:
    return etag_of(lambda answer: api.get_feature(site.key, feature, site.caller, site.database, site.fresh_flags, answer))


def _home(site: Site) -> str:
    return f"/projects/{site.key}/features"
