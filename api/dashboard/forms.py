"""Forms: they name problems at their fields, show what would change, and keep what was typed when they are refused."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, NamedTuple

from fastapi import Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from activities.store.identifiers import new_id
from api.dashboard.session import FormFields
from api.dashboard.site import Pages, Site
from api.dashboard.texts import FieldChange
from api.idempotency import AnsweredBefore
from api.problems import status_of
from api.validation_messages import message_of
from domain.entity_tag import Precondition
from domain.errors import Conflict, Invalid, Problem, Refusal, ResourceChanged, pointer_to

REFUSED = (Conflict, Invalid, ResourceChanged, ValidationError, AnsweredBefore)
"""The refusals after which the form is shown again, with what was typed."""

_CONTROLS = ("etag", "once", "confirmed")


@dataclass(frozen=True)
class Field:
    """One input. Its name is the JSON pointer of its place in the API's body, so problems are shown next to it.

    A secret is never sent back to the browser.
    """

    name: str
    label: str
    kind: Literal["line", "lines", "secret", "choice", "check", "checks", "time", "zone"] = "line"
    hint: str = ""
    choices: Sequence[tuple[str, str]] = ()


class Effects(NamedTuple):
    """A list of the effects of a change, under a heading."""

    heading: str
    sentences: Sequence[str]


@dataclass(frozen=True)
class Form:
    """A form. `back` is the address to which cancelling leads, `effects` say what it does, and `listed` lists more effects."""

    heading: str
    button: str
    active: str
    back: str
    back_to: str
    fields: tuple[Field, ...] = ()
    effects: tuple[str, ...] = ()
    listed: Effects | None = None
    is_danger: bool = False
    has_preview: bool = False
    template: str = "form.html"

    @property
    def labels(self) -> Mapping[str, str]:
        """The label of each field, by its name."""
        return {field.name: field.label for field in self.fields}


class Plan(NamedTuple):
    """A change that a form asks for: its fields before and after, remarks, the act, which returns where to go next, and its effects."""

    changes: list[FieldChange]
    notes: list[str]
    act: Callable[[Precondition], str]
    effects: Effects | None = None


def show_form(
    site: Pages,
    form: Form,
    values: FormFields,
    *,
    etag: str = "",
    plan: Plan | None = None,
    error: Exception | None = None,
    **more: Any,
) -> Response:
    """Return the page of a form with these values, the changes that it asks for, and what is wrong with it."""
    at_fields, others = _placed(form, values, problems_of(error)) if error else ({}, [])
    context: dict[str, Any] = {"values": values, "etag": etag, "plan": plan, "at_fields": at_fields, "others": others}
    context |= {"confirmed": _digest(values), "once": new_id(), "code": _status(error)}
    return site.page(form.template, form.active, form=form, **context, **more)


def create(site: Pages, form: Form, fields: FormFields, act: Callable[[], str | Response]) -> Response:
    """Carry out a form, and go where the act says. A refused form is shown again."""
    try:
        return _onward(act())
    except REFUSED as error:
        return show_form(site, form, typed(fields), error=error)


def confirm(site: Site, form: Form, fields: FormFields, look: Callable[[], str], act: Callable[[Precondition], str | Response]) -> Response:
    """Carry out what the page has asked, if the thing still has the entity tag that was shown. `look` returns its present one."""
    try:
        return _onward(act(_shown(fields)))
    except REFUSED as error:
        return show_form(site, form, typed(fields), etag=look(), error=error)


def change(site: Site, form: Form, fields: FormFields, look: Callable[[], str], plan: Callable[[], Plan], **more: Any) -> Response:
    """Show what a form would change, and carry out exactly that once it is confirmed."""
    values = typed(fields)
    try:
        planned = plan()
        _shown(fields).check(look(), "It")
        if fields.get("confirmed") != _digest(values):
            return show_form(site, form, values, etag=fields.get("etag", ""), plan=planned, **more)
        return _onward(planned.act(_shown(fields)))
    except ResourceChanged as error:
        return show_form(site, form, values, etag=look(), plan=plan(), error=error, **more)
    except REFUSED as error:
        return show_form(site, form, values, etag=look(), error=error, **more)


def show_secret(site: Site, active: str, heading: str, secret: str, back: str) -> Response:
    """Return the page that shows a secret once."""
    return site.page("secret.html", active, heading=heading, secret=secret, notes=[], back=back)


def etag_of(get: Callable[[Response], object]) -> str:
    """Return the entity tag that a function of the API sets on its answer."""
    answer = Response()
    get(answer)
    return answer.headers["etag"]


def typed(fields: FormFields) -> FormFields:
    """Return what a person typed or chose, without the hidden fields."""
    return {name: value for name, value in fields.items() if name not in _CONTROLS}


def chosen(fields: FormFields, name: str) -> list[str]:
    """Return the checked choices of a field."""
    return [each.removeprefix(f"{name}/") for each in fields if each.startswith(f"{name}/")]


def given(fields: FormFields, *names: str) -> dict[str, str]:
    """Return the fields at the top of the body that were not left empty."""
    return {name: fields[f"/{name}"] for name in names if fields.get(f"/{name}", "").strip()}


def problems_of(error: Exception) -> list[Problem]:
    """Return the problems of a refused form in the API's words, with pointers into its body."""
    match error:
        case ValidationError():
            return [Problem(pointer=_pointer(each), code=each["type"], message=message_of(each)) for each in error.errors()]
        case AnsweredBefore():
            return [Problem(pointer="", code="answered_before", message=error.args[0].answer["detail"])]
        case Refusal():
            uses = [Problem(pointer="", code=error.code(), message=use_in_words(each)) for each in error.details.get("used_by", ())]
            return list(error.problems) or [Problem(pointer="", code=error.code(), message=error.message), *uses]
        case _:
            raise TypeError(f"{type(error).__name__} is not a refusal of a form")


