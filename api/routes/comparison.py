"""The comparison of two environments."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query

from activities.providers.catalogue import provider_of
from activities.store.database import Store
from activities.store.paging import MOST, Slice, cursor_after
from api.dependencies import CallerDep, DatabaseDep, FreshFlagsDep, SliceDep
from api.schemas.comparison import ComparedFeature, compared_feature
from api.schemas.lists import ListOf
from domain.errors import Invalid
from domain.flags.comparison import compare_flags
from domain.flags.project import Project
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
) -> ListOf[ComparedFeature]:
    """Compare the flags in two environments field by field. List the features that differ, by key."""
    caller.must_see(project)
    fresh_flags.prefer_every(project)
    with database.reading() as store:
        owner = store.projects.get(project)
        for each in (environment, other):
            store.environments.get(each, owner.id)
        if environment == other:
            raise Invalid(f"'{environment}' can't be compared with itself: choose two different environments.")
        compared = _compare(store, owner, slice_.cursor, (environment, other))
        found = list(islice((each for each in compared if each.differences or not differs), slice_.limit + 1))
    items = found[: slice_.limit]
    return ListOf(items=items, next=cursor_after(items[-1].key) if len(found) > len(items) else None)


def _compare(store: Store, project: Project, cursor: str | None, environments: tuple[str, str]) -> Iterator[ComparedFeature]:
    """Yield each feature after the cursor. The states are read page by page, as far as they are needed."""
    left, right = environments
    while True:
        page = store.features.page(Slice(cursor, MOST), project.id)
        states = provider_of(project, store).look_all([feature.key for feature in page.items])
        for feature in page.items:
            yield compared_feature(feature, compare_flags(states[feature.key][left], states[feature.key][right]))
        cursor = page.next
        if cursor is None:
            return
