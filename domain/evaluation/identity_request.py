"""The identity and traits in a request of an application, and their effect on the stored traits."""

from collections.abc import Mapping
from typing import NamedTuple

from domain.errors import Invalid
from domain.evaluation.identity import MOST_TRAITS, Identity, Trait, check_identifier, check_traits


class IdentityRequest(NamedTuple):
    """The identity in a request, with the traits to store, those for this request only, and those to remove."""

    identifier: str
    to_store: Mapping[str, Trait]
    for_now: Mapping[str, Trait]
    to_remove: frozenset[str]
    transient: bool = False

    def traits_after(self, stored: Mapping[str, Trait]) -> dict[str, Trait]:
        """Return the traits to be stored after this request. Raise Invalid if there are too many."""
        after = {key: value for key, value in stored.items() if key not in self.to_remove} | dict(self.to_store)
        if len(after) > MOST_TRAITS:
            raise Invalid(f"An identity can have at most {MOST_TRAITS} traits. Send null to remove a trait.")
        return after

    def identity(self, stored: Mapping[str, Trait]) -> Identity:
        """Return the identity to evaluate. A transient identity has only the traits that were sent."""
        return Identity(self.identifier, dict(self.traits_after({} if self.transient else stored)) | dict(self.for_now))


def read_identity_request(sent: object) -> IdentityRequest:
    """Parse a request in the format of Flagsmith's SDK API. Raise Invalid."""
    if not isinstance(sent, dict):
        raise Invalid("The body must be an object with an identifier and its traits.")
    identifier = check_identifier(sent.get("identifier"))
    traits = [] if sent.get("traits") is None else sent["traits"]
    if not isinstance(traits, list) or not all(isinstance(each, dict) and isinstance(each.get("trait_key"), str) for each in traits):
        raise Invalid("`traits` must be a list of objects, each with a trait_key and a trait_value.")
    given = {each["trait_key"]: each.get("trait_value") for each in traits}
    # Refused rather than guessed: a trait that was meant for this request only must not be stored by mistake.
    if not all(isinstance(each.get("transient"), bool | None) for each in (sent, *traits)):
        raise Invalid("`transient` must be a boolean.")
    for_now = {each["trait_key"] for each in traits if each.get("transient") is True}
    checked = check_traits({key: value for key, value in given.items() if value is not None})
    return IdentityRequest(
        identifier,
        {key: value for key, value in checked.items() if key not in for_now},
        {key: value for key, value in checked.items() if key in for_now},
        frozenset(key for key, value in given.items() if value is None),
        sent.get("transient") is True,
    )