def still_in_use(uses: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Return a sentence that names what uses a thing; nothing if nothing does."""
    return (f"It is still in use: {', '.join(map(use_in_words, uses))}.",) if uses else ()


def use_in_words(use: dict[str, Any]) -> str:
    """Return what uses a thing, on one line."""
    match use["kind"]:
        case "override":
            return f"override of {use['feature']} in {use['environment']}"
        case "allocation":
            return f"allocation of {use['feature']} in {use['environment']}"
        case "metric":
            return f"metric {use['key']}"
        case "pipeline":
            return f"pipeline {use['key']}, version {use['version']}"
        case _:
            return f"release {use['id']} of {use['feature']}"


def _onward(to: str | Response) -> Response:
    return RedirectResponse(to, HTTPStatus.SEE_OTHER) if isinstance(to, str) else to


def _shown(fields: FormFields) -> Precondition:
    return Precondition(frozenset({fields.get("etag", "")}))


def _digest(values: FormFields) -> str:
    """Identify what a form says, so that a confirmation is for what was shown."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:32]


def _status(error: Exception | None) -> HTTPStatus:
    if isinstance(error, Refusal):
        return status_of(type(error))
    if isinstance(error, AnsweredBefore):
        return HTTPStatus.CONFLICT
    return HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK


def _pointer(error: Any) -> str:
    """Return the place of pydantic's error. Below `overrides`, pydantic also names the member of a union."""
    first, *rest = error["loc"] or ("",)
    if first == "":
        return ""
    return pointer_to([first, *(rest[1:] if first == "overrides" else rest)])


def _placed(form: Form, values: FormFields, problems: list[Problem]) -> tuple[dict[str, list[str]], list[str]]:
    """Divide messages into those of single fields and all others."""
    names = sorted({*(each.name for each in form.fields), *values}, key=len, reverse=True)
    at_fields: dict[str, list[str]] = {}
    others: list[str] = []
    for each in problems:
        if name := _nearest(each.pointer, names, form):
            within = each.pointer.removeprefix(name)
            at_fields.setdefault(name, []).append(
                f"{within}: {each.message}" if within.startswith("/") and within != each.pointer else each.message
            )
        else:
            others.append(each.message)
    return at_fields, list(dict.fromkeys(others))


def _nearest(pointer: str, names: Sequence[str], form: Form) -> str | None:
    """Return the field at a pointer, or else the field around it, or else the first one within it."""
    if not pointer:
        return None
    around = (name for name in names if pointer == name or pointer.startswith(f"{name}/"))
    within = (each.name for each in form.fields if each.name.startswith(f"{pointer}/"))
    return next(around, None) or next(within, None)
