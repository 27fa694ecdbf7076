"""Creating a project. Only the owner of the instance can."""

from fastapi import APIRouter, Response

from api.dashboard.forms import Field, Form, create, given, show_form
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormDep
from api.dashboard.site import InstanceDep
from api.routes.projects import create_project
from api.schemas.projects import CreateNamed

PATH = "/new-project"
"""Not below /projects, where it would be the key of a project."""

router = APIRouter(prefix=PATH, route_class=PageRoute, include_in_schema=False)

_FIELDS = (Field("/key", "Key", hint="a-z, 0-9, - and _. It never changes"), Field("/name", "Name", hint="(optional: the key)"))
_EFFECTS = ("It begins without environments, features and pipelines.",)
_FORM = Form("Create a project", "Create", "projects", "/", "Projects", _FIELDS, _EFFECTS)


@router.get("")
def show_new(instance: InstanceDep) -> Response:
    """Ask for a project."""
    instance.visitor.caller.must_be_owner()
    return show_form(instance, _FORM, {})


@router.post("")
def add(instance: InstanceDep, fields: FormDep) -> Response:
    """Create the project, and go on to its environments."""

    def act() -> str:
        made = create_project(CreateNamed.model_validate(given(fields, "key", "name")), instance.visitor.caller, instance.writing())
        return f"/projects/{made.key}/environments"

    return create(instance, _FORM, fields, act)
