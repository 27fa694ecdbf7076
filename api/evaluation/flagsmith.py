"""Flagsmith's SDK API, authenticated by an environment's client key or server key in `X-Environment-Key`."""

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response

from activities.commands.identities import update_traits
from api.evaluation.response_json import UNCACHED, to_json
from api.evaluation.served_environments import Environments, Served
from domain.errors import Invalid
from domain.evaluation.environment_document import flag_of_flagsmith
from domain.evaluation.identity import Identity, Trait
from domain.evaluation.identity_request import IdentityRequest, read_identity_request

PREFIX = "/flagsmith/api/v1"
UNKNOWN_KEY = "Invalid or missing Environment Key"

router = APIRouter(
    prefix=PREFIX,
    tags=["evaluation"],
    responses={
        400: {"description": "Invalid identity or traits; see `detail`."},
        401: {"description": "The environment key is missing or unknown."},
    },
)


class FlagsmithFailure(Exception):
    """An error response in Flagsmith's form."""

    def __init__(self, detail: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status


def answer_flagsmith_failures(app: FastAPI) -> None:
    """Return every FlagsmithFailure in the form that Flagsmith's SDKs expect."""
    app.add_exception_handler(FlagsmithFailure, _failed)


_KEYED: dict[str, Any] = {"security": [{"EnvironmentKey": []}]}
_FEATURE = {"name": "feature", "in": "query", "required": False, "schema": {"type": "string"}}
_IDENTIFIER = {"name": "identifier", "in": "query", "required": True, "schema": {"type": "string"}}
_TRANSIENT = {"type": ["boolean", "null"], "description": "True to use it for this evaluation only, without storing it."}
_TRAIT = {
    "type": "object",
    "required": ["trait_key"],
    "properties": {"trait_key": {"type": "string"}, "trait_value": {}, "transient": _TRANSIENT},
}
_IDENTITY_BODY = {
    "type": "object",
    "required": ["identifier"],
    "properties": {"identifier": {"type": "string"}, "traits": {"type": ["array", "null"], "items": _TRAIT}, "transient": _TRANSIENT},
}


@router.get("/flags/", openapi_extra=_KEYED | {"parameters": [_FEATURE]}, responses={404: {"description": "There is no such feature."}})
async def read_flags(request: Request) -> Response:
    """Return all flags without an identity, or only `feature` (Flagsmith SDK API)."""
    served = await _served(request)
    feature = request.query_params.get("feature")
    if feature is None:
        return _json(served.for_flagsmith.for_everyone)
    if feature not in served.evaluator.flags:
        raise FlagsmithFailure("Given feature not found", HTTPStatus.NOT_FOUND)
    return _json(to_json(flag_of_flagsmith(served.evaluator.evaluate_one(feature))))


_IDENTIFY = _KEYED | {"requestBody": {"required": True, "content": {"application/json": {"schema": _IDENTITY_BODY}}}}


@router.post("/identities/", openapi_extra=_IDENTIFY)
async def identify(request: Request) -> Response:
    """Evaluate all flags for one identity and store its traits, unless they are transient; null deletes a trait (Flagsmith SDK API)."""
    served = await _served(request)
    try:
        sent = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise FlagsmithFailure("JSON parse error: the body is not JSON.") from error
    return await _identified(request, served, sent)


@router.get("/identities/", openapi_extra=_KEYED | {"parameters": [_IDENTIFIER]})
async def read_identity(request: Request) -> Response:
    """Evaluate all flags for one identity with its stored traits (Flagsmith SDK API)."""
    served = await _served(request)
    query = request.query_params
    return await _identified(request, served, {"identifier": query.get("identifier"), "transient": query.get("transient") == "true"})


@router.get(
    "/environment-document/",
    openapi_extra=_KEYED,
    responses={
        304: {"description": "The document has not changed."},
        403: {"description": "The server key is required."},
    },
)
async def read_environment_document(request: Request) -> Response:
    """Return the environment document for SDKs that evaluate locally. Requires the server key."""
    environments: Environments = request.app.state.environments
    served = await environments.newest(await _served(request))
    if _key(request) not in served.keys:
        raise FlagsmithFailure(UNKNOWN_KEY, HTTPStatus.UNAUTHORIZED)
    if _key(request) != served.snapshot.keys.server_key:
        raise FlagsmithFailure("The environment's server key is required.", HTTPStatus.FORBIDDEN)
    headers = {"ETag": f'"{served.version}"'} | _last_modified(served)
    if _has(request, headers):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return _json(served.document, headers)


async def _identified(request: Request, served: Served, sent: object) -> Response:
    try:
        identity_request = read_identity_request(sent)
        identity, known = await asyncio.to_thread(update_traits, request.app.state.database, served.id, identity_request, datetime.now(UTC))
    except Invalid as refusal:
        raise FlagsmithFailure(refusal.message) from refusal
    about = to_json(_about(identity_request, identity, known))
    return _json(b'{"flags":' + served.for_flagsmith.of(identity) + b"," + about[1:])


def _about(identity_request: IdentityRequest, identity: Identity, known: Mapping[str, Trait]) -> dict[str, Any]:
    shown = identity.traits if identity_request.transient else {**known, **identity_request.for_now}
    return {"identifier": identity.identifier, "traits": [{"trait_key": key, "trait_value": value} for key, value in shown.items()]}


def _key(request: Request) -> str:
    return request.headers.get("x-environment-key", "")


async def _served(request: Request) -> Served:
    environments: Environments = request.app.state.environments
    if not (found := await environments.with_key(_key(request))):
        raise FlagsmithFailure(UNKNOWN_KEY, HTTPStatus.UNAUTHORIZED)
    return found


def _last_modified(served: Served) -> dict[str, str]:
    """The header has whole seconds only. Send it once the second is over: until then a newer version could have the same time."""
    at = served.snapshot.updated_at.replace(microsecond=0)
    return {"Last-Modified": format_datetime(at, usegmt=True)} if datetime.now(UTC) > at + timedelta(seconds=2) else {}


def _has(request: Request, headers: Mapping[str, str]) -> bool:
    if etags := request.headers.get("if-none-match"):
        return headers["ETag"] in re.split(r"\s*,\s*", etags.replace("W/", ""))
    return bool(since := request.headers.get("if-modified-since")) and since == headers.get("Last-Modified")


def _json(content: bytes, headers: Mapping[str, str] | None = None) -> Response:
    return Response(content, headers=UNCACHED | dict(headers or {}), media_type="application/json")


def _failed(_request: Request, failure: Exception) -> Response:
    if not isinstance(failure, FlagsmithFailure):
        raise failure
    return Response(to_json({"detail": failure.detail}), failure.status, media_type="application/json")
