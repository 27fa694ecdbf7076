"""Features of Unleash to import, and what Unleash's SDK tells about them."""

import os
from typing import Any

from tests.unleash.sdks import in_node
from tests.unleash.server import PROJECT, UnleashServer

EVERYONE = {"rollout": "100", "stickiness": "default"}


class Source:
    """Features of Unleash that a test makes. Their names end alike, so that a test knows its own."""

    def __init__(self, unleash: UnleashServer) -> None:
        self.unleash = unleash
        self.end = os.urandom(4).hex()
        self.names: list[str] = []

    def feature(self, name: str, *strategies: dict[str, Any], on: bool = True, environment: str = "development") -> str:
        """Create a feature with these strategies, and switch it on."""
        name = f"{name}-{self.end}"
        self.unleash.call("POST", f"/api/admin/projects/{PROJECT}/features", {"name": name, "description": "Of the tests"})
        place = f"/api/admin/projects/{PROJECT}/features/{name}/environments/{environment}"
        for each in strategies:
            self.unleash.call("POST", f"{place}/strategies", {"name": "flexibleRollout", "parameters": EVERYONE} | each)
        if on:
            self.unleash.call("POST", f"{place}/on")
        self.names.append(name)
        return name

    def segment(self, name: str, *constraints: dict[str, Any]) -> int:
        """Create a segment and return its id."""
        body = {"name": f"{name}-{self.end}", "constraints": list(constraints)}
        return int(self.unleash.call("POST", "/api/admin/segments", body)["id"])

    def seen(self, contexts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return what Unleash's SDK for Node tells for each context: name -> [enabled, payload]."""
        return seen(self.unleash, self.names, contexts)


def seen(
    unleash: UnleashServer, features: list[str], contexts: list[dict[str, Any]], environment: str = "development"
) -> list[dict[str, Any]]:
    """Return what Unleash's SDK for Node tells for each context: name -> [enabled, payload]."""
    return [{name: answer[:2] for name, answer in each.items()} for each in in_node(unleash, features, contexts, environment)]


def constraint(field: str, operator: str, *values: str, **more: Any) -> dict[str, Any]:
    """A constraint with values, or with one value for operators that compare with one."""
    compared = {"values": list(values)} if operator in ("IN", "NOT_IN") or operator.startswith("STR_") else {"value": values[0]}
    return {"contextName": field, "operator": operator, "values": [], **compared, **more}


def variant(payload: str, kind: str = "string") -> list[dict[str, Any]]:
    """The only variant of a strategy."""
    return [
        {"name": "only", "weight": 1000, "weightType": "variable", "stickiness": "default", "payload": {"type": kind, "value": payload}}
    ]
