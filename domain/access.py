"""Who may do what: roles, the grants of a key, and the rights that follow."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from domain.errors import NotAllowed, NotFound, RightMissing
from domain.model import Frozen, Message
from domain.text import SLUG_PATTERN, Name, Slug

ALL: Literal["*"] = "*"

EnvironmentOrAll = Annotated[str, StringConstraints(pattern=rf"{SLUG_PATTERN}|^\*$")]


class Role(StrEnum):
    """What a grant gives: the instance's owner, or a role in one project."""

    OWNER = "owner"
    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"


class Grant(Frozen):
    """One role; an operator's is bound to environments, the owner's to no project."""

    project: Slug | None = None
    role: Role
    environments: tuple[EnvironmentOrAll, ...] = Field(default=(), max_length=100)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.role is Role.OWNER) != (self.project is None):
            raise ValueError("the role owner has no project, and every other role needs one")
        if (self.role is Role.OPERATOR) != bool(self.environments):
            raise ValueError('an operator needs environments (["production"], or ["*"] for all), and no other role has any')
        return self

    def covers(self, other: "Grant") -> bool:
        """Whether this grant gives all that the other gives."""
        if self.role is Role.OWNER:
            return True
        if self.project != other.project or other.role is Role.OWNER:
            return False
        if self.role is Role.ADMIN or other.role is Role.VIEWER:
            return True
        return self.role is Role.OPERATOR is other.role and (ALL in self.environments or set(other.environments) <= set(self.environments))


class Owner(Frozen):
    """A person or a service, to whom keys belong; rights of releases count by owner."""

    kind: Literal["person", "service"]
    name: Name


class Person(Message):
    """Who decided something about a release: a key and its owner."""

    key: str
    owner: str
    owner_id: str


class Access(Frozen):
    """What a set of grants allows."""

    grants: tuple[Grant, ...] = ()

    @property
    def is_owner(self) -> bool:
        """Whether it holds the instance role."""
        return any(grant.role is Role.OWNER for grant in self.grants)

    def covers(self, grants: Iterable[Grant]) -> bool:
        """Whether all these grants lie within this access."""
        mine = self.grants
        return all(any(one.covers(grant) for one in mine) or self._operates_all_of(grant) for grant in grants)

    def sees(self, project: str) -> bool:
        """Whether it has any role in the project."""
        return self.is_owner or any(grant.project == project for grant in self.grants)

    def administers(self, project: str) -> bool:
        """Whether it may change the project's pipelines, environments and keys."""
        return any(grant.covers(Grant(project=project, role=Role.ADMIN)) for grant in self.grants)

    def operates(self, project: str, environment: str) -> bool:
        """Whether it may change flags in the environment."""
        wanted = Grant(project=project, role=Role.OPERATOR, environments=(environment,))
        return any(grant.covers(wanted) for grant in self.grants)

    def _operates_all_of(self, wanted: Grant) -> bool:
        if wanted.role is not Role.OPERATOR or wanted.project is None or ALL in wanted.environments:
            return False
        return all(self.operates(wanted.project, environment) for environment in wanted.environments)


class Caller(Frozen):
    """Who asks: a key, the owner it belongs to, and what it allows."""

    key: str
    owner: Owner
    owner_id: str
    access: Access

    @property
    def person(self) -> Person:
        """Who it is, for the record."""
        return Person(key=self.key, owner=self.owner.name, owner_id=self.owner_id)

    def must_see(self, project: str) -> None:
        """Raise NotFound for other people's projects."""
        if not self.access.sees(project):
            raise NotFound(f"There is no project '{project}', or none that this key may see.")

    def must_be_owner(self) -> None:
        """Raise NotAllowed without the instance role."""
        if not self.access.is_owner:
            raise NotAllowed("This needs the instance role owner.")

    def must_administer(self, project: str) -> None:
        """Raise NotFound or NotAllowed without the role admin in the project."""
        self.must_see(project)
        if not self.access.administers(project):
            raise NotAllowed(f"This needs the role admin in project '{project}'.")

    def must_operate(self, project: str, environments: Iterable[str]) -> None:
        """Raise NotFound or NotAllowed without the right on every one of these environments; those who may only look never have it."""
        self.must_see(project)
        if missing := [each for each in environments if not self.access.operates(project, each)]:
            raise NotAllowed(_missing_right(missing), environments=missing)
        self.must_operate_somewhere(project)

    def must_operate_somewhere(self, project: str) -> None:
        """Raise NotFound or NotAllowed for those who may only look."""
        self.must_see(project)
        roles = {grant.role for grant in self.access.grants if grant.project == project}
        if not self.access.administers(project) and Role.OPERATOR not in roles:
            raise NotAllowed(f"This needs the role operator or admin in project '{project}'.")


def check_right(access: Access, project: str, environment: str, owner: str) -> None:
    """Raise RightMissing if the owner a release acts for may no longer change flags there."""
    if not access.operates(project, environment):
        message = f"{owner} no longer has the right to change flags in {environment}: somebody who has it can retry."
        raise RightMissing(message, environment=environment, owner=owner)


def _missing_right(environments: list[str]) -> str:
    return f"This needs the role operator on {', '.join(environments)}: ask an admin of the project for it."
