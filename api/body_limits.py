"""What the body of a request may be: not too large, and JSON."""

import email.message
import json
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem

LARGEST_BODY = 256 * 1024
"""In bytes."""


class BodyLimits:
    """Answers 413 to a body that is too large, whatever its Content-Length says, and 415 or 400 to one that is not JSON.

    Paths that begin with one of `leaves` read their JSON themselves: their protocols have answers of their own.
    """

    def __init__(self, app: ASGIApp, largest: int = LARGEST_BODY, leaves: tuple[str, ...] = ()) -> None:
        self.app = app
        self.largest = largest
        self.leaves = leaves

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body before the application does, up to the limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        messages: list[Message] = []
        read = 0
        while not messages or (messages[-1]["type"] == "http.request" and messages[-1].get("more_body")):
            messages.append(await receive())
            read += len(messages[-1].get("body", b""))
            if read > self.largest:
                await _too_large(self.largest)(scope, receive, send)
                return
        body = b"" if scope["path"].startswith(self.leaves) else b"".join(message.get("body", b"") for message in messages)
        if refusal := _look_at(scope, body):
            await refusal(scope, receive, send)
            return

        async def replay() -> Message:
            return messages.pop(0) if messages else await receive()

        await self.app(scope, replay, send)


def _too_large(largest: int) -> Response:
    return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", f"The body is larger than {largest // 1024} KiB.")


def _look_at(scope: Scope, body: bytes) -> Response | None:
    if not body or scope["method"] not in ("POST", "PUT", "PATCH"):
        return None
    if not _is_json(Headers(scope=scope).get("content-type", "")):
        return problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be JSON: send Content-Type: application/json."
        )
    try:
        json.loads(body, parse_constant=_no_constant, object_pairs_hook=_no_name_twice)
    except RecursionError:
        return _not_json("it is nested too deep")
    except ValueError as error:
        return _not_json(str(error))
    return None


def _is_json(content_type: str) -> bool:
    message = email.message.Message()
    message["content-type"] = content_type
    subtype = message.get_content_subtype()
    return message.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))


def _not_json(message: str) -> Response:
    problems = [{"in": "body", "pointer": "", "code": "json_invalid", "message": message}]
    return problem(HTTPStatus.BAD_REQUEST, "json_invalid", "The body is not valid JSON: send one JSON document.", problems=problems)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON: leave it out, or send null")


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name '{twice[:64]}' is given twice in one object: keep one of them")
    return found
