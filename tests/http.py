"""A client of the HTTP API, as a team would write one."""

import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.waiting import CEILING, wait_for

OWNER_KEY = "fh_the_bootstrap_key_of_the_tests"


def get_url(url: str, **options: Any) -> httpx.Response:
    """GET a URL without a key, over plain HTTP. Skip the certificates: loading them takes longer than the request."""
    return httpx.get(url, timeout=CEILING, verify=False, **options)  # noqa: S501


class Api:
    """The API with one key."""

    def __init__(self, address: str, key: str | None) -> None:
        self.address = address
        self._with_other_keys: list[Api] = []
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # It speaks plain HTTP, and loading the CA certificates would take longer than most tests.
        self.client = httpx.Client(base_url=f"{address}/api/v1", headers=headers, timeout=CEILING, verify=False)  # noqa: S501

    def wait_until_ready(self) -> None:
        """Return once the API answers that it is ready."""
        wait_for(f"the API at {self.address} to be ready", self._is_ready, interval=0.02)

    def _is_ready(self) -> bool:
        try:
            return self.client.get(f"{self.address}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def with_key(self, key: str | None) -> "Api":
        """Return the same API with another key."""
        other = Api(self.address, key)
        self._with_other_keys.append(other)
        return other

    def close(self) -> None:
        """Close the connections."""
        self.client.close()
        for other in self._with_other_keys:
            other.close()

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """Return the answer, whatever its status."""
        return self.client.request(method, path, json=body, **options)

    def get(self, path: str, **params: Any) -> Any:
        """Return the document of a successful GET."""
        return self._expect(self.client.get(path, params=params))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Return the document of a successful POST."""
        return self._expect(self.client.post(path, json=body, headers=headers))

    def patch(self, path: str, body: Any) -> Any:
        """Return the document of a successful PATCH."""
        return self._expect(self.client.patch(path, json=body))

    def make_key(self, name: str, *grants: dict[str, Any], kind: str = "person") -> "Api":
        """Create a key with a new owner, and return the API with that key."""
        made = self.post("/keys", {"name": name, "owner": {"kind": kind, "name": name}, "grants": list(grants)})
        return self.with_key(made["secret"])

    def make_project(self, key: str = "shop") -> None:
        """Create a project with three environments, two segments and a feature of type string."""
        self.post("/projects", {"key": key})
        for environment in ("development", "staging", "production"):
            self.post(f"/projects/{key}/environments", {"key": environment})
        for segment in ("beta-users", "staff"):
            condition = {"property": "group", "operator": "EQUAL", "value": segment}
            rules = [{"type": "ALL", "rules": [], "conditions": [condition]}]
            self.post(f"/projects/{key}/segments", {"key": segment, "rules": rules})
        self.post(f"/projects/{key}/features", {"key": "checkout", "default": {"enabled": False, "value": "classic"}})

    def publish(self, definition: dict[str, Any], project: str = "shop") -> Any:
        """Create and publish a pipeline."""
        drafted = self.post(f"/projects/{project}/pipelines", definition)
        return self.post(f"/projects/{project}/pipelines/{drafted['id']}/publish")

    def add(self, feature: str = "checkout", pipeline: str = "standard", project: str = "shop", **more: Any) -> Any:
        """Add a flag to a pipeline, and return the release."""
        return self.post(f"/projects/{project}/releases", {"feature": feature, "pipeline": pipeline, **more})

    def release(self, release_id: str, project: str = "shop") -> Any:
        """Return one release with its history."""
        return self.get(f"/projects/{project}/releases/{release_id}")

    def wait_for_release(self, release_id: str, *statuses: str, project: str = "shop") -> Any:
        """Return the release once it has one of these statuses."""
        return self._wait_for(release_id, project, " or ".join(statuses), lambda release: release["status"] in statuses)

    def wait_for_stage(self, release_id: str, stage: str, project: str = "shop") -> Any:
        """Return the release once it is in that stage."""
        return self._wait_for(release_id, project, f"to be at '{stage}'", lambda release: release["stage"] == stage)

    def _wait_for(self, release_id: str, project: str, expected: str, holds: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + CEILING
        while True:
            release = self.release(release_id, project)
            if holds(release):
                return release
            if time.monotonic() > deadline:
                state = f"{release['status']} at '{release['stage']}': {release['waiting_for']} {release['blocked_by']}"
                raise TimeoutError(f"the release is {state}, not {expected}")
            time.sleep(0.1)

    def _expect(self, answer: httpx.Response) -> Any:
        assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None
