"""Renders templates, which escape every text that they are given."""

import hashlib
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from api.dashboard.texts import (
    date_text,
    difference_text,
    field_changes,
    field_texts,
    lasting,
    number_text,
    relative_time,
    rule_text,
    timed,
    words,
)
from api.dependencies import now

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_templates = Environment(
    loader=PackageLoader("api.dashboard"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_templates.filters |= {
    "date": date_text,
    "relative": relative_time,
    "timed": timed,
    "number": number_text,
    "words": words,
    "lasting": lasting,
    "rule": rule_text,
    "fields": field_texts,
}
_templates.globals |= {"field_changes": field_changes, "difference_text": difference_text}


def render(request: Request, template: str, *, code: HTTPStatus = HTTPStatus.OK, **context: Any) -> Response:
    """Return the page that a template makes of this context."""
    path = request.url.path
    text = _templates.get_template(template).render(now=now(), path=path, static=static_address, **context)
    return HTMLResponse(text, code)


def with_security_headers(response: Response) -> Response:
    """Set the headers of every page that the answer does not have yet."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    return response


@cache
def static_address(name: str) -> str:
    """Return the address of a static file. It changes with the content, so browsers may keep it for ever."""
    content = (files("api.dashboard") / "static" / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"
