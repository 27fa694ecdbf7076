"""A client of Flagsmith's Admin API: one method for each call."""

import ssl
from typing import Any, TypeVar

import httpx
from pydantic import SecretStr, TypeAdapter, ValidationError

from activities.dns import Resolver
from activities.providers.errors import ProviderUnauthorized, ProviderUnavailable
from activities.providers.flagsmith.answers import document_of
from activities.providers.flagsmith.documents import Environment, Feature, FeatureSegment, FeatureState, Project, Segment
from activities.providers.transport import ProviderTransport

T = TypeVar("T")

SHARE_OF_ATTEMPT = 0.9
"""A call ends before the attempt of which it is a part, so that the attempt can still record what happened."""

PAGE_SIZE = 200
MOST_PAGES = 100


class FlagsmithAdminApi:
    """The Admin API at an address, for the owner of an API key of an organisation. Threads may share it.

    Every method raises a ProviderError, and none retries. `attempt_seconds` is what the caller has for one call; the call ends earlier.
    """

    def __init__(
        self, address: str, key: SecretStr, *, attempt_seconds: float, resolver: Resolver, trusted: ssl.SSLContext | None = None
    ) -> None:
        secret = key.get_secret_value()
        if not secret.isascii() or not secret.isprintable():
            raise ProviderUnauthorized("The key has a character that is not allowed in one.")
        self._key = key
        self._client = httpx.Client(
            base_url=f"{address.rstrip('/')}/api/v1",
            headers={
                "authorization": f"Api-Key {secret}",
                "accept": "application/json",
                "accept-encoding": "identity",
                "connection": "close",
                "user-agent": "Flaghoist/1",
            },
            transport=ProviderTransport(resolver, attempt_seconds * SHARE_OF_ATTEMPT, trusted),
            follow_redirects=False,
        )

    def projects(self) -> list[Project]:
        """Return every project that the key can see."""
        return _read(list[Project], self._call("GET", "projects/"))

    def environments(self, project: int) -> list[Environment]:
        """Return every environment of a project. Rejected with 400 if the project is unknown."""
        return self._listed(Environment, "environments/", project=project)

    def features(self, project: int, *, environment: int | None = None, search: str | None = None) -> list[Feature]:
        """Return the features of a project, also archived ones, with their states in one environment if it is given."""
        return self._listed(Feature, f"projects/{project}/features/", environment=environment, search=search)

    def segments(self, project: int, *, search: str | None = None) -> list[Segment]:
        """Return the segments of a project, also those of single features, or those whose name has this part."""
        return self._listed(Segment, f"projects/{project}/segments/", q=search)

    def create_segment(self, project: int, document: dict[str, Any]) -> int:
        """Create a segment and return its id. Their names need not be unique."""
        return _read(Segment, self._call("POST", f"projects/{project}/segments/", document)).id

    def update_segment(self, project: int, segment: int, document: dict[str, Any]) -> None:
        """Replace the rules of a segment, which keeps its id."""
        self._call("PUT", f"projects/{project}/segments/{segment}/", document)

    def delete_segment(self, project: int, segment: int) -> None:
        """Delete a segment with all overrides for it. Rejected with 404 if it is gone."""
        self._call("DELETE", f"projects/{project}/segments/{segment}/")

    def states(self, environment: int, feature: int) -> list[FeatureState]:
        """Return the live states of a feature: the default, and those of segments and identities. Rejected with 400 if it is unknown."""
        return self._listed(FeatureState, "features/featurestates/", environment=environment, feature=feature)

    def feature_segments(self, environment: int, feature: int) -> list[FeatureSegment]:
        """Return the live overrides of a feature for segments."""
        return self._listed(FeatureSegment, "features/feature-segments/", environment=environment, feature=feature)

    def publish_version(self, environment: int, feature: int, changes: dict[str, Any]) -> None:
        """Publish a version of a feature: one call, all or nothing. Only for environments with versions."""
        self._call("POST", f"environments/{environment}/features/{feature}/versions/", changes | {"publish_immediately": True})

    def update_state(self, state: int, document: dict[str, Any]) -> None:
        """Replace *enabled* and the value of a state. Only for environments without versions, as all calls below."""
        self._call("PUT", f"features/featurestates/{state}/", document)

    def create_override(self, environment_key: str, feature: int, document: dict[str, Any]) -> None:
        """Create the override of a feature for a segment. Rejected with 400 if there is one."""
        self._call("POST", f"environments/{environment_key}/features/{feature}/create-segment-override/", document)

    def delete_override(self, feature_segment: int) -> None:
        """Delete an override. Rejected with 404 if it is gone."""
        self._call("DELETE", f"features/feature-segments/{feature_segment}/")

    def set_priority(self, feature_segment: int, priority: int) -> None:
        """Move an override to a priority. Those in between move by one."""
        self._call("POST", "features/feature-segments/update-priorities/", [{"id": feature_segment, "priority": priority}])

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def _listed(self, kind: type[T], path: str, **parameters: int | str | None) -> list[T]:
        """Return all pages of a list. A page after the last is an error there, so `next` says if there is one."""
        found: list[T] = []
        given = {name: value for name, value in parameters.items() if value is not None}
        for page in range(1, MOST_PAGES + 1):
            document = _read(dict[str, Any], self._call("GET", path, parameters=given | {"page": page, "page_size": PAGE_SIZE}))
            found += _read(list[kind], document.get("results"))  # type: ignore[valid-type]
            if not document.get("next"):
                return found
        raise ProviderUnavailable(f"The list {path} has more than {MOST_PAGES} pages.")

    def _call(self, method: str, path: str, body: Any = None, parameters: dict[str, int | str] | None = None) -> Any:
        return document_of(self._client.request(method, path, json=body, params=parameters), self._key)


def _read(kind: type[T], document: Any) -> T:
    try:
        return TypeAdapter(kind).validate_python(document)
    except ValidationError as error:
        pointer = "/".join(map(str, error.errors()[0]["loc"]))
        raise ProviderUnavailable(f"The answer has an unexpected form at /{pointer}. Check the address of Flagsmith's API.") from None
