"""The changes on the record, compared with what happened in Unleash."""

from collections.abc import Iterator, Mapping
from typing import Any

from domain.flags.allocation import percents
from domain.flags.change import Change
from domain.flags.patch import FlagPatch
from tests.unleash.histories.timeline import PERSON, Timeline, Transition


class Recorded:
    """Each flag according to the record: its changes one after another, and between them those of people."""

    def __init__(self, timeline: Timeline, segments: Mapping[str, int]) -> None:
        self.timeline = timeline
        self.segments = segments
        self.values: dict[str, dict[str, Any]] = {name: dict(values) for name, values in timeline.values.items()}
        self.reached: dict[tuple[str, str], list[Any]] = {}
        self.touched = set[tuple[str, str]]()
        self.patches: dict[str, FlagPatch] = {}
        self._befores: dict[tuple[str, str, str], list[Any]] = {}
        self._known = set[str]()

    def happened(self, transitions: list[Transition]) -> None:
        """Note transitions in Unleash. Those of people count at once, the others once they are on the record."""
        for each in transitions:
            place = (each.environment, each.path)
            self.reached.setdefault(place, []).append(each.after)
            if each.by == PERSON:
                self.values[each.environment][each.path] = each.after
                self.touched.add(place)

    def note(self, changes: list[Change]) -> Iterator[str]:
        """Note the changes that are new on the record, and yield what is wrong with them."""
        for change in changes:
            if change.key not in self._known:
                self._known.add(change.key)
                before, after = self.values_of(change.before), self.values_of(change.after)
                for path in sorted(after):
                    yield from self._note(change, path, before.get(path), after.get(path))

    def _note(self, change: Change, path: str, before: Any, after: Any) -> Iterator[str]:
        place = (change.environment, path)
        was = self.values[change.environment].get(path)
        if before != was and place not in self.touched:
            yield f"{change.key} says that {place} was {before}, but the record had made it {was}"
        if before != after:
            had = self.reached.get(place, [])
            if after not in had:
                yield f"{change.key} says that {place} became {after}, but since the change before it only became {had}"
            self.reached[place] = had[had.index(after) + 1 :] if after in had else had
            if not self._is_meant(change, path, after):
                yield f"{change.key} says that it made {place} {after}, which nobody asked of it"
            self._befores.setdefault((change.release, *place), []).append(before)
            self.touched.discard(place)
        self.values[change.environment][path] = after

    def _is_meant(self, change: Change, path: str, after: Any) -> bool:
        if path == "allocation" and "/settled/" in change.key:
            return True  # An allocation takes several calls, so a part of it may be made. The flag had this value.
        if change.undoes_from is not None:
            return after in self._befores.get((change.release, change.environment, path), [])
        patch = self.patches[change.key.split("/settled/")[0]]
        target = self.values_of(patch)
        if path in target:
            return bool(after == target[path])
        return after is None and (path == "rollout" or patch.removes_all_overrides)

    def adopt(self, environment: str, patch: FlagPatch, key: str) -> None:
        """Take from Unleash what a person changed in the middle of an attempt at the change with that key.

        If the change is on the record, the flag must be as meant all the same. Unleash can't refuse a write that is based on an older
        state, so that the attempt may have replaced or activated what they did.
        """
        meant = self.values_of(patch)
        for path in self.timeline.values[environment].keys() | self.values[environment].keys():
            value = self.timeline.values[environment].get(path)
            if path not in meant or (value != meant[path] and key not in self._known):
                self.values[environment][path] = value
                self.touched.add((environment, path))

    def values_of(self, patch: FlagPatch) -> dict[str, Any]:
        """Return path -> value of the fields that a patch names."""
        values = {name: value for name, value in patch.plain.items() if name == "enabled"}
        if "rollout" in patch.plain:
            values["rollout"] = patch.rollout and patch.rollout.percent
        if "allocation" in patch.plain:
            values["allocation"] = tuple(sorted(percents(patch.allocation).items()))
        overrides = {f"segments/{self.segments[key]}": each and each.enabled for key, each in patch.segments.items()}
        return values | overrides

    def differences(self) -> list[str]:
        """Return what Unleash has otherwise than the record says."""
        return [
            f"{path} in {name} is {now.get(path)} in Unleash, but {self.values[name].get(path)} by the record"
            for name, now in self.timeline.values.items()
            for path in sorted(now.keys() | self.values[name].keys())
            if now.get(path) != self.values[name].get(path)
        ]


def made_twice(transitions: list[Transition]) -> list[str]:
    """Return the changes that were made again although no person had undone them."""
    made = set[tuple[str, str, str, Any]]()
    wrong = []
    for each in transitions:
        if each.by == PERSON:
            made = {known for known in made if known[1:3] != (each.environment, each.path)}
        elif (each.by, *each[1:3], each.after) in made:
            wrong.append(f"{each.by} made {each.path} in {each.environment} {each.after} twice")
        else:
            made.add((each.by, *each[1:3], each.after))
    return wrong
