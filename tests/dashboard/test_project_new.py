"""Projects from the dashboard."""

from tests.dashboard.conftest import SignIn, key_of
from tests.http import Api


def test_the_owner_creates_a_project_and_goes_on_to_its_environments(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()
    assert 'href="/new-project"' in visitor.look("/projects/shop").text

    made = visitor.send("/new-project", **{"/key": "blog", "/name": "The blog"})

    assert made.url.path == "/projects/blog/environments"
    assert api.get("/projects/blog")["name"] == "The blog"
    assert 'href="/new-project"' in visitor.look("/").text


def test_a_key_that_exists_or_is_no_key_is_refused_and_what_was_typed_stays(sign_in: SignIn) -> None:
    visitor = sign_in()

    taken = visitor.send("/new-project", **{"/key": "shop", "/name": "Second shop"})
    wrong = visitor.send("/new-project", **{"/key": "My shop"})

    assert (taken.status_code, wrong.status_code) == (409, 422)
    assert 'value="Second shop"' in taken.text
    assert 'id="/key-problem"' in wrong.text


def test_nobody_else_is_offered_a_new_project_or_can_create_one(api: Api, sign_in: SignIn) -> None:
    admin = sign_in(key_of(api.make_key("adam", {"project": "shop", "role": "admin"})))

    assert "/new-project" not in admin.look("/projects/shop").text
    assert admin.look("/new-project").status_code == 403
    assert admin.send("/new-project", **{"/key": "blog"}).status_code == 403


def test_a_project_may_have_any_key(sign_in: SignIn) -> None:
    assert sign_in().send("/new-project", **{"/key": "new-project"}).url.path == "/projects/new-project/environments"
