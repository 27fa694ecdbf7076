"""Everything that happened to a feature in Unleash, in order, and who did it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.unleash.histories.documents import Row, Values, differences, environments_of, is_ours, values_in

PERSON = "a person"


class Transition(NamedTuple):
    """A value that was changed by a person, or for the change with that key."""

    by: str
    environment: str
    path: str
    before: Any
    after: Any


class Timeline:
    """The transitions of one feature's values, found by reading it after each write."""

    def __init__(self, read: Callable[[], Row]) -> None:
        self._read = read
        self.transitions: list[Transition] = []
        self.wrong: list[str] = []
        self._note(environments_of(read()))

    def written(self, by: str) -> list[Transition]:
        """Note what a write did, and return its transitions. Only people change strategies that don't have a title of ours."""
        before, theirs = self.values, self.theirs
        self._note(environments_of(self._read()))
        if by != PERSON and self.theirs != theirs:
            self.wrong.append(f"people's strategies were touched for {by}: {theirs} became {self.theirs}")
        found = [
            Transition(by, name, path, before[name].get(path), now.get(path))
            for name, now in self.values.items()
            for path in differences(before[name], now)
        ]
        self.transitions += found
        return found

    def _note(self, places: dict[str, Row]) -> None:
        self.values: dict[str, Values] = {name: values_in(place) for name, place in places.items()}
        strategies = ((name, each) for name, place in places.items() for each in place["strategies"])
        self.theirs = {(name, each["id"]): each for name, each in strategies if not is_ours(each)}
