"""Request and response bodies of projects, environments and segments."""

from pydantic import BaseModel, ConfigDict

from domain.errors import Problem
from domain.flags.provider import ProviderKind
from domain.flags.segment import Rules
from domain.flags.served_rules import ServedRule
from domain.model import Frozen
from domain.text import Name, Slug


class CreateNamed(Frozen):
    """A key and a name, which defaults to the key."""

    key: Slug
    name: Name | None = None


class ChangeName(Frozen):
    """A new name. Keys never change."""

    name: Name


class CreateSegment(CreateNamed):
    """A new segment, with rules in the format of Flagsmith."""

    rules: Rules = ()


class ChangeSegment(Frozen):
    """A new name, new rules, or both."""

    name: Name | None = None
    rules: Rules | None = None


class NamedView(BaseModel):
    """A thing with a key and a name."""

    model_config = ConfigDict(from_attributes=True)

    key: str
    name: str


class ProjectView(NamedView):
    """A project, and the kind of system in which its flags are kept: `builtin` if they are kept here."""

    provider: ProviderKind


class EnvironmentView(NamedView):
    """An environment and the keys for applications. `server_key` is null for callers who may not change flags there."""

    client_key: str
    server_key: str | None


class SegmentSummary(NamedView):
    """A segment in a list."""

    rules: Rules


class SegmentView(SegmentSummary):
    """A segment. In the response to a write, `warnings` lists values that are not stored as they were sent, and differences between SDKs.

    `served_rules` is the form that SDKs evaluate, or null if it is the same as `rules`.
    """

    served_rules: tuple[ServedRule, ...] | None
    warnings: list[Problem]
