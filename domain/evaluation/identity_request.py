"""What an application tells of an identity, and what is known of it from then on."""

from collections.abc import Mapping
from typing import NamedTuple

from domain.errors import Invalid
from domain.evaluation.identity import MOST_TRAITS, Identity, Trait, check_identifier, check_traits


class IdentityRequest(NamedTuple):
    """What was sent of an identity: traits to keep, traits for this time only, and traits to forget."""

    identifier: str
    kept: Mapping[str, Trait]
    passing: Mapping[str, Trait]
    forgotten: frozenset[str]
    transient: bool = False

    def known_after(self, known: Mapping[str, Trait]) -> dict[str, Trait]:
        """What is known of the identity from now on. Raises Invalid where that is too much."""
        after = {key: value for key, value in known.items() if key not in self.forgotten} | dict(self.kept)
        if len(after) > MOST_TRAITS:
            raise Invalid(f"An identity has at most {MOST_TRAITS} traits: forget some by sending null.")
        return after

    def seen_as(self, known: Mapping[str, Trait]) -> Identity:
        """For whom to evaluate now. Of a transient identity nothing is known but what was sent."""
        return Identity(self.identifier, dict(self.known_after({} if self.transient else known)) | dict(self.passing))


def read_identity_request(sent: object) -> IdentityRequest:
    """What was sent, in the form of Flagsmith's SDK API. Raises Invalid."""
    if not isinstance(sent, dict):
        raise Invalid("Send an object with an identifier and its traits.")
    identifier = check_identifier(sent.get("identifier"))
    traits = [] if sent.get("traits") is None else sent["traits"]
    if not isinstance(traits, list) or not all(isinstance(each, dict) and isinstance(each.get("trait_key"), str) for each in traits):
        raise Invalid("`traits` is a list of objects, each with a trait_key and a trait_value.")
    given = {each["trait_key"]: each.get("trait_value") for each in traits}
    if not all(isinstance(each.get("transient"), bool | None) for each in (sent, *traits)):
        raise Invalid("`transient` is true or false: what is not to be kept must not be kept by mistake.")
    passing = {each["trait_key"] for each in traits if each.get("transient") is True}
    checked = check_traits({key: value for key, value in given.items() if value is not None})
    return IdentityRequest(
        identifier,
        {key: value for key, value in checked.items() if key not in passing},
        {key: value for key, value in checked.items() if key in passing},
        frozenset(key for key, value in given.items() if value is None),
        sent.get("transient") is True,
    )
