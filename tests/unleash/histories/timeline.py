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
        self._made = set[str]()
        self._theirs = dict[tuple[str, str], Row]()
        self.transitions: list[Transition] = []
        self.wrong: list[str] = []
        self.values: dict[str, Values] = {name: values_in(place) for name, place in environments_of(read()).items()}

    def written(self, by: str, adds_strategy: bool = False) -> list[Transition]:
        """Note what a write did, and return its transitions."""
        places = environments_of(self._read())
        strategies = {(name, each["id"]): each for name, place in places.items() for each in place["strategies"]}
        if by == PERSON:
            self._note_theirs(strategies)
        else:
            if adds_strategy:
                self._made |= {strategy for place, strategy in strategies if (place, strategy) not in self._theirs}
            self._check_theirs(strategies, by)
        found = [
            Transition(by, name, path, self.values[name].get(path), now.get(path))
            for name, now in ((name, values_in(place)) for name, place in places.items())
            for path in differences(self.values[name], now)
        ]
        self.values = {name: values_in(place) for name, place in places.items()}
        self.transitions += found
        return found

    def _note_theirs(self, strategies: dict[tuple[str, str], Row]) -> None:
        """Take what a person left as theirs. A strategy of ours that they gave another title is theirs from then on."""
        self._made -= {key[1] for key, each in strategies.items() if not is_ours(each)}
        self._theirs = {key: each for key, each in strategies.items() if key[1] not in self._made}

    def _check_theirs(self, strategies: dict[tuple[str, str], Row], by: str) -> None:
        now = {key: each for key, each in strategies.items() if key[1] not in self._made}
        if now != self._theirs:
            self.wrong.append(f"people's strategies were touched for {by}: {self._theirs} became {now}")
            self._theirs = now
