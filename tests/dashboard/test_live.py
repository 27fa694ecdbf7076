"""The stream that tells open pages to look again."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.dashboard.conftest import SignIn, key_of
from tests.dashboard.visitor import Visitor
from tests.http import Api


@contextmanager
def _events(visitor: Visitor) -> Iterator[Iterator[str]]:
    with visitor.client.stream("GET", "/projects/shop/live") as answer:
        assert answer.status_code == 200
        yield (line for line in answer.iter_lines() if line.startswith("data:"))


def test_a_change_reaches_an_open_page(api: Api, sign_in: SignIn) -> None:
    with _events(sign_in()) as events:
        assert next(events) == "data: look"

        api.post("/projects/shop/features", {"key": "new"})

        assert next(events) == "data: look"


def test_the_stream_ends_with_the_session(api: Api, sign_in: SignIn) -> None:
    maria = api.make_key("maria", {"project": "shop", "role": "viewer"})
    with _events(sign_in(key_of(maria))) as events:
        next(events)

        api.request("DELETE", f"/keys/{maria.get('/whoami')['id']}")
        api.post("/projects/shop/features", {"key": "new"})

        assert set(events) <= {"data: look"}, "it ends"


def test_a_stranger_is_told_nothing(api: Api, sign_in: SignIn) -> None:
    api.make_project("other")
    stranger = sign_in(key_of(api.make_key("stan", {"project": "other", "role": "admin"})))

    assert stranger.look("/projects/shop/live").status_code == 404
