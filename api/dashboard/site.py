"""A project as a visitor sees it: everything that the pages of a project share."""

from typing import Annotated, Any, Protocol

from fastapi import Depends, Request, Response

from activities.store.paging import MOST, Slice
from activities.store.requests import RequestId
from api.dashboard.rendering import render
from api.dashboard.session import VisitorDep
from api.dependencies import DatabaseDep, FreshFlagsDep, now
from api.idempotency import IdempotentRequest, Writing
from api.routes.projects import get_project, list_projects
from domain.access import Caller, Role
from domain.flags.provider import ProviderKind
from domain.text import Slug


class Pages(Protocol):
    """Something whose pages share their header: a project, or the instance as a whole."""

    def page(self, template: str, active: str, **context: Any) -> Response:
        """Return a page. `active` is the entry of the navigation to which it belongs."""


class Instance:
    """The instance as a visitor sees it: the pages that belong to no project."""

    def __init__(self, request: Request, visitor: VisitorDep, database: DatabaseDep) -> None:
        self.request = request
        self.visitor = visitor
        self.database = database

    def writing(self) -> Writing:
        """Return the transaction of one form."""
        return Writing(self.database, IdempotentRequest(None, "", 200, now()), Response())

    def page(self, template: str, active: str, **context: Any) -> Response:
        """Return a page outside all projects."""
        return render(self.request, template, visitor=self.visitor, project=None, active=active, **context)


class Site:
    """A project, and the visitor who looks at it. Raises NotFound if the visitor may not see the project."""

    def __init__(self, request: Request, project: Slug, visitor: VisitorDep, database: DatabaseDep, fresh_flags: FreshFlagsDep) -> None:
        self.request = request
        self.visitor = visitor
        self.database = database
        self.fresh_flags = fresh_flags
        self.project = get_project(project, visitor.caller, database, Response())

    @property
    def key(self) -> str:
        """The project's key."""
        return self.project.key

    @property
    def caller(self) -> Caller:
        """The caller on whose behalf the pages read and write."""
        return self.visitor.caller

    @property
    def acts(self) -> bool:
        """True if the visitor may change something in the project."""
        grants = self.caller.access.grants
        return self.caller.access.is_owner or any(each.project == self.key and each.role is not Role.VIEWER for each in grants)

    @property
    def administers(self) -> bool:
        """True if the visitor may change pipelines."""
        return self.caller.access.administers(self.key)

    @property
    def keeps_flags(self) -> bool:
        """True if the project's flags are kept here, and may be changed by hand."""
        return self.project.provider is ProviderKind.BUILTIN

    def operates(self, *environments: str) -> bool:
        """True if the visitor may change flags in all of these environments."""
        return self.acts and all(self.caller.access.operates(self.key, each) for each in environments)

    def writing(self, once: str = "") -> Writing:
        """Return the transaction of one form. One that names itself is carried out once, even if the browser sends it again."""
        request = RequestId(self.caller.key, self.request.url.path, once[:64]) if once else None
        return Writing(self.database, IdempotentRequest(request, "", 200, now()), Response())

    def page(self, template: str, active: str, **context: Any) -> Response:
        """Return a page of the project. `active` is the entry of the navigation to which it belongs."""
        projects = list_projects(self.caller, self.database, Slice(limit=MOST)).items
        about: dict[str, Any] = {"visitor": self.visitor, "project": self.project, "projects": projects, "active": active}
        about |= {"acts": self.acts, "administers": self.administers, "keeps_flags": self.keeps_flags}
        return render(self.request, template, **about, **context)


SiteDep = Annotated[Site, Depends()]
InstanceDep = Annotated[Instance, Depends()]
