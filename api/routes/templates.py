"""Templates of common pipelines."""

from fastapi import APIRouter

from api.dependencies import CallerDep
from api.schemas.lists import ListOf
from domain.pipelines.pipeline import PipelineDefinition
from domain.pipelines.templates import TEMPLATES

router = APIRouter(prefix="/templates", tags=["pipelines"])


@router.get("")
def list_templates(_caller: CallerDep) -> ListOf[PipelineDefinition]:
    """List the pipeline templates. `{"template": key}` drafts a pipeline from one."""
    return ListOf(items=list(TEMPLATES.values()), next=None)
