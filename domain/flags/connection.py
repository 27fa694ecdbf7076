"""The connection of a project to the system in which its flags are kept."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from domain.flags.git_address import git_address
from domain.flags.provider import ProviderKind
from domain.model import Frozen, Moment
from domain.text import Slug

MOST_CALLS = 32
USUAL_CALLS = 8

RemoteKey = Annotated[str, Field(min_length=1, max_length=200)]
"""The name of a project, an environment or a feature in its own system."""


def _distinct(environments: Mapping[str, str]) -> Mapping[str, str]:
    if len(set(environments.values())) < len(environments):
        raise ValueError("must not have the same environment of the other system twice")
    return environments


Mapped = Annotated[dict[Slug, RemoteKey], Field(max_length=100), AfterValidator(_distinct)]
"""The key of an environment -> its name in the other system."""


class Outage(Frozen):
    """The failure of the last call to a provider, and when calls began to fail."""

    code: Literal["provider_unavailable", "provider_throttled"]
    message: str
    since: Moment


class Connection(Frozen):
    """A project's connection. The credential is kept apart from it, encrypted.

    `address` is a URL, or the path of a folder of files. `environments` has each of our environments with its name over there. It is
    empty only before the environments were listed.
    """

    kind: ProviderKind
    address: str = Field(min_length=1, max_length=500)
    project: RemoteKey = "default"
    environments: Mapped = {}
    calls: int = Field(default=USUAL_CALLS, ge=1, le=MOST_CALLS, strict=True)
    """The most calls in flight at the same time, of each process."""

    @property
    def url(self) -> str | None:
        """The URL of the server that is called, or None if there is none. Raises Invalid for an address that is not safe."""
        if self.kind.is_over_http:
            return self.address
        repository = git_address(self.address)
        return repository.url if repository and repository.is_over_http else None
