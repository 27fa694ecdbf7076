"""The comparison of two environments."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query

from activities.providers.catalogue import provider_of
from activities.providers.provider import FlagProvider
from activities.store.database import Store
from activities.store.paging import MOST, Slice, cursor_after, value_in
from api.dependencies import CallerDep, DatabaseDep, FreshFlagsDep, SliceDep
from api.schemas.comparison import ComparedFeature, compared_feature
from api.schemas.lists import ListOf
from domain.errors import Invalid
from domain.flags.comparison import compare_existing
from domain.flags.flag import FlagState
from domain.flags.project import Feature, Project
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/environments", tags=["environments"])


@router.get("/{environment}/compare/{other}")
def compare_environments(
    project: Slug,
    environment: Slug,
    other: Slug,
    caller: CallerDep,
    database: DatabaseDep,
    fresh_flags: FreshFlagsDep,
    slice_: SliceDep,
    differs: Annotated[bool, Query(description="Only features that differ. If false, all features")] = True,
    other_project: Annotated[Slug | None, Query(description="The project of the other environment, if it is another one")] = None,
) -> ListOf[ComparedFeature]:
    """Compare the flags in two environments field by field, also of two projects. List the features that differ, by key.

    Features are compared by their keys. One that only one of two projects has differs in the field `feature`.
    """
    sides = (project, environment), (other_project or project, other)
    for each, _ in sides:
        caller.must_see(each)
        fresh_flags.prefer_every(each)
    with database.reading() as store:
        left, right = (_side(store, *each) for each in sides)
        if sides[0] == sides[1]:
            raise Invalid(f"'{environment}' can't be compared with itself: choose two different environments.")
        compared = _compare(left, right, slice_.cursor)
        found = list(islice((each for each in compared if each.differences or not differs), slice_.limit + 1))
    items = found[: slice_.limit]
    return ListOf(items=items, next=cursor_after(items[-1].key) if len(found) > len(items) else None)


class _Side(NamedTuple):
    """One of the two environments, with the features of its project by key."""

    provider: FlagProvider
    environment: str
    features: Mapping[str, Feature]

    def states(self, keys: list[str]) -> Mapping[str, FlagState]:
        """Return feature -> state, for those of these features that exist."""
        return {
            key: states[self.environment]
            for key, states in self.provider.look_all([each for each in keys if each in self.features]).items()
        }


def _side(store: Store, project: str, environment: str) -> _Side:
    owner = store.projects.get(project)
    store.environments.get(environment, owner.id)
    return _Side(provider_of(owner, store), environment, {each.key: each for each in _features(store, owner)})


def _features(store: Store, project: Project) -> Iterator[Feature]:
    cursor = None
    while True:
        page = store.features.page(Slice(cursor, MOST), project.id)
        yield from page.items
        if (cursor := page.next) is None:
            return


def _compare(left: _Side, right: _Side, cursor: str | None) -> Iterator[ComparedFeature]:
    """Yield each feature after the cursor. The states are read in pieces, as far as they are needed."""
    after = value_in(cursor) if cursor else ""
    keys = sorted(key for key in {*left.features, *right.features} if key > after)
    for start in range(0, len(keys), MOST):
        piece = keys[start : start + MOST]
        states = left.states(piece), right.states(piece)
        for key in piece:
            feature = left.features.get(key) or right.features[key]
            yield compared_feature(feature, compare_existing(states[0].get(key), states[1].get(key)))
