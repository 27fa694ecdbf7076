"""A feature of Unleash in one environment as its SDKs evaluate it: a second reading, for places on the line and not for users."""

import itertools
from typing import NamedTuple

from activities.providers.unleash.calls import Add, Call, Delete, Replace, Switch
from activities.providers.unleash.documents import FeatureEnvironment, Strategy

LAST_ORDER = 9_999
_ids = itertools.count()


class Person(NamedTuple):
    """A user by the segments that they are in, and their places in the hash of the feature's group and of the group of its variants."""

    segments: frozenset[int]
    rollout: int
    line: int


OFF = "off"


def served(place: FeatureEnvironment, person: Person) -> str:
    """Return the variant that a person gets: empty without one, and OFF if the feature is off for them."""
    active = sorted((each for each in place.strategies if not each.disabled), key=lambda each: each.sort_order)
    if not place.enabled:
        return OFF
    for each in active:
        hashed = person.line if each.parameters["groupId"].endswith("-variants") else person.rollout
        if set(each.segments) <= person.segments and hashed <= int(each.parameters["rollout"]):
            return str(each.variants[0]["name"]) if each.variants else ""
    return OFF if active else ""


def after(place: FeatureEnvironment, call: Call) -> FeatureEnvironment:
    """Return the feature after a call, as the server answers it."""
    match call:
        case Switch(to=to):
            return place.model_copy(update={"enabled": to == "on"})
        case Add(strategy=added):
            last = max((each.sort_order for each in place.strategies), default=-1)
            fields = {"sortOrder": last + 1} | added.to_json() | {"id": f"id-{next(_ids)}"}
            return place.model_copy(update={"strategies": [*place.strategies, Strategy(**fields)]})
        case Replace(strategy=changed):
            replaced = [Strategy(**each.to_json() | changed.to_json()) if each.id == changed.id else each for each in place.strategies]
            return place.model_copy(update={"strategies": replaced})
        case Delete(strategy=gone):
            left = [each for each in place.strategies if each.id != gone]
            return place.model_copy(update={"strategies": left, "enabled": place.enabled and bool(left)})
