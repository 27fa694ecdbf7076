"""The OpenFeature Remote Evaluation Protocol (OFREP 0.3.0), authenticated by an environment's client key or server key."""

import hashlib
import json
import re
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.datastructures import QueryParams

from api.evaluation.response_json import UNCACHED, to_json
from api.evaluation.served_environments import Environments, Served
from domain.errors import Invalid
from domain.evaluation.identity import Identity, check_identifier, check_traits
from domain.evaluation.ofrep import KEY_MISSING, resolution_of

PREFIX = "/ofrep/v1"
INACTIVITY = 120
"""Seconds after which an inactive client may close its stream."""

router = APIRouter(
    prefix=PREFIX,
    tags=["evaluation"],
    responses={
        400: {"description": "Invalid body or context; see `errorCode`."},
        401: {"description": "The environment key is missing or unknown."},
    },
)


class OfrepFailure(Exception):
    """An error response in OFREP's form."""

    def __init__(self, code: str, details: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(details)
        self.code = code
        self.details = details
        self.status = status


def answer_ofrep_failures(app: FastAPI) -> None:
    """Return every OfrepFailure in the form that the protocol defines."""
    app.add_exception_handler(OfrepFailure, _failed)


_CONTEXT = {
    "type": "object",
    "properties": {"targetingKey": {"type": ["string", "null"]}},
    "additionalProperties": True,
}
_BODY = {"required": ["context"], "type": "object", "properties": {"context": _CONTEXT}}
_OPENAPI: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}},
    "security": [{"HTTPBearer": []}, {"OfrepApiKey": []}],
}


@router.post("/evaluate/flags/{key}", openapi_extra=_OPENAPI, responses={404: {"description": "No such flag."}})
async def evaluate_flag(key: str, request: Request) -> Response:
    """Evaluate one flag for one identity (OFREP). `targetingKey` is the identity; the context's other scalar fields are traits.

    Without a `targetingKey` the traits decide. It is required only for a flag that depends on it.
    """
    served = await _served(request)
    identity = _identity(await request.body())
    if key not in served.evaluator.flags:
        raise OfrepFailure("FLAG_NOT_FOUND", f"This environment has no flag '{key[:64]}'.", HTTPStatus.NOT_FOUND)
    if not identity.identifier and key in served.evaluator.need_identifier:
        raise OfrepFailure("TARGETING_KEY_MISSING", KEY_MISSING)
    content = to_json(resolution_of(served.evaluator.evaluate_one(key, identity)))
    return Response(content, headers=UNCACHED, media_type="application/json")


@router.post("/evaluate/flags", openapi_extra=_OPENAPI, responses={304: {"description": "The flags still match `If-None-Match`."}})
async def evaluate_all_flags(request: Request) -> Response:
    """Evaluate all flags for one identity (OFREP). Returns 304 if they still match `If-None-Match`.

    Without a `targetingKey`, each flag that depends on it has an error in its place.
    """
    served = await _fresh(request, await _served(request))
    body = await request.body()
    identity = _identity(body)
    etag = _etag(served, body)
    if etag in re.split(r"\s*,\s*", request.headers.get("if-none-match", "").replace("W/", "")):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
    flags = served.for_ofrep.of(identity) if identity.identifier else served.for_ofrep.of(identity, served.keys_missing)
    content = b'{"flags":' + flags + b"," + _about(served)[1:]
    return Response(content, headers=UNCACHED | {"ETag": etag}, media_type="application/json")


async def _served(request: Request) -> Served:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    key = request.headers.get("x-api-key") or (token.strip() if scheme.lower() == "bearer" else "")
    environments: Environments = request.app.state.environments
    if not key or not (found := await environments.with_key(key)):
        details = "Send an environment's client key: Authorization: Bearer <key>, or X-API-Key."
        raise OfrepFailure("GENERAL", details, HTTPStatus.UNAUTHORIZED)
    return found


async def _fresh(request: Request, served: Served) -> Served:
    """Return at least the version that an event announced to the client."""
    announced = _announced_version(request.query_params)
    environments: Environments = request.app.state.environments
    return await environments.newest(served) if announced > served.version else served


def _announced_version(query: QueryParams) -> int:
    etag, modified = query.get("flagConfigEtag", ""), query.get("flagConfigLastModified", "")
    if re.fullmatch(r"[0-9]{1,20}", etag):
        return int(etag)
    return int(modified) * 1_000_000 if re.fullmatch(r"[0-9]{1,12}", modified) else 0


def _identity(body: bytes) -> Identity:
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise OfrepFailure("PARSE_ERROR", "The body is not valid JSON.") from error
    context = sent.get("context") if isinstance(sent, dict) else None
    if not isinstance(context, dict):
        raise OfrepFailure("INVALID_CONTEXT", "Missing context: send an object whose field 'context' is an object.")
    # Structured fields are not traits: no rule can read them.
    plain = {name: value for name, value in context.items() if name != "targetingKey" and isinstance(value, str | int | float | bool)}
    try:
        key = context.get("targetingKey")
        return Identity("" if key in (None, "") else check_identifier(key), check_traits(plain))
    except Invalid as refusal:
        raise OfrepFailure("INVALID_CONTEXT", refusal.message) from refusal


def _etag(served: Served, body: bytes) -> str:
    """A digest of the request body and the version, the only inputs of an evaluation."""
    return f'"{hashlib.blake2b(body, digest_size=16, key=f"{served.id}{served.version}".encode()[:64]).hexdigest()}"'


def _about(served: Served) -> bytes:
    stream = {"type": "sse", "endpoint": {"requestUri": f"{PREFIX}/streams/{served.id}"}, "inactivityDelaySec": INACTIVITY}
    return to_json({"eventStreams": [stream], "metadata": {"environment": served.snapshot.environment.key, "version": str(served.version)}})


def _failed(request: Request, failure: Exception) -> Response:
    """Answer in ASCII, because the flag's key from the path may be invalid Unicode."""
    if not isinstance(failure, OfrepFailure):
        raise failure
    about = {"key": request.path_params["key"]} if "key" in request.path_params else {}
    headers = {"WWW-Authenticate": "Bearer"} if failure.status is HTTPStatus.UNAUTHORIZED else None
    content = json.dumps(about | {"errorCode": failure.code, "errorDetails": failure.details})
    return Response(content, failure.status, headers, "application/json")
