"""Generated bodies: each is accepted or refused, and none causes an internal error."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.answers import problem_of
from tests.api.routes import WITH_A_BODY, prepare
from tests.http import Api

_TEXT = st.text(st.characters(codec=None), max_size=20)
_SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT
_ANY_JSON = st.recursive(_SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3), max_leaves=8)
_TEXTS = [
    "",
    "a\u0000b",
    "\ud800",
    "\udfff\ud800",
    "\x1b[2J",
    "\x7f",
    "\u2028",
    "\u202eabc",
    "é",
    "🚀" * 120,
    "x" * 70_000,
    "../..",
    "';--",
    "%00",
]


@settings(max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_body_breaks_the_api(api: Api, data: st.DataObject) -> None:
    if not api.get("/projects")["items"]:
        api.make_project()
    route = data.draw(st.sampled_from(WITH_A_BODY))
    method, path, body = prepare(api, route)
    mutated = copy.deepcopy(body)
    holder, at = data.draw(st.sampled_from(list(_places(mutated))))
    holder[at] = data.draw(_ANY_JSON)

    _assert_accepted_or_refused(api, method, path, mutated)


def test_no_text_breaks_the_api_on_either_database(api_on_both: Api) -> None:
    api_on_both.make_project()

    for route in WITH_A_BODY:
        method, path, body = prepare(api_on_both, route)
        for holder, at in [place for place in _places(body) if isinstance(place[0][place[1]], str)]:
            valid = holder[at]
            for text in _TEXTS:
                holder[at] = text
                _assert_accepted_or_refused(api_on_both, method, path, body)
            holder[at] = valid


def test_accepted_text_is_returned_unchanged(api_on_both: Api) -> None:
    api_on_both.make_project()
    flag = "/projects/shop/environments/production/features/checkout"

    for value in ["", " ", "\t\n", "\x1b[2J", "é", "e\u0301", "🚀", "\u202e", "null", '{"a": "\\u0000"}', "x" * 20_000]:
        api_on_both.patch(flag, {"value": value})
        assert api_on_both.get("/projects/shop/features/checkout")["environments"]["production"]["value"] == value


def _places(body: Any) -> Iterator[tuple[Any, Any]]:
    children = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for at, child in list(children):
        yield body, at
        yield from _places(child)


def _assert_accepted_or_refused(api: Api, method: str, path: str, body: Any) -> None:
    # httpx's own JSON encoder can't write half a surrogate pair.
    answer = api.client.request(method, path, content=json.dumps(body), headers={"content-type": "application/json"})
    if answer.status_code >= 300:
        code = answer.json()["code"]
        assert answer.status_code in (400, 403, 404, 409, 422) or code == "temporal_unavailable", answer.text
        problem_of(answer, answer.status_code, code)
