"""Changes that people make to a feature in Unleash beside the product."""

from collections.abc import Callable
from typing import Any

import httpx

from tests.unleash.histories.documents import OURS, Row, environments_of, is_ours
from tests.unleash.server import PROJECT
from tests.unleash.shop import Shop

WHOLE = {"stickiness": "default"}


class People:
    """Everybody who uses Unleash itself."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        headers = {"authorization": shop.unleash.admin_token}
        self._client = httpx.Client(base_url=shop.unleash.address, headers=headers, timeout=60, verify=False)  # noqa: S501 (no TLS at all)
        self.edits: dict[str, Callable[[str], object]] = {
            "switch on": lambda environment: self._call("POST", environment, "/on"),
            "switch off": lambda environment: self._call("POST", environment, "/off"),
            "add half": lambda environment: self._add(environment, "Half", "50"),
            "add everyone": lambda environment: self._add(environment, "Everybody", "100"),
            "change theirs": lambda environment: self._each(environment, ours=False, parameters=WHOLE | {"rollout": "33"}),
            "disable theirs": lambda environment: self._each(environment, ours=False, disabled=True),
            "delete theirs": lambda environment: self._delete(environment, ours=False),
            "set 55 percent": self._set_share,
            "disable ours": lambda environment: self._each(environment, ours=True, disabled=True),
            "rename ours": lambda environment: self._each(environment, ours=True, title="Mine now"),
            "delete ours": lambda environment: self._delete(environment, ours=True),
        }

    def read(self) -> Row:
        """Return the feature's document."""
        document: Row = self._ask("GET", "").json()
        return document

    def archive(self) -> None:
        """Archive the feature, so that later histories need not list it."""
        self._ask("DELETE", "")
        self._client.close()

    def _call(self, method: str, environment: str, path: str, body: Any = None) -> None:
        self._ask(method, f"/environments/{environment}{path}", body)

    def _ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Call the feature's part of the API on a connection that is kept, because that takes a tenth of the time."""
        answer = self._client.request(method, f"/api/admin/projects/{PROJECT}/features/{self.shop.feature}{path}", json=body)
        return answer.raise_for_status()

    def _add(self, environment: str, title: str, percent: str) -> None:
        self._call("POST", environment, "/strategies", _body("flexibleRollout", title, WHOLE | {"rollout": percent}))

    def _set_share(self, environment: str) -> None:
        """Set the share of our rollout, or begin one that looks like ours."""
        parameters = WHOLE | {"rollout": "55"}
        if not self._each(environment, ours=True, title=f"{OURS}rollout", parameters=parameters):
            self._call("POST", environment, "/strategies", _body("flexibleRollout", f"{OURS}rollout", parameters))

    def _each(self, environment: str, *, ours: bool, **changes: Any) -> int:
        found = self._strategies(environment, ours)
        for each in found:
            if "parameters" in changes and each["segments"]:
                continue
            fields = {"name", "title", "constraints", "parameters", "segments", "disabled"}
            body = {field: value for field, value in each.items() if field in fields} | changes
            self._call("PUT", environment, f"/strategies/{each['id']}", body)
        return len([each for each in found if not each["segments"]])

    def _delete(self, environment: str, ours: bool) -> None:
        for each in self._strategies(environment, ours):
            self._call("DELETE", environment, f"/strategies/{each['id']}")

    def _strategies(self, environment: str, ours: bool) -> list[Row]:
        found = environments_of(self.read())[environment]["strategies"]
        return [{"segments": [], **each} for each in found if is_ours(each) == ours]


def _body(name: str, title: str, parameters: Row) -> Row:
    return {"name": name, "title": title, "constraints": [], "segments": [], "parameters": parameters}
