"""A client of Unleash's Admin API: one method for each call."""

import ssl
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import httpx
from pydantic import SecretStr, TypeAdapter, ValidationError

from activities.dns import Resolver
from activities.providers.errors import ProviderUnauthorized, ProviderUnavailable
from activities.providers.transport import ProviderTransport
from activities.providers.unleash.answers import document_of
from activities.providers.unleash.documents import (
    Caller,
    Environment,
    Feature,
    ListedFeature,
    NewSegment,
    NewStrategy,
    Project,
    Segment,
    Strategy,
)

T = TypeVar("T")

SHARE_OF_ATTEMPT = 0.9
"""A call ends before the attempt of which it is a part, so that the attempt can still record what happened."""


class UnleashAdminApi:
    """The Admin API at an address, for the owner of a token. Threads may share it.

    Every method raises a ProviderError, and none retries. `attempt_seconds` is what the caller has for one call; the call ends earlier.
    """

    def __init__(
        self, address: str, token: SecretStr, *, attempt_seconds: float, resolver: Resolver, trusted: ssl.SSLContext | None = None
    ) -> None:
        secret = token.get_secret_value()
        if not secret.isascii() or not secret.isprintable():
            raise ProviderUnauthorized("The token has a character that is not allowed in one.")
        self._token = token
        self._client = httpx.Client(
            base_url=f"{address.rstrip('/')}/api/admin",
            headers={"authorization": secret, "accept-encoding": "identity", "connection": "close", "user-agent": "Flaghoist/1"},
            transport=ProviderTransport(resolver, attempt_seconds * SHARE_OF_ATTEMPT, trusted),
            follow_redirects=False,
        )

    def caller(self) -> Caller:
        """Return the owner of the token and its permissions."""
        document = self._get(dict[str, Any], "user")
        return _read(Caller, {**_read(dict[str, Any], document.get("user")), "permissions": document.get("permissions")})

    def projects(self) -> list[Project]:
        """Return every project that the token can see."""
        return self._get_listed(Project, "projects", "projects")

    def environments(self, project: str) -> list[Environment]:
        """Return every environment, with whether it is enabled for the project. An unknown project is no error."""
        return self._get_listed(Environment, "environments", f"environments/project/{_part(project)}")

    def features(self, project: str) -> list[ListedFeature]:
        """Return the features of a project that are not archived. An unknown project has none.

        This is one call: the server answers only 15 searches a minute, each for at most 100 features.
        """
        return self._get_listed(ListedFeature, "features", f"projects/{_part(project)}/features")

    def create_feature(self, project: str, name: str, description: str = "") -> None:
        """Create a feature that is off in every environment. Rejected with 409 if there is one, also in another project or archived."""
        self._call("POST", f"projects/{_part(project)}/features", {"name": name, "description": description})

    def feature(self, project: str, name: str) -> Feature:
        """Return a feature with its strategies and their segments in every environment. Rejected with 404 if it is archived or unknown.

        The route of a single environment leaves out the segments of strategies, and also answers for archived features.
        """
        return self._get(Feature, f"projects/{_part(project)}/features/{_part(name)}")

    def add_strategy(self, project: str, feature: str, environment: str, strategy: NewStrategy) -> Strategy:
        """Add a strategy after all others. The server also adds it to an archived feature, and never checks the rollout's number."""
        path = f"{_place(project, feature, environment)}/strategies"
        return _read(Strategy, self._call("POST", path, strategy.to_json()))

    def update_strategy(self, project: str, feature: str, environment: str, strategy: Strategy) -> Strategy:
        """Replace a strategy. Fields that were not set are kept."""
        path = f"{_place(project, feature, environment)}/strategies/{_part(strategy.id)}"
        return _read(Strategy, self._call("PUT", path, strategy.to_json()))

    def delete_strategy(self, project: str, feature: str, environment: str, strategy: str) -> None:
        """Delete a strategy. If it is the last one, the server switches the environment off. Rejected with 404 if it is gone."""
        self._call("DELETE", f"{_place(project, feature, environment)}/strategies/{_part(strategy)}")

    def switch(self, project: str, feature: str, environment: str, to: Literal["on", "off"]) -> None:
        """Switch a feature. If it is switched on without a strategy, the server adds one for everybody."""
        self._call("POST", f"{_place(project, feature, environment)}/{to}")

    def segments(self) -> list[Segment]:
        """Return every segment."""
        return self._get_listed(Segment, "segments", "segments")

    def create_segment(self, segment: NewSegment) -> Segment:
        """Create a segment. Rejected with 409 if its name is taken."""
        return _read(Segment, self._call("POST", "segments", segment.to_json()))

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def _get_listed(self, kind: type[T], name: str, path: str) -> list[T]:
        return _read(list[kind], self._get(dict[str, Any], path).get(name))  # type: ignore[valid-type]

    def _get(self, kind: type[T], path: str) -> T:
        return _read(kind, self._call("GET", path))

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return document_of(self._client.request(method, path, json=body), self._token)


def _read(kind: type[T], document: Any) -> T:
    try:
        return TypeAdapter(kind).validate_python(document)
    except ValidationError as error:
        pointer = "/".join(map(str, error.errors()[0]["loc"]))
        raise ProviderUnavailable(f"The answer has an unexpected form at /{pointer}. Check that the address is that of Unleash.") from None


def _place(project: str, feature: str, environment: str) -> str:
    return f"projects/{_part(project)}/features/{_part(feature)}/environments/{_part(environment)}"


def _part(name: str) -> str:
    return quote(name, safe="")
