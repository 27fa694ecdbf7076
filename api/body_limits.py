"""Limits on request bodies: their size, and that they are JSON."""

import email.message
import json
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem

LARGEST_BODY = 256 * 1024
"""In bytes."""
LARGEST_PAYLOADS = 4 * 1024 * 1024
"""In bytes, for payloads of Temporal: one has at most 2 MiB, and base64 makes it a third longer."""


def too_large(_request: Request) -> Response:
    """Return the problem document for a body that is too large."""
    return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", f"The body must have at most {LARGEST_BODY // 1024} KiB.")


class BodyLimits:
    """Answers 413 to a body that is too large, whatever its Content-Length is, and 415 or 400 to one that is not JSON.

    On paths that begin with one of `raw_paths` only the size is checked: their protocols have their own answers to invalid JSON.
    `answer_too_large` makes the answer 413. Paths that begin with one of `payload_paths` take larger bodies, which are checked later.
    """

    def __init__(
        self,
        app: ASGIApp,
        raw_paths: tuple[str, ...] = (),
        answer_too_large: Callable[[Request], Response] = too_large,
        payload_paths: tuple[str, ...] = (),
    ) -> None:
        self.app = app
        self.raw_paths = raw_paths
        self.payload_paths = payload_paths
        self.answer_too_large = answer_too_large

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read and check the body, then replay it to the application."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        messages: list[Message] = []
        read, most = 0, LARGEST_PAYLOADS if scope["path"].startswith(self.payload_paths) else LARGEST_BODY
        while not messages or (messages[-1]["type"] == "http.request" and messages[-1].get("more_body")):
            messages.append(await receive())
            read += len(messages[-1].get("body", b""))
            if read > most:
                await self.answer_too_large(Request(scope))(scope, receive, send)
                return
        body = (
            b""
            if scope["path"].startswith((*self.raw_paths, *self.payload_paths))
            else b"".join(message.get("body", b"") for message in messages)
        )
        if response := _check(scope, body):
            await response(scope, receive, send)
            return

        async def replay() -> Message:
            return messages.pop(0) if messages else await receive()

        await self.app(scope, replay, send)


def _check(scope: Scope, body: bytes) -> Response | None:
    if not body or scope["method"] not in ("POST", "PUT", "PATCH"):
        return None
    if not _is_json(Headers(scope=scope).get("content-type", "")):
        detail = "The body must be declared as JSON: send Content-Type: application/json."
        return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    try:
        json.loads(body, parse_constant=_reject_constant, object_pairs_hook=_unique_names)
    except RecursionError:
        return _not_json("The document is nested too deeply.")
    except ValueError as error:
        return _not_json(f"{str(error).rstrip('.')}.")
    return None


def _is_json(content_type: str) -> bool:
    message = email.message.Message()
    message["content-type"] = content_type
    subtype = message.get_content_subtype()
    return message.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))


def _not_json(message: str) -> Response:
    problems = [{"in": "body", "pointer": "", "code": "json_invalid", "message": message}]
    return problem(HTTPStatus.BAD_REQUEST, "json_invalid", "The body must be one valid JSON document.", problems=problems)


def _reject_constant(name: str) -> Any:
    raise ValueError(f"{name} is not valid in JSON: leave it out, or send null")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated = next(name for name, number in Counter(name for name, _ in pairs).items() if number > 1)
        raise ValueError(f"The name '{repeated[:64]}' is repeated in one object: keep one of them")
    return found
