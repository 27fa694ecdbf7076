"""The segments of a project: their rules, where they are used, and what SDKs evaluate differently."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Response
from pydantic import ValidationError

from activities.commands.references import environments_of_segment, uses_of_segment
from activities.store.paging import Slice
from api.dashboard.forms import Field, Form, Plan, change, confirm, etag_of, given, show_form, still_in_use, typed, use_in_words
from api.dashboard.page_route import PageRoute
from api.dashboard.segment_rows import TEXT, document_of, fits_rows, numbered, other_form, rows_of, text_of
from api.dashboard.session import FormFields, LongFormDep
from api.dashboard.site import Site, SiteDep
from api.dashboard.texts import changed_texts, rule_text
from api.routes import segments as api
from api.schemas.projects import ChangeSegment, CreateSegment, SegmentView
from domain.entity_tag import Precondition
from domain.errors import Invalid
from domain.flags.sdk_differences import differences
from domain.flags.segment import Operator, Rule
from domain.flags.segment_rules import normalize_rules
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/segments", route_class=PageRoute, include_in_schema=False)

_NAME = Field("/name", "Name", hint="(optional: the key)")
_TEMPLATE = "segment_form.html"


@router.get("")
def show_segments(site: SiteDep, cursor: str | None = None, done: str = "") -> Response:
    """List the segments with their rules."""
    page = api.list_segments(site.key, site.caller, site.database, site.fresh_flags, Slice(cursor))
    return site.page("segments.html", "segments", segments=page.items, next=page.next, done=done == "yes")


@router.get("/new")
def show_new(site: SiteDep) -> Response:
    """Ask for a segment."""
    site.caller.must_operate_somewhere(site.key)
    return show_form(site, _new(site), {}, **_choices())


@router.post("/new")
def add(site: SiteDep, fields: LongFormDep) -> Response:
    """Create the segment."""
    site.caller.must_operate_somewhere(site.key)

    def plan() -> Plan:
        body = CreateSegment.model_validate(given(fields, "key", "name") | {"rules": document_of(fields)})
        normalized = normalize_rules(body.rules)

        def act(_shown: Precondition) -> str:
            api.create_segment(site.key, body, site.caller, site.writing())
            return f"{_home(site)}/{body.key}?done=yes"

        after = {"key": body.key, "name": body.name or body.key, "rules": _in_words(normalized.rules)}
        return Plan(changed_texts({}, after), [each.message for each in normalized.warnings], act)

    return _answer(site, _new(site), fields, "", plan)


@router.get("/{segment}")
def show_segment(site: SiteDep, segment: Slug, done: str = "") -> Response:
    """Show a segment: its rules, also as they are served and as text, and where it is used."""
    view = _get(site, segment)
    with site.database.reading() as store:
        project = store.projects.get(site.key)
        uses = uses_of_segment(store, project, segment)
        environments = environments_of_segment(store, project, segment)
    about: dict[str, Any] = {"warnings": list(differences(view.rules, "/rules")), "text": text_of(view.rules)}
    about |= {"uses": [use_in_words(each) for each in uses], "changes": site.operates(*environments), "done": done == "yes"}
    return site.page("segment.html", "segments", segment=view, **about)


@router.get("/{segment}/edit")
def show_edit(site: SiteDep, segment: Slug) -> Response:
    """Ask for other rules or another name."""
    _check_right(site, segment)
    view = _get(site, segment)
    rules = rows_of(view.rules) if fits_rows(view.rules) else {TEXT: text_of(view.rules)}
    return show_form(site, _edited(site, segment), {"/name": view.name} | rules, etag=_etag(site, segment), **_choices())


@router.post("/{segment}/edit")
def edit(site: SiteDep, segment: Slug, fields: LongFormDep) -> Response:
    """Change the segment."""
    _check_right(site, segment)

    def plan() -> Plan:
        view = _get(site, segment)
        body = ChangeSegment.model_validate({"name": fields.get("/name", ""), "rules": document_of(fields)})
        normalized = normalize_rules(body.rules or ())

        def act(shown: Precondition) -> str:
            api.change_segment(site.key, segment, body, shown, site.caller, site.database, Response())
            return f"{_home(site)}/{segment}?done=yes"

        before, after = (
            {"name": name, "rules": _in_words(rules)} for name, rules in ((view.name, view.rules), (body.name or "", normalized.rules))
        )
        notes = [*(each.message for each in normalized.warnings), "Approvals of stages that name the segment lapse."]
        return Plan(changed_texts(before, after), notes, act)

    return _answer(site, _edited(site, segment), fields, _etag(site, segment), plan)


@router.get("/{segment}/delete")
def show_delete(site: SiteDep, segment: Slug) -> Response:
    """Ask before the segment is deleted, and name what still uses it."""
    site.caller.must_operate_somewhere(site.key)
    return show_form(site, _deleted(site, segment), {}, etag=_etag(site, segment))


@router.post("/{segment}/delete")
def delete(site: SiteDep, segment: Slug, fields: LongFormDep) -> Response:
    """Delete the segment."""
    site.caller.must_operate_somewhere(site.key)

    def act(shown: Precondition) -> str:
        api.delete_segment(site.key, segment, shown, site.caller, site.database)
        return f"{_home(site)}?done=yes"

    return confirm(site, _deleted(site, segment), fields, lambda: _etag(site, segment), act)


def _answer(site: Site, form: Form, fields: FormFields, etag: str, plan: Any) -> Response:
    """Show the rules in another form or with another row, or else what would change, or change it."""
    pressed = fields.pop("press", "")
    fields_now = numbered(fields)
    if not pressed:
        return change(site, form, fields_now, lambda: etag, plan, **_choices())
    shown = {"etag": fields.get("etag", ""), **_choices(rows=2 if pressed == "rows" else 1)}
    values = typed(fields_now)
    if pressed == "rows":
        return show_form(site, form, values, **shown)
    try:
        return show_form(site, form, other_form(values), **shown)
    except (Invalid, ValidationError) as error:
        return show_form(site, form, values, error=error, **shown)


def _choices(rows: int = 1) -> dict[str, Any]:
    """Return what the rows of rules offer, and the number of empty ones."""
    return {"operators": [each.value for each in Operator], "blank": 2 * rows}


def _check_right(site: Site, segment: str) -> None:
    """Raise NotAllowed without the right to change the segment, as the API does."""
    site.caller.must_operate_somewhere(site.key)
    with site.database.reading() as store:
        project = store.projects.get(site.key)
        site.caller.must_operate(site.key, environments_of_segment(store, project, store.segments.get(segment, project.id).key))


def _new(site: Site) -> Form:
    fields = (Field("/key", "Key", hint="a-z, 0-9, - and _. It never changes"), _NAME)
    return Form("Create a segment", "Create", "segments", _home(site), "Segments", fields, has_preview=True, template=_TEMPLATE)


def _edited(site: Site, segment: str) -> Form:
    back = f"{_home(site)}/{segment}"
    return Form(f"Change {segment}", "Change", "segments", back, segment, (_NAME,), has_preview=True, template=_TEMPLATE)


def _deleted(site: Site, segment: str) -> Form:
    with site.database.reading() as store:
        uses = uses_of_segment(store, store.projects.get(site.key), segment)
    effects = ("This can't be undone.", *still_in_use(uses))
    return Form(f"Delete {segment}?", "Delete", "segments", f"{_home(site)}/{segment}", segment, effects=effects, is_danger=True)


def _in_words(rules: Sequence[Rule]) -> str:
    return " and ".join(f"({rule_text(rule)})" if len(rules) > 1 else rule_text(rule) for rule in rules) or "nobody"


def _get(site: Site, segment: str) -> SegmentView:
    return api.get_segment(site.key, segment, site.caller, site.database, site.fresh_flags, Response())


def _etag(site: Site, segment: str) -> str:
    return etag_of(lambda answer: api.get_segment(site.key, segment, site.caller, site.database, site.fresh_flags, answer))


def _home(site: Site) -> str:
    return f"/projects/{site.key}/segments"
