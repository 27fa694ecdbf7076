"""Request and response bodies of API keys."""

from pydantic import Field

from activities.store.keys import ApiKey
from domain.access import Grant, Owner
from domain.model import Frozen
from domain.text import Name


class CreateKey(Frozen):
    """A new key for an owner, with its grants."""

    name: Name
    owner: Owner
    grants: tuple[Grant, ...] = Field(min_length=1, max_length=100)


class NewKey(ApiKey):
    """A key with its secret, which is shown only once."""

    secret: str
