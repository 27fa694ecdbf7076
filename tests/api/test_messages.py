"""Messages about mistakes are written for clients, not for the authors of the models."""

import re

from tests.api.answers import problem_of
from tests.api.test_bad_fields import WRONG
from tests.http import Api

FOR_PROGRAMMERS = re.compile(r"Input (should|tag)|should (have|be|match)|after validation|Unable to|Tuple|Dictionary|\^\[")


def test_no_message_is_written_for_programmers(api: Api) -> None:
    api.make_project()

    messages = []
    for route, body, _ in WRONG:
        method, path = route.split()
        messages += [each["message"] for each in api.request(method, path, body).json()["errors"]]

    assert len(messages) >= len(WRONG)
    assert [message for message in messages if FOR_PROGRAMMERS.search(message)] == []


def test_message_contains_the_limit(api: Api) -> None:
    [mistake] = problem_of(api.request("GET", "/projects?limit=1000"), 422, "invalid")["errors"]

    assert mistake == {"in": "query", "pointer": "/limit", "code": "less_than_equal", "message": "Must be 200 or less."}
