"""Applications that read flags, over HTTP."""

import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.http import Api
from tests.waiting import wait_for


class Application:
    """An application with one key of one environment."""

    def __init__(self, api: Api, key: str) -> None:
        self.client = api.with_key(None).client
        self.address = api.address
        self.key = key

    def evaluate(self, context: Any, flag: str = "", **headers: str) -> httpx.Response:
        """Evaluate a context by OFREP."""
        return self.ofrep({"context": context}, f"/{flag}" if flag else "", Authorization=f"Bearer {self.key}", **headers)

    def ofrep(self, body: Any, path: str = "", **headers: str) -> httpx.Response:
        """Send a body to OFREP."""
        return self.client.post(f"{self.address}/ofrep/v1/evaluate/flags{path}", json=body, headers=headers)

    def flagsmith(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send a request to Flagsmith's SDK API."""
        return self.client.request(
            method, f"{self.address}/flagsmith/api/v1/{path}", json=body, headers={"X-Environment-Key": self.key} | headers
        )

    def identify(self, identifier: str, transient: bool = False, **traits: Any) -> Any:
        """Return an identity's flags as name -> (enabled, value)."""
        traits_sent = [{"trait_key": key, "trait_value": value} for key, value in traits.items()]
        answer = self.flagsmith("POST", "identities/", {"identifier": identifier, "traits": traits_sent, "transient": transient})
        assert answer.status_code == 200, answer.text
        return {flag["feature"]["name"]: (flag["enabled"], flag["feature_state_value"]) for flag in answer.json()["flags"]}


def keys_of(api: Api, environment: str = "production", project: str = "shop") -> tuple[str, str]:
    """Return the client key and the server key of an environment."""
    found = api.get(f"/projects/{project}/environments/{environment}")
    return found["client_key"], found["server_key"]


def application(api: Api, environment: str = "production", project: str = "shop") -> Application:
    """An application with the environment's client key."""
    return Application(api, keys_of(api, environment, project)[0])


def soon(what: str, happened: Callable[[], object]) -> float:
    """Wait until it has happened, and return the seconds waited."""
    started = time.monotonic()
    wait_for(what, happened, interval=0.02)
    return time.monotonic() - started


def change(api: Api, patch: dict[str, Any], feature: str = "checkout", environment: str = "production", project: str = "shop") -> None:
    """Change a flag by hand."""
    api.patch(f"/projects/{project}/environments/{environment}/features/{feature}", patch)
