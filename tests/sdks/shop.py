"""One environment with many segments, and a flag for each that is on in the segment only."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.api.evaluation.applications import Application, keys_of
from tests.http import Api
from tests.sdks.engines import Answer, Engine, Traits

OFREP, IDENTITIES = "OFREP", "identities/"
Rules = Sequence[Mapping[str, Any]]
People = Sequence[tuple[str, Traits]]


class Shop:
    """A project whose segments can be exchanged."""

    def __init__(self, api: Api, size: int) -> None:
        self._api = api
        self._names = [f"case-{number:03}" for number in range(size)]
        api.post("/projects", {"key": "sdks"})
        api.post("/projects/sdks/environments", {"key": "production", "name": "Production"})
        for name in self._names:
            api.post("/projects/sdks/segments", {"key": name})
            api.post("/projects/sdks/features", {"key": name, "default": {"enabled": False}})
            api.patch(f"/projects/sdks/environments/production/features/{name}", {"overrides": {name: {"enabled": True}}})
        client_key, self.server_key = keys_of(api, project="sdks")
        self.address, self._app = api.address, Application(api, client_key)

    def write(self, cases: Sequence[Rules]) -> list[Any]:
        """Give each of the first segments its rules, and return the answers."""
        return [
            self._api.patch(f"/projects/sdks/segments/{name}", {"rules": rules}) for name, rules in zip(self._names, cases, strict=False)
        ]

    def answers(self, engines: Mapping[str, Engine], people: People) -> dict[str, list[Answer]]:
        """Return what the SDKs and our API say of each identity."""
        for engine in engines.values():
            engine.refresh()
        ours = {IDENTITIES: [self._identified(*each) for each in people], OFREP: [self._resolved(*each) for each in people]}
        return ours | {name: engine.enabled(people) for name, engine in engines.items()}

    def name_of(self, number: int) -> str:
        """Return the name of the flag that is on in a segment, given by its position."""
        return self._names[number]

    def _identified(self, identifier: str, traits: Traits) -> Answer:
        return frozenset(name for name, (enabled, _) in self._app.identify(identifier, True, **traits).items() if enabled)

    def _resolved(self, identifier: str, traits: Traits) -> Answer:
        answer = self._app.evaluate({"targetingKey": identifier, **traits})
        assert answer.status_code == 200, answer.text
        return frozenset(flag["key"] for flag in answer.json()["flags"] if flag["value"])
