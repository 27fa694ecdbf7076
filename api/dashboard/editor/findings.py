"""Definitions that are typed as a form or as text: parsed, and checked without being saved."""

from typing import Any, NamedTuple

from activities.commands.simulate import SimulationRequest, simulate_release
from activities.documents import parse_document, yaml_of
from api.dashboard.editor.filling import knows_all_of, sheet_of
from api.dashboard.editor.mistakes import check_typed
from api.dashboard.editor.reading import document_of
from api.dashboard.editor.sheet import Sheet
from api.dashboard.site import Site
from api.dependencies import now
from api.document_problems import parse_as
from api.schemas.simulation import SimulationView, simulation_view
from domain.errors import Invalid, NotPublished, PipelineArchived, Problem, pointer_to
from domain.pipelines.capabilities import warnings_for
from domain.pipelines.pipeline import Pipeline, PipelineDefinition
from domain.pipelines.validation import warnings_of
from domain.releases.simulation import Obstacle

_OF_ITS_STATUS = (NotPublished.code(), PipelineArchived.code())


class Findings(NamedTuple):
    """The effects of a definition: the problems that keep it from being published, warnings, and a flag that starts now."""

    problems: list[Problem]
    warnings: list[Problem]
    simulation: SimulationView


def definition_of_sheet(sheet: Sheet) -> PipelineDefinition:
    """Return what was typed into the form. Raises Invalid with the problems that the API would name."""
    check_typed(sheet)
    return parse_as(PipelineDefinition, document_of(sheet))


def definition_of_text(text: str) -> PipelineDefinition:
    """Return what was typed as YAML or JSON. Raises Invalid with the problems that the API would name."""
    return parse_as(PipelineDefinition, parse_document(text, "The text"))


def text_of(document: PipelineDefinition | dict[str, Any]) -> str:
    """Return a definition, or a document that is not valid yet, as YAML."""
    return yaml_of(document.model_dump(mode="json") if isinstance(document, PipelineDefinition) else document)


def sheet_if_shown(definition: PipelineDefinition) -> Sheet | None:
    """Return its sheet, or None if the form would change it.

    Browsers change carriage returns, an empty default counts as none, and a new type may not be known to the form.
    """
    if not knows_all_of(definition):
        return None
    sheet = sheet_of(definition)
    has_carriage_return = "\r" in text_of(definition) or "\\r" in text_of(definition)
    try:
        return sheet if not has_carriage_return and definition_of_sheet(sheet) == definition else None
    except Invalid:
        return None


def examine(site: Site, pipeline: Pipeline, definition: PipelineDefinition) -> Findings:
    """Simulate a flag that starts now on a version, as if it had this definition."""
    at = now()
    version = pipeline.model_copy(update={"definition": definition})
    with site.database.reading() as store:
        request = SimulationRequest(None, None, {}, at)
        project = store.projects.get(site.key)
        simulation = simulate_release(store, site.caller, project, version, request)
    view = simulation_view(version, simulation, at, "UTC")
    return Findings(problems_among(view.obstacles), [*warnings_of(definition), *warnings_for(definition, project.provider)], view)


def problems_among(obstacles: list[Obstacle]) -> list[Problem]:
    """Return the obstacles that lie in the definition itself."""
    in_definition = [each for each in obstacles if each.about == "pipeline" and each.code not in _OF_ITS_STATUS]
    return [Problem(pointer=each.pointer or pointer_to([]), code=each.code, message=each.message) for each in in_definition]
