"""Sign-ins that are not what they seem, at a real provider: nobody is signed in."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from activities.store.accounts import StartedSignIn
from activities.store.database import Database
from tests.dashboard.visitor import Visitor
from tests.http import Api
from tests.openid.conftest import SignIn, Visit
from tests.openid.provider import CALLBACK, log_in

pytestmark = pytest.mark.xdist_group("openid")

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOT_BEGUN_HERE = "This sign-in was not begun in this browser, was used already, or took more than 10 minutes."


def _start(visitor: Visitor) -> httpx.Response:
    return visitor.client.get("/sign-in/openid", follow_redirects=False)


def _assert_refused(answer: httpx.Response, visitor: Visitor, sentence: str) -> None:
    assert answer.status_code == 401
    assert sentence in answer.text
    assert "aria-invalid" not in answer.text  # It is not about the API key.
    assert "flaghoist" not in visitor.client.cookies
    assert visitor.look("/status").url.path == "/sign-in"


def test_an_answer_that_comes_a_second_time_signs_nobody_in(visit: Visit) -> None:
    visitor = visit()
    start = _start(visitor)
    state = visitor.client.cookies["flaghoist-openid"]
    back = log_in(visitor.client, start, "dana")
    visitor.client.get(back)
    visitor.client.cookies.delete("flaghoist")
    visitor.client.cookies.set("flaghoist-openid", state, domain="127.0.0.1", path="/")

    _assert_refused(visitor.client.get(back), visitor, NOT_BEGUN_HERE)


def test_an_answer_for_another_browser_signs_nobody_in(visit: Visit) -> None:
    attacker, victim = visit(), visit()
    back = log_in(attacker.client, _start(attacker), "mona")
    _start(victim)

    _assert_refused(victim.client.get(back), victim, NOT_BEGUN_HERE)


@pytest.mark.parametrize("query", ["", "?code=guessed", "?state=&code=guessed", "?state=guessed&code=guessed", "?error=access_denied"])
def test_an_answer_without_a_sign_in_signs_nobody_in(visit: Visit, query: str) -> None:
    visitor = visit()

    _assert_refused(visitor.client.get(f"{CALLBACK}{query}"), visitor, NOT_BEGUN_HERE)


def test_a_wrong_code_signs_nobody_in(visit: Visit) -> None:
    visitor = visit()
    back = log_in(visitor.client, _start(visitor), "dana")

    answer = visitor.client.get(re.sub(r"code=[^&]*", "code=guessed", back))

    _assert_refused(answer, visitor, "The identity provider&#39;s answer was not valid")


def test_the_code_of_another_sign_in_signs_nobody_in(visit: Visit) -> None:
    attacker, visitor = visit(), visit()
    stolen = httpx.URL(log_in(attacker.client, _start(attacker), "mona")).params["code"]
    back = httpx.URL(log_in(visitor.client, _start(visitor), "dana"))

    answer = visitor.client.get(back.copy_set_param("code", stolen))

    _assert_refused(answer, visitor, "The identity provider&#39;s answer was not valid")


def test_the_answer_of_another_issuer_signs_nobody_in(visit: Visit) -> None:
    visitor = visit()
    back = httpx.URL(log_in(visitor.client, _start(visitor), "dana"))

    answer = visitor.client.get(back.copy_set_param("iss", "https://evil.example"))

    _assert_refused(answer, visitor, "The identity provider reported an error")


def test_a_person_who_cancels_at_the_provider_is_told_so(visit: Visit) -> None:
    visitor = visit()
    page = visitor.client.get(_start(visitor).headers["location"])
    cancel = re.search(r'href="([^"]*/abort)"', page.text)
    assert cancel

    _assert_refused(visitor.client.get(cancel[1]), visitor, "The identity provider refused the sign-in, or you cancelled it there.")


def test_another_website_can_not_begin_a_sign_in(api: Api, visit: Visit) -> None:
    answer = visit().client.get("/sign-in/openid", headers={"Sec-Fetch-Site": "cross-site"}, follow_redirects=False)

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_the_address_of_the_provider_carries_a_state_a_nonce_and_a_challenge_but_no_secret(visit: Visit) -> None:
    visitor = visit()

    parameters = httpx.URL(_start(visitor).headers["location"]).params

    assert parameters["state"] == visitor.client.cookies["flaghoist-openid"].partition(".")[0]
    assert (parameters["response_type"], parameters["code_challenge_method"]) == ("code", "S256")
    assert sorted(parameters) == sorted(
        ["response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"]
    )


@pytest.mark.parametrize(
    ("scheme", "name", "attributes"),
    [
        ("http", "flaghoist-openid", {"httponly", "max-age=600", "path=/", "samesite=lax"}),
        ("https", "__Host-flaghoist-openid", {"httponly", "max-age=600", "path=/", "samesite=lax", "secure"}),
    ],
)
def test_scripts_and_other_sites_can_not_read_the_state(visit: Visit, scheme: str, name: str, attributes: set[str]) -> None:
    answer = visit().client.get("/sign-in/openid", headers={"X-Forwarded-Proto": scheme}, follow_redirects=False)

    cookie, *set_attributes = answer.headers["set-cookie"].split("; ")
    assert cookie.startswith(f"{name}=")
    assert {each.lower() for each in set_attributes} == attributes


def test_a_sign_in_expires_and_is_used_once(database: Database) -> None:
    later, started = NOW + timedelta(minutes=10), StartedSignIn("nonce", "verifier", "/projects/shop", None)
    with database.transaction() as store:
        store.accounts.begin_sign_in("late", started, NOW, later)
        store.accounts.begin_sign_in("used", started, NOW, later)
        store.accounts.begin_sign_in("in time", started, NOW, later)

    with database.transaction() as store:
        taken = [store.accounts.take_sign_in(*each) for each in [("late", later), ("used", NOW), ("used", NOW), ("in time", NOW)]]

    assert taken == [None, started, None, started]


def test_a_person_has_no_session_before_coming_back(sign_in: SignIn, visit: Visit) -> None:
    visitor = visit()
    _start(visitor)

    assert visitor.look("/status").url.path == "/sign-in"
