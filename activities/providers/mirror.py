"""The copy of another system's flags in our own store. Every decision reads it right after it was refreshed.

The copy lets everything that reads flags, in a transaction or while the other system is down, work alike for all projects.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from activities.providers.copies import unique_key
from activities.providers.flag_system import SystemFeature, SystemFlag, SystemSegment
from activities.store.database import Store
from activities.store.identifiers import new_id
from activities.store.system_names import Noun, SystemName
from domain.flags.flag import FlagState
from domain.flags.project import Project

LONGEST_NAME = 120
LONGEST_DESCRIPTION = 2_000


def mirror_features(store: Store, project: Project, found: Iterable[SystemFeature], at: datetime) -> None:
    """Give each new feature a key, and delete those that are gone.

    Nothing is deleted if the other system lists none at all. A feature in a release stays, because the release finds out by itself.
    """
    listed = {each.name: each for each in found}
    known = store.system_names.all(project.id, "feature")
    missing = [store.features.get(each.key, project.id) for each in known.values() if each.name not in listed] if listed else []
    released = store.releases.unfinished_of([each.id for each in missing]) if missing else {}
    gone = [each for each in missing if each.id not in released]
    for unlisted in gone:
        store.features.delete(unlisted.id, at)
    store.system_names.remove(project.id, "feature", [each.key for each in gone])
    names = _new_names(listed, known)
    for each in names:
        feature = listed[each.name]
        store.features.insert(
            at,
            id=new_id(),
            project_id=project.id,
            key=each.key,
            name=feature.name[:LONGEST_NAME],
            description=feature.description[:LONGEST_DESCRIPTION],
            type=feature.type,
            default_state=FlagState().model_dump(mode="json"),
        )
    store.system_names.add(project.id, "feature", names)
    _mirror_variants(store, project, listed, [*known.values(), *names])


def _mirror_variants(store: Store, project: Project, listed: Mapping[str, SystemFeature], names: Iterable[SystemName]) -> None:
    """Copy the variants of features, where they are defined over there."""
    found = {each.key: listed[each.name].variants for each in names if each.name in listed}
    defined = {key: variants for key, variants in found.items() if variants is not None}
    for feature in store.features.all(project.id) if defined else ():
        variants = defined.get(feature.key)
        if variants is not None and variants != feature.variants:
            store.features.update(feature.id, variants=[each.model_dump(mode="json") for each in variants])


def mirror_segments(store: Store, project: Project, found: Iterable[SystemSegment], at: datetime) -> None:
    """Give each new segment a key, and delete those that are gone. One whose definition changed is a new one under the same key.

    An approval is for segments by their ids, so it lapses if a segment changes.
    """
    listed = {each.reference: each for each in found}
    known = store.system_names.all(project.id, "segment")
    gone = {each.key: each for each in known.values() if each.name not in listed or listed[each.name].digest != each.digest}
    for key in gone:
        store.segments.delete(store.segments.get(key, project.id).id, at)
    store.system_names.remove(project.id, "segment", gone)
    changed = [SystemName(each.key, each.name, listed[each.name].digest) for each in gone.values() if each.name in listed]
    remaining = {key: each for key, each in known.items() if key not in gone} | {each.key: each for each in changed}
    added = _new_names(listed, remaining)
    for each in (*changed, *added):
        name = listed[each.name].name[:LONGEST_NAME]
        store.segments.insert(at, id=new_id(), project_id=project.id, key=each.key, name=name, rules=[])
    store.system_names.add(project.id, "segment", [*changed, *added])


def mirror_flags(store: Store, project: Project, key: str, found: Mapping[str, SystemFlag], at: datetime, since: int | None = None) -> None:
    """Store a feature's flags. `found` is by our environments.

    With `since`, the number of readings when this one began, it is ignored if another one was stored meanwhile. Clocks can't tell.
    """
    feature = store.features.get(key, project.id, lock="update")
    name = store.system_names.find(project.id, "feature", key)
    if name is None or since not in (None, name.readings):
        return
    environments = {each.key: each for each in store.environments.all(project.id)}
    for environment, flag in found.items():
        place = environments.get(environment)
        if place and not _is_same(store.features.state(feature, place), flag.state):
            store.features.write_state(feature, place, flag.state, at)
    store.system_names.note_read(project.id, key, at, {environment: list(flag.foreign) for environment, flag in found.items()})


def _is_same(stored: FlagState, found: FlagState) -> bool:
    """True if two states are equal in everything. Shares count as equal wherever they are laid out, but a rollback needs the layout."""
    return stored == found and stored.model_dump() == found.model_dump()


def forget(store: Store, project: Project, at: datetime) -> None:
    """Delete the copy of a project that is no longer connected."""
    for key in store.system_names.all(project.id, "feature"):
        store.features.delete(store.features.get(key, project.id).id, at)
    for key in store.system_names.all(project.id, "segment"):
        store.segments.delete(store.segments.get(key, project.id).id, at)
    store.system_names.remove_all(project.id)


def references(store: Store, project: Project, noun: Noun) -> dict[str, str]:
    """Return our key -> the name or reference over there."""
    return {key: each.name for key, each in store.system_names.all(project.id, noun).items()}


def _new_names(listed: Mapping[str, SystemFeature | SystemSegment], known: Mapping[str, SystemName]) -> list[SystemName]:
    """Return a name with a key of its own for each that is not known yet, by name."""
    taken, named = set(known), {each.name for each in known.values()}
    names = list[SystemName]()
    for reference in sorted(listed.keys() - named):
        each = listed[reference]
        key = unique_key(each.name, taken)
        taken.add(key)
        names.append(SystemName(key, reference, each.digest if isinstance(each, SystemSegment) else ""))
    return names
