"""How the HTTP API is described in its OpenAPI document: what each route does, and which problems it may answer with."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

TAGS = {
    "projects": "They own everything else.",
    "environments": "Where flags are evaluated.",
    "features": "Flags, their state in every environment, and changes by hand.",
    "segments": "Named sets of identities.",
    "pipelines": "Ordered lists of stages: drafted, published, from then on immutable, cloned and archived.",
    "releases": "Flags on their way through a pipeline.",
    "guards": "Freezes and stops: what keeps stages from acting.",
    "audit": "Who did what, when, and what it changed.",
    "webhooks": "Addresses that are told what happens in a project, and what was delivered to them.",
    "keys": "API keys. A key makes, lists, rotates and revokes only keys whose grants lie within its own; it also rotates itself.",
    "evaluation": "Flags for applications, by OFREP 0.3.0 and by Flagsmith's SDK API: read with the keys of an environment.",
    "system": "Workers, outages and what is late.",
    "health": "Whether this process is alive and can answer, and what its problems mean; its metrics.",
}


class ProblemItem(BaseModel):
    """One thing that is wrong with a request, and where."""

    where: Literal["body", "query", "path", "header"] = Field(alias="in")
    pointer: str = Field(description="A JSON pointer into the body; `/` and the name of a parameter or header.")
    code: str
    message: str


class ProblemDocument(BaseModel):
    """What went wrong (RFC 9457). `/problems` explains every `code`."""

    type: str = Field(description="A URI reference to the explanation of the code.")
    title: str
    status: int
    code: str
    detail: str
    errors: list[ProblemItem]
    request_id: str = Field(description="The id of the request, as in the header X-Request-Id and in the log.")
    details: dict[str, Any] = Field(default={}, description="More for programs, by code.")


class DescribedApi(FastAPI):
    """An application whose description says what its docstrings say, and which problems there are."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            document = super().openapi()
            document["tags"] = [{"name": name, "description": about} for name, about in TAGS.items()]
            _, schemas = models_json_schema([(ProblemDocument, "serialization")], ref_template="#/components/schemas/{model}")
            document["components"]["schemas"] |= schemas["$defs"]
            document["components"]["securitySchemes"] |= _OF_ENVIRONMENTS
            for path, method, operation in _operations(document):
                operation["summary"] = operation["description"].split(". ")[0].rstrip(".")
                operation["responses"] |= {
                    str(status.value): _answer(status, about) for status, about in _problems(path, method, operation)
                }
        return self.openapi_schema or {}


_OF_ENVIRONMENTS = {
    "OfrepApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An environment's client key or server key."},
    "EnvironmentKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Environment-Key",
        "description": "An environment's client key, or its server key: `ser.…`",
    },
}


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operation["responses"].pop("422", None)
            yield path, method, operation


def _problems(path: str, method: str, operation: dict[str, Any]) -> Iterator[tuple[HTTPStatus, str]]:
    if path in ("/healthz", "/problems", "/metrics") or "evaluation" in operation["tags"]:
        return
    yield HTTPStatus.SERVICE_UNAVAILABLE, "The database or Temporal can't be reached: try again."
    if "security" not in operation:
        return
    yield HTTPStatus.UNAUTHORIZED, "No key, or one that is unknown or revoked."
    yield HTTPStatus.TOO_MANY_REQUESTS, "The key has sent more requests than this process takes, if it has a limit."
    yield HTTPStatus.UNPROCESSABLE_ENTITY, "It does not make sense as it was sent: `errors` points at each mistake."
    if "{" in path:
        yield HTTPStatus.NOT_FOUND, "There is no such thing, or none that this key may see."
    foresees = path.endswith("/rollback")  # It asks for what the POST asks for, and is refused likewise.
    if method != "get" or foresees or path.endswith(("/keys", "/v1/audit")) or "/webhooks" in path:
        yield HTTPStatus.FORBIDDEN, "The key lacks the right."
    if method != "get" or foresees:
        yield HTTPStatus.CONFLICT, "It contradicts what is there now."
    if any(parameter["name"] == "if-match" for parameter in operation.get("parameters", ())):
        yield HTTPStatus.PRECONDITION_FAILED, "The draft is not the one whose ETag was sent."
    if "requestBody" in operation:
        yield HTTPStatus.BAD_REQUEST, "The body is not JSON."
        yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large."
        yield HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is not declared to be JSON."


def _answer(status: HTTPStatus, about: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    answer: dict[str, Any] = {"description": about, "content": content}
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        answer["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return answer
