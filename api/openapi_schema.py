"""The OpenAPI document of the HTTP API: a summary of every route, and the problems that it may return."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

TAGS = {
    "projects": "The owners of environments, features, segments and pipelines.",
    "connections": "The flag system in which a project's flags are kept, if not here.",
    "environments": "The places where flags are evaluated.",
    "features": "Flags, their state in every environment, and manual changes.",
    "segments": "Named sets of identities.",
    "pipelines": "Ordered lists of stages. Versions are drafts until they are published, and immutable from then on.",
    "releases": "Flags on their way through a pipeline, and the controls that act on them.",
    "metrics": "Questions about flags to Prometheus, a database or an HTTP server, and these sources.",
    "guards": "Freezes and stops, which keep stages from acting.",
    "audit": "The audit log: who did what, when, and what changed.",
    "webhooks": "URLs that receive the events of a project, and their deliveries.",
    "keys": "API keys. A key can manage the keys whose grants are covered by its own, and rotate itself.",
    "evaluation": "Flags for applications, over OFREP 0.3.0 and Flagsmith's SDK API, with the keys of an environment.",
    "system": "Workers, outages and overdue releases.",
    "health": "Liveness, readiness and metrics of this process, and explanations of its problems.",
}


class ProblemItem(BaseModel):
    """One mistake in a request, and its location."""

    where: Literal["body", "query", "path", "header"] = Field(alias="in")
    pointer: str = Field(description="A JSON pointer into the body, or `/` and the name of a parameter or header.")
    code: str
    message: str


class ProblemDocument(BaseModel):
    """A problem document (RFC 9457). `/problems` explains every `code`."""

    type: str = Field(description="A URI reference to the explanation of the code.")
    title: str
    status: int
    code: str
    detail: str
    errors: list[ProblemItem]
    request_id: str = Field(description="The id of the request, also in the header X-Request-Id and in the log.")
    details: dict[str, Any] = Field(default={}, description="More fields for programs, depending on the code.")


class DescribedApi(FastAPI):
    """An application whose OpenAPI document takes summaries from docstrings and lists the problems of each route."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            document = super().openapi()
            document["tags"] = [{"name": name, "description": about} for name, about in TAGS.items()]
            _, schemas = models_json_schema([(ProblemDocument, "serialization")], ref_template="#/components/schemas/{model}")
            document["components"]["schemas"] |= schemas["$defs"]
            document["components"]["securitySchemes"] |= _ENVIRONMENT_KEYS
            for path, method, operation in _operations(document):
                operation["summary"] = operation["description"].split(". ")[0].rstrip(".")
                _add_etag(operation)
                operation["responses"] |= {
                    str(status.value): _response(status, about) for status, about in _problems(path, method, operation)
                }
        return self.openapi_schema or {}


_ENVIRONMENT_KEYS = {
    "OfrepApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An environment's client key or server key."},
    "EnvironmentKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Environment-Key",
        "description": "An environment's client key, or its server key: `ser.…`",
    },
}


_TAGGED = (
    *("ApiKey", "ChangedFeature", "ConnectionView", "EnvironmentView", "FeatureView", "FlagView", "FreezeView", "Metric", "NewKey"),
    *("NewWebhook", "PipelineView", "ProjectView", "SegmentView", "SourceView", "StopView", "Webhook"),
)
"""The schemas of the resources that have an ETag."""


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operation["responses"].pop("422", None)
            yield path, method, operation


def _problems(path: str, method: str, operation: dict[str, Any]) -> Iterator[tuple[HTTPStatus, str]]:
    if path in ("/healthz", "/problems", "/metrics") or "evaluation" in operation["tags"]:
        return
    yield HTTPStatus.SERVICE_UNAVAILABLE, "The database or Temporal can't be reached. Try again."
    if "security" not in operation:
        return
    yield HTTPStatus.UNAUTHORIZED, "The API key is missing, unknown or revoked."
    yield HTTPStatus.TOO_MANY_REQUESTS, "The API key exceeded its rate limit."
    yield HTTPStatus.UNPROCESSABLE_ENTITY, "The request is invalid. `errors` points at every mistake."
    if "{" in path:
        yield HTTPStatus.NOT_FOUND, "The object does not exist, or this key may not see it."
    previews = path.endswith("/rollback")  # A preview requires the same rights as the rollback, and is refused for the same reasons.
    if method != "get" or previews or path.endswith("/v1/audit") or "keys" in operation["tags"] or "/webhooks" in path:
        yield HTTPStatus.FORBIDDEN, "The API key lacks the required role."
    if method != "get" or previews:
        yield HTTPStatus.CONFLICT, "The request contradicts the current state."
    if _has_precondition(operation):
        yield HTTPStatus.PRECONDITION_FAILED, "The resource has changed since its ETag was read."
    if "requestBody" in operation:
        yield HTTPStatus.BAD_REQUEST, "The body is not valid JSON."
        yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large."
        yield HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is not declared as JSON."


def _has_precondition(operation: dict[str, Any]) -> bool:
    return any(parameter["name"] == "if-match" for parameter in operation.get("parameters", ()))


def _add_etag(operation: dict[str, Any]) -> None:
    """Add the ETag to a response that contains one resource."""
    for status, response in operation["responses"].items():
        schema = response.get("content", {}).get("application/json", {}).get("schema", {})
        name = schema.get("$ref", "").rpartition("/")[2].removesuffix("-Output")  # What a model is called if its input differs.
        if status.startswith("2") and name in _TAGGED:
            response["headers"] = {"ETag": {"description": "The entity tag of the resource, for If-Match.", "schema": {"type": "string"}}}


def _response(status: HTTPStatus, about: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    response: dict[str, Any] = {"description": about, "content": content}
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        response["headers"] = {"Retry-After": {"description": "The seconds to wait.", "schema": {"type": "integer"}}}
    return response
