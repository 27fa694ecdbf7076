"""Access control: roles, the grants of a key, and the rights that follow from them."""

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
    """The role that a grant gives: owner of the instance, or a role in one project."""

    OWNER = "owner"
    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"


class Grant(Frozen):
    """One role. An operator's grant names environments. Only the owner's has no project."""

    project: Slug | None = None
    role: Role
    environments: tuple[EnvironmentOrAll, ...] = Field(default=(), max_length=100)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.role is Role.OWNER) != (self.project is None):
            raise ValueError("must have a project, except for the role owner, which has none")
        if (self.role is Role.OPERATOR) != bool(self.environments):
            raise ValueError('must have environments for the role operator (["production"], or ["*"] for all), and for no other role')
        return self

    def covers(self, other: "Grant") -> bool:
        """True if this grant includes all rights of the other."""
        if self.role is Role.OWNER:
            return True
        if self.project != other.project or other.role is Role.OWNER:
            return False
        if self.role is Role.ADMIN or other.role is Role.VIEWER:
            return True
        return self.role is Role.OPERATOR is other.role and (ALL in self.environments or set(other.environments) <= set(self.environments))


class Owner(Frozen):
    """A person or a service that owns API keys. Releases act with the rights of an owner, not of a single key."""

    kind: Literal["person", "service"]
    name: Name


class Account(Frozen):
    """A person's account at the identity provider. The issuer and the subject identify it for good, and the name may change."""

    issuer: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    subject: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    name: Name
    groups: frozenset[str] = frozenset()


class Person(Message):
    """The author of a decision about a release: a key and its owner."""

    key: str
    owner: str
    owner_id: str


class Access(Frozen):
    """The rights that a set of grants gives."""

    grants: tuple[Grant, ...] = ()

    @property
    def is_owner(self) -> bool:
        """True if a grant gives the instance role owner."""
        return any(grant.role is Role.OWNER for grant in self.grants)

    def covers(self, grants: Iterable[Grant]) -> bool:
        """True if this access includes all rights of these grants."""
        mine = self.grants
        return all(any(one.covers(grant) for one in mine) or self._operates_all_of(grant) for grant in grants)

    def sees(self, project: str) -> bool:
        """True if it includes any role in the project."""
        return self.is_owner or any(grant.project == project for grant in self.grants)

    def administers(self, project: str) -> bool:
        """True if it allows changing the project's pipelines, environments and keys."""
        return any(grant.covers(Grant(project=project, role=Role.ADMIN)) for grant in self.grants)

    def operates(self, project: str, environment: str) -> bool:
        """True if it allows changing flags in the environment."""
        needed = Grant(project=project, role=Role.OPERATOR, environments=(environment,))
        return any(grant.covers(needed) for grant in self.grants)

    def _operates_all_of(self, needed: Grant) -> bool:
        """True if several of our grants together cover an operator's grant."""
        if needed.role is not Role.OPERATOR or needed.project is None or ALL in needed.environments:
            return False
        return all(self.operates(needed.project, environment) for environment in needed.environments)


class Caller(Frozen):
    """The author of a request: an API key, its owner, and the access it gives."""

    key: str
    owner: Owner
    owner_id: str
    access: Access

    @property
    def person(self) -> Person:
        """The caller, as it is recorded."""
        return Person(key=self.key, owner=self.owner.name, owner_id=self.owner_id)

    def must_see(self, project: str) -> None:
        """Raise NotFound without any role in the project."""
        if not self.access.sees(project):
            raise NotFound(f"Project '{project}' does not exist, or this key may not see it.")

    def must_be_owner(self) -> None:
        """Raise NotAllowed without the instance role."""
        if not self.access.is_owner:
            raise NotAllowed("This requires the instance role owner.")

    def must_administer(self, project: str) -> None:
        """Raise NotFound or NotAllowed without the role admin in the project."""
        self.must_see(project)
        if not self.access.administers(project):
            raise NotAllowed(f"This requires the role admin in project '{project}'.")

    def must_operate(self, project: str, environments: Iterable[str]) -> None:
        """Raise NotFound or NotAllowed without the right to change flags in all of these environments. A viewer is always refused."""
        self.must_see(project)
        if missing := [each for each in environments if not self.access.operates(project, each)]:
            raise NotAllowed(_missing_right(missing), environments=missing)
        self.must_operate_somewhere(project)

    def must_operate_somewhere(self, project: str) -> None:
        """Raise NotFound or NotAllowed without the role operator or admin in the project."""
        self.must_see(project)
        roles = {grant.role for grant in self.access.grants if grant.project == project}
        if not self.access.administers(project) and Role.OPERATOR not in roles:
            raise NotAllowed(f"This requires the role operator or admin in project '{project}'.")


def check_right(access: Access, project: str, environment: str, owner: str) -> None:
    """Raise RightMissing if the responsible owner of a release may no longer change flags in the environment."""
    if not access.operates(project, environment):
        message = f"{owner} no longer has the right to change flags in {environment}. Anyone who has it can retry."
        raise RightMissing(message, environment=environment, owner=owner)


def _missing_right(environments: list[str]) -> str:
    return f"This requires the role operator on {', '.join(environments)}: ask an admin of the project for it."
