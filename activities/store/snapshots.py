"""Snapshots of environments for evaluation."""

from activities.store.database import Store
from domain.evaluation.snapshot import ServedFlag, ServedSegment, Snapshot


def read_snapshot(store: Store, environment_id: str) -> Snapshot | None:
    """Read everything that evaluating an environment needs. Returns None if it does not exist, or its flags are kept in another system."""
    environment = store.environments.by_id(environment_id)
    if environment is None:
        return None
    project = store.projects.by_id(store.environments.owner_of(environment_id))
    if project is None or not project.keeps_flags:  # Applications ask the other system itself. A copy could be older.
        return None
    features, segments = store.features.all(project.id), store.segments.all(project.id)
    changed = store.features.changed_in(environment)
    ids = [environment.id, *(feature.id for feature in features), *(segment.id for segment in segments)]
    numbers = store.environment_keys.numbers(ids)
    return Snapshot(
        number=numbers[environment.id],
        project=project,
        environment=environment,
        keys=store.environment_keys.keys([environment.id])[environment.id],
        version=store.environment_keys.version(environment.id),
        flags=tuple(ServedFlag(numbers[each.id], each, changed.get(each.id, each.default)) for each in features),
        segments=tuple(ServedSegment(numbers[each.id], each) for each in segments),
    )
