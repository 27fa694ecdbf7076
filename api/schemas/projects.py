"""Projects, environments and segments on the wire."""

from pydantic import BaseModel, ConfigDict

from domain.flags.segment import Rules
from domain.model import Frozen
from domain.text import Name, Slug


class CreateNamed(Frozen):
    """A key, and a name that defaults to it."""

    key: Slug
    name: Name | None = None


class ChangeName(Frozen):
    """A new name; keys never change."""

    name: Name


class CreateSegment(CreateNamed):
    """A segment, with its rules in Flagsmith's form."""

    rules: Rules = ()


class ChangeSegment(Frozen):
    """A new name, new rules, or both."""

    name: Name | None = None
    rules: Rules | None = None


class NamedView(BaseModel):
    """A project or an environment."""

    model_config = ConfigDict(from_attributes=True)

    key: str
    name: str


class EnvironmentView(NamedView):
    """An environment, and what applications read its flags with; `server_key` is null for those who may not change flags there."""

    client_key: str
    server_key: str | None


class SegmentView(NamedView):
    """A segment."""

    rules: Rules
