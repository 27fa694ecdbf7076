"""A project of Flagsmith with two environments, and what people do in it."""

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import SecretStr

from activities.dns import Resolver
from activities.providers.flag_system import SystemFlag
from activities.providers.flagsmith.admin_api import FlagsmithAdminApi
from activities.providers.flagsmith.system import FlagsmithProject
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch
from tests.flagsmith.conversation import KEY
from tests.waiting import CEILING

PLAIN, VERSIONED = "Development", "Production"
BOTH = (PLAIN, VERSIONED)


class ShopInFlagsmith:
    """A new project. `VERSIONED` has versions of features, and `PLAIN` has none."""

    def __init__(self, address: str, name: str) -> None:
        self._client = httpx.Client(base_url=f"{address}/api/v1", headers={"authorization": f"Api-Key {KEY}"}, timeout=CEILING)
        self.address, self.name = address, name
        self.id = self.call("POST", "/projects/", {"name": name, "organisation": self.call("GET", "/organisations/")["results"][0]["id"]})[
            "id"
        ]
        self.environments = {each: self.call("POST", "/environments/", {"name": each, "project": self.id}) for each in BOTH}
        self.call("POST", f"/environments/{self.environments[VERSIONED]['api_key']}/enable-v2-versioning/")
        self.segments = {key: str(self.segment(key)) for key in ("beta", "staff")}
        self.api = FlagsmithAdminApi(address, SecretStr(KEY), attempt_seconds=CEILING, resolver=Resolver(allow_private=True))
        self.system = FlagsmithProject(self.api, str(self.id))

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call Flagsmith as a person's browser would. Raises httpx.HTTPStatusError."""
        answer = self._client.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def feature(self, name: str, initial: str | int | bool | None = None, **more: Any) -> int:
        """Create a feature and return its id."""
        return int(self.call("POST", f"/projects/{self.id}/features/", {"name": name, "initial_value": initial} | more)["id"])

    def segment(self, name: str, plan: str = "pro", **more: Any) -> int:
        """Create a segment of a plan's customers and return its id."""
        return int(self.call("POST", f"/projects/{self.id}/segments/", self._segment(name, plan) | more)["id"])

    def change_segment(self, segment: str, name: str, plan: str) -> None:
        """Change the plan of a segment."""
        self.call("PUT", f"/projects/{self.id}/segments/{segment}/", self._segment(name, plan))

    def override(
        self,
        environment: str,
        feature: int,
        segment: int | str,
        priority: int,
        value: str | int | bool | None,
        *,
        enabled: bool = True,
        shares: Mapping[int, float] | None = None,
    ) -> None:
        """Serve a feature with a value to a segment, and variants to shares of it."""
        placed = {"segment": int(segment), "priority": priority}
        state: dict[str, Any] = {"enabled": enabled, "feature_state_value": _stored(value), "feature_segment": placed}
        if shares:
            parts = [{"multivariate_feature_option": option, "percentage_allocation": share} for option, share in shares.items()]
            state["multivariate_feature_state_values"] = parts
        found = self.environments[environment]
        if environment == PLAIN:
            self.call("POST", f"/environments/{found['api_key']}/features/{feature}/create-segment-override/", state)
        else:
            version = {"feature_states_to_create": [state], "publish_immediately": True}
            self.call("POST", f"/environments/{found['id']}/features/{feature}/versions/", version)

    def rules(self, name: str, *rules: dict[str, Any], **more: Any) -> int:
        """Create a segment with these rules and return its id."""
        return int(
            self.call("POST", f"/projects/{self.id}/segments/", {"name": name, "project": self.id, "rules": list(rules)} | more)["id"]
        )

    def identity(self, environment: str, identifier: str, feature: int) -> None:
        """Enable a feature for one identity."""
        key = self.environments[environment]["api_key"]
        identity = self.call("POST", f"/environments/{key}/identities/", {"identifier": identifier})["id"]
        self.call("POST", f"/environments/{key}/identities/{identity}/featurestates/", {"feature": feature, "enabled": True})

    def server_key(self, environment: str) -> str:
        """Create a key for the environment document of an environment."""
        return str(self.call("POST", f"/environments/{self.environments[environment]['api_key']}/api-keys/", {"name": "SDK"})["key"])

    def document(self, environment: str) -> Any:
        """Return the environment document, which SDKs evaluate locally."""
        headers = {"X-Environment-Key": self.server_key(environment)}
        return httpx.get(f"{self.address}/api/v1/environment-document/", headers=headers, timeout=CEILING).raise_for_status().json()

    def states(self, environment: str, feature: int) -> list[dict[str, Any]]:
        """Return the states of a feature as Flagsmith has them, without what differs between versions of one state."""
        query = f"environment={self.environments[environment]['id']}&feature={feature}"
        states = self.call("GET", f"/features/featurestates/?{query}")["results"]
        placed = {each["id"]: each for each in self.call("GET", f"/features/feature-segments/?{query}")["results"]}
        return [_essence(each, placed.get(each["feature_segment"])) for each in states]

    def flag(self, feature: str, environment: str) -> SystemFlag:
        """Return the flag as the adapter reads it."""
        return self.system.flags(feature, self.segments)[environment]

    def state(self, feature: str, environment: str) -> FlagState:
        """Return its state."""
        return self.flag(feature, environment).state

    def apply(self, feature: str, environment: str, **patch: Any) -> None:
        """Change the flag through the adapter."""
        self.system.apply(feature, environment, FlagPatch.model_validate(patch), self.segments)

    def close(self) -> None:
        """Delete the project, because an organisation of the open-source server may have only one, and close both clients."""
        self.call("DELETE", f"/projects/{self.id}/")
        self.system.close()
        self._client.close()

    def _segment(self, name: str, plan: str) -> dict[str, Any]:
        condition = {"property": "plan", "operator": "EQUAL", "value": plan}
        rule = {"type": "ALL", "rules": [{"type": "ANY", "rules": [], "conditions": [condition]}], "conditions": []}
        return {"name": name, "project": self.id, "rules": [rule]}


def _stored(value: str | int | bool | None) -> dict[str, Any]:
    kind = "bool" if isinstance(value, bool) else "int" if isinstance(value, int) else "unicode"
    fields = {"unicode": "string_value", "int": "integer_value", "bool": "boolean_value"}
    return {"string_value": None, "integer_value": None, "boolean_value": None, "type": kind, fields[kind]: value}


def _essence(state: dict[str, Any], placed: dict[str, Any] | None) -> dict[str, Any]:
    split = [(each["multivariate_feature_option"], each["percentage_allocation"]) for each in state["multivariate_feature_state_values"]]
    where = (placed["segment"], placed["priority"]) if placed else None
    return {"enabled": state["enabled"], "value": state["feature_state_value"], "split": split, "where": where}
