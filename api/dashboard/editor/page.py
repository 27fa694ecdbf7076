"""The page on which a draft is edited."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi import Response

from activities.providers.catalogue import provider_of
from activities.store.database import Store
from activities.store.paging import MOST, Slice
from api.dashboard.editor.findings import Findings, text_of
from api.dashboard.editor.places import by_place, marks_of
from api.dashboard.editor.rows import Edited
from api.dashboard.editor.sheet import Sheet
from api.dashboard.site import Site
from api.problems import status_of
from domain.errors import DraftChanged, Problem, Refusal
from domain.flags.project import Project
from domain.metrics.source import SourceKind
from domain.pipelines.pipeline import Pipeline

NOTHING_EDITED = Edited("", "")


class Typed(NamedTuple):
    """The content of the page: a sheet or a text, and the entity tag of the draft from which it began."""

    etag: str
    sheet: Sheet | None = None
    text: str = ""


class Outcome(NamedTuple):
    """The result of the button that was pressed."""

    edited: Edited = NOTHING_EDITED
    refusal: Refusal | None = None
    findings: Findings | None = None

    @property
    def problems(self) -> Sequence[Problem]:
        """The problems to show: those that refuse the draft, or else those that keep it from being published."""
        if self.refusal:
            return self.refusal.problems
        return self.findings.problems if self.findings else ()

    @property
    def status(self) -> HTTPStatus:
        """The status of the page."""
        return status_of(type(self.refusal)) if self.refusal else HTTPStatus.OK


def editor_page(site: Site, pipeline: Pipeline | None, typed: Typed, outcome: Outcome = Outcome()) -> Response:  # noqa: B008  it is immutable
    """Return the page with what was typed. The draft is None if it was deleted in the meantime."""
    marks = marks_of(outcome.problems, typed.sheet or {})
    warnings = marks_of(outcome.findings.warnings, typed.sheet or {}) if outcome.findings else []
    with site.database.reading() as store:
        choices = _choices(store, store.projects.get(site.key))
    context: dict[str, Any] = {"typed": typed, "sheet": typed.sheet, "outcome": outcome, "marks": marks, "warnings": warnings}
    context |= {
        "at_place": by_place(marks),
        "focus": outcome.edited.focus,
        "pipeline": pipeline,
        "theirs": _theirs(pipeline, outcome.refusal),
    }
    return site.page("pipeline_edit.html", "pipelines", code=outcome.status, **context, **choices)


def _choices(store: Store, project: Project) -> dict[str, Any]:
    """Return the keys that the form offers."""
    provider = provider_of(project, store)
    environments = sorted(provider.environments())
    sources = store.metric_sources.page(project.id, Slice(limit=MOST)).items
    return {
        "environments": environments,
        "environment_options": [("", "that of the stage"), *((key, key) for key in environments)],
        "segments": sorted(provider.segments()),
        "metrics": [each.key for each in store.metrics.page(project.id, Slice(limit=MOST)).items],
        "http_sources": [each.source.key for each in sources if each.source.kind is SourceKind.HTTP],
    }


def _theirs(pipeline: Pipeline | None, refusal: Refusal | None) -> str | None:
    """Return the draft as somebody else saved it, if that is why it was refused."""
    return text_of(pipeline.definition) if pipeline and isinstance(refusal, DraftChanged) else None
