"""API keys on the wire."""

from pydantic import Field

from activities.store.keys import ApiKey
from domain.access import Grant, Owner
from domain.model import Frozen
from domain.text import Name


class CreateKey(Frozen):
    """A key for an owner, with what it may do."""

    name: Name
    owner: Owner
    grants: tuple[Grant, ...] = Field(min_length=1, max_length=100)


class NewKey(ApiKey):
    """A key with its secret, which is shown this once."""

    secret: str
