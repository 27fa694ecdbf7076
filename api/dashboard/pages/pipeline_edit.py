"""Editing a draft in a form, or as text. Each button sends the whole form, so nothing that was typed is lost."""

from http import HTTPStatus

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from api.dashboard.editor.findings import definition_of_sheet, definition_of_text, examine, sheet_if_shown, text_of
from api.dashboard.editor.page import Outcome, Typed, editor_page
from api.dashboard.editor.reading import document_of
from api.dashboard.editor.rows import Edited, edit_rows
from api.dashboard.editor.sheet import Sheet, sheet_of_fields
from api.dashboard.page_route import PageRoute
from api.dashboard.session import LongFormDep
from api.dashboard.site import Site, SiteDep
from api.routes.pipelines import replace_pipeline
from domain.entity_tag import Precondition
from domain.errors import Invalid, NotFound, Refusal
from domain.pipelines.pipeline import Pipeline, PipelineDefinition
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/pipelines/{pipeline}/edit", route_class=PageRoute, include_in_schema=False)

CHECKED = Edited("", "This was checked, and not saved.")
ONLY_TEXT = "The form can't show this definition exactly: edit it as text."


@router.get("")
def show_editor(site: SiteDep, pipeline: Slug, done: str = "") -> Response:
    """Show the form of a draft, and what keeps it from being published."""
    site.caller.must_administer(site.key)
    draft = _version(site, pipeline)
    draft.check_is_draft()
    sheet = sheet_if_shown(draft.definition)
    typed = Typed(draft.etag, sheet, "" if sheet else text_of(draft.definition))
    edited = Edited("", "The draft was saved." if done == "save" else "")
    return editor_page(site, draft, typed, Outcome(edited, findings=examine(site, draft, draft.definition)))


@router.post("")
def edit(site: SiteDep, pipeline: Slug, fields: LongFormDep) -> Response:
    """Carry out a button of the form. A refusal is shown on the same page, at the fields that cause it."""
    site.caller.must_administer(site.key)
    etag = fields.get("etag", "")
    typed = Typed(etag, None, fields["text"]) if "text" in fields else Typed(etag, sheet_of_fields(fields))
    try:
        return _press(fields.get("do", "save"), site, pipeline, typed, fields.get("theirs", ""))
    except Refusal as refusal:
        return editor_page(site, _version_if_any(site, pipeline), typed, Outcome(refusal=refusal))


def _version(site: Site, id_or_key: str) -> Pipeline:
    """Return a version by its id or its key. Raises NotFound."""
    with site.database.reading() as store:
        return store.pipelines.get(store.projects.get(site.key).id, id_or_key)


def _version_if_any(site: Site, id_or_key: str) -> Pipeline | None:
    """Return the version, or None if it was deleted in the meantime."""
    try:
        return _version(site, id_or_key)
    except NotFound:
        return None


def _press(button: str, site: Site, pipeline: str, typed: Typed, theirs: str) -> Response:
    """Carry out a button. `theirs` is the entity tag of the draft that somebody else saved, and that `overwrite` replaces."""
    match button:
        case "save" | "publish":
            return _save(site, pipeline, typed, typed.etag, to_publish=button == "publish")
        case "overwrite":
            return _save(site, pipeline, typed, theirs)
        case "check":
            draft = _version(site, pipeline)
            findings = examine(site, draft, _definition(typed))
            return editor_page(site, draft, typed, Outcome(CHECKED, findings=findings))
        case "text" if typed.sheet is not None:
            text = text_of(document_of(typed.sheet))
            return editor_page(site, _version_if_any(site, pipeline), Typed(typed.etag, None, text))
        case "form" if typed.sheet is None:
            return editor_page(site, _version_if_any(site, pipeline), Typed(typed.etag, _sheet_of_text(typed.text)))
        case _ if typed.sheet is not None:
            return editor_page(site, _version_if_any(site, pipeline), typed, Outcome(edit_rows(typed.sheet, button)))
        case _:
            raise Invalid("The page has no such button: reload it.")


def _save(site: Site, pipeline: str, typed: Typed, etag: str, *, to_publish: bool = False) -> Response:
    expected = Precondition(frozenset({etag}))
    saved = replace_pipeline(site.key, pipeline, _definition(typed), expected, site.caller, site.database, Response())
    address = f"/projects/{site.key}/pipelines/{saved.id}"
    return RedirectResponse(f"{address}/publish" if to_publish else f"{address}/edit?done=save", HTTPStatus.SEE_OTHER)


def _definition(typed: Typed) -> PipelineDefinition:
    return definition_of_text(typed.text) if typed.sheet is None else definition_of_sheet(typed.sheet)


def _sheet_of_text(text: str) -> Sheet:
    sheet = sheet_if_shown(definition_of_text(text))
    if sheet is None:
        raise Invalid(ONLY_TEXT)
    return sheet
