"""Every page: who may see it, and what texts from users become on it."""

import html
import re
from typing import Any

import httpx
import pytest

from tests.dashboard.conftest import SignIn, key_of
from tests.dashboard.visitor import Visitor
from tests.http import Api
from tests.pipelines import approval, enable, pipeline, rollout, set_value, stage, until

MARKUP = '"><img src=x onerror=alert(1)>&<script>alert(2)</script>'
SHOWN = "&lt;script&gt;alert(2)&lt;/script&gt;"

HOME = "/projects/shop"
PAGES = [HOME, *(f"{HOME}/{page}" for page in ("approvals", "features", "features/checkout", "pipelines", "pipelines/standard", "stops"))]
PAGES += [f"{HOME}/environments", f"{HOME}/compare?left=development&right=production"]
PAGES += [f"{HOME}/metrics"]
PAGES += [f"{HOME}/audit", f"{HOME}/releases/new", f"{HOME}/releases/new?pipeline=standard&feature=checkout"]


def _gated(built: dict[str, Any], *gates: dict[str, Any]) -> dict[str, Any]:
    return built | {"gates": list(gates)}


def _etag(page: httpx.Response) -> str:
    found = re.search(r'name="etag" value="([^"]+)"', page.text)
    assert found
    return html.unescape(found[1])


def _publish(api: Api) -> None:
    api.publish(pipeline(_gated(stage("Development", wait="1d"), approval(allow_requester=True)), stage("Production", "production", "2d")))


@pytest.mark.parametrize("path", PAGES)
def test_only_people_with_a_role_in_the_project_see_its_pages(api: Api, sign_in: SignIn, path: str) -> None:
    _publish(api)
    viewer = sign_in(key_of(api.make_key("vera", {"project": "shop", "role": "viewer"})))
    api.make_project("other")
    stranger = sign_in(key_of(api.make_key("stan", {"project": "other", "role": "admin"})))

    assert viewer.look(path).status_code == 200
    assert stranger.look(path).status_code == 404
    assert "checkout" not in stranger.look(path).text


@pytest.mark.parametrize("path", [*PAGES, "/status", "/sign-in"])
def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(api: Api, sign_in: SignIn, path: str) -> None:
    _publish(api)
    shown = sign_in().look(path)

    policy = shown.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["cache-control"] == "no-store"
    for inline in ("<style", " style=", " onclick=", "<script>", "javascript:"):
        assert inline not in shown.text


def test_no_text_from_users_becomes_markup(api: Api, sign_in: SignIn) -> None:
    api.patch("/projects/shop", {"name": MARKUP})
    api.patch("/projects/shop/features/checkout", {"name": MARKUP, "description": MARKUP})
    segment = {
        "key": "odd",
        "name": MARKUP,
        "rules": [{"type": "ALL", "conditions": [{"property": "a", "operator": "EQUAL", "value": MARKUP}]}],
    }
    api.post("/projects/shop/segments", segment)
    acting = _gated(stage(MARKUP[:60], wait="1d", actions=[enable("odd"), set_value(MARKUP, "odd")]), approval(allow_requester=True))
    parameters = {"text": {"type": "string", "description": MARKUP, "default": MARKUP}}
    last = stage("Last", actions=[{"type": "UPDATE_FEATURE_VALUE", "value_from": {"parameter": "text"}}], wait="1d")
    api.publish(pipeline(acting, last, description=MARKUP, parameters=parameters) | {"name": MARKUP[:60]})
    api.post("/projects/shop/stops", {"reason": MARKUP})
    period = {"starts_at": "2030-12-23T18:00:00Z", "ends_at": "2031-01-02T08:00:00Z"}
    api.post("/projects/shop/freezes", {"name": MARKUP[:100], "reason": MARKUP, **period})
    maria = api.make_key(MARKUP[:60], {"project": "shop", "role": "admin"})
    release = maria.add()["id"]
    maria.post(f"/projects/shop/releases/{release}/pause", {"reason": MARKUP})
    visitor = sign_in(key_of(maria))

    paths = [*PAGES, f"{HOME}/releases/{release}", f"{HOME}/releases/{release}/rollback", f"{HOME}/releases/{release}/approve"]
    pages = {path: visitor.look(path) for path in paths}

    assert {path: page.status_code for path, page in pages.items()} == dict.fromkeys(paths, 200)
    assert {path for path, page in pages.items() if "<img src=x" in page.text or "<script>alert" in page.text} == set()
    assert any(SHOWN in page.text for page in pages.values())


def test_a_value_is_shown_as_what_it_is(api: Api, sign_in: SignIn) -> None:
    api.post("/projects/shop/features", {"key": "limit", "default": {"enabled": True, "value": 50}})

    page = sign_in().look(f"{HOME}/features").text

    assert "<code>&#34;classic&#34;</code>" in page
    assert "<code>50</code>" in page


def test_the_board_shows_flags_in_their_stage_and_why_they_wait(api: Api, sign_in: SignIn) -> None:
    _publish(api)
    release = api.add()["id"]

    page = sign_in().look(HOME).text

    column = page[page.index("<h3>Development</h3>") : page.index("<h3>Production</h3>")]
    assert f'href="/projects/shop/releases/{release}"' in column
    assert "The release is about to start." in column


def test_the_simulation_comes_before_the_flag_is_added(api: Api, sign_in: SignIn) -> None:
    launch = stage("Launch", "production") | {"trigger": until(parameter="launch_at")}
    api.publish(pipeline(stage("Development"), launch, parameters={"launch_at": {"type": "datetime"}}))
    visitor = sign_in()
    fields = {"pipeline": "standard", "feature": "checkout", "starting_stage": "Launch"}

    without_time = visitor.client.get(f"{HOME}/releases/new", params=fields)
    with_time = visitor.client.get(f"{HOME}/releases/new", params=fields | {"parameter.launch_at": "2027-01-01T09:00:00Z"})
    added = visitor.send(f"{HOME}/releases/new", **fields, **{"parameter.launch_at": "2027-01-01T09:00:00Z"})

    assert "The flag can't be added like this." in without_time.text
    assert "1 Jan 2027, 09:00:00 UTC" in with_time.text
    assert "The flag was added." in added.text
    [release] = api.get("/projects/shop/releases")["items"]
    assert (release["stage"], release["parameters"]) == ("Launch", {"launch_at": "2027-01-01T09:00:00Z"})


def test_a_rollout_is_simulated_step_by_step(api: Api, sign_in: SignIn) -> None:
    api.publish(pipeline(stage("Production", "production", actions=[rollout()])))

    page = sign_in().look(f"{HOME}/releases/new?pipeline=standard&feature=checkout").text

    assert [f"<strong>{share}%</strong>" in page for share in (10, 40, 70, 100)] == [True] * 4


def test_the_audit_log_is_filtered_and_paged(api: Api, sign_in: SignIn) -> None:
    for number in range(60):
        api.post("/projects/shop/features", {"key": f"f{number}"})
    visitor = sign_in()

    first = visitor.look(f"{HOME}/audit?event=feature.created")
    second = visitor.look(first.text.split('href="?event')[1].split('"')[0].replace("&amp;", "&").join([f"{HOME}/audit?event", ""]))
    of_one = visitor.look(f"{HOME}/audit?feature=f7")

    assert first.text.count("feature: created</strong>") == 50
    assert second.text.count("feature: created</strong>") == 11
    assert "segment: created</strong>" not in first.text
    assert of_one.text.count("feature: created</strong>") == 1


def test_a_draft_is_published_if_it_is_still_the_one_that_was_shown(api: Api, sign_in: SignIn) -> None:
    draft = api.post("/projects/shop/pipelines", pipeline(stage("Development")))
    visitor = sign_in()
    first = _etag(visitor.look(f"{HOME}/pipelines/{draft['id']}/publish"))
    api.request("PUT", f"/projects/shop/pipelines/{draft['id']}", pipeline(stage("Staging", "staging")))

    refused = visitor.send(f"{HOME}/pipelines/{draft['id']}/publish", etag=first)
    published = visitor.send(f"{HOME}/pipelines/{draft['id']}/publish", etag=_etag(visitor.look(f"{HOME}/pipelines/{draft['id']}/publish")))

    assert (refused.status_code, published.status_code) == (412, 200)
    assert api.get("/projects/shop/pipelines/standard")["status"] == "published"


def test_an_incomplete_draft_says_what_is_missing_instead_of_offering_to_publish(api: Api, sign_in: SignIn) -> None:
    draft = api.post("/projects/shop/pipelines", pipeline(stage("Development", "nowhere")))

    page = sign_in().look(f"{HOME}/pipelines/{draft['id']}").text

    assert "nowhere" in page
    assert "/publish" not in page
    assert "no_such_environment" not in page


@pytest.mark.parametrize("path", ["/projects/shop/nothing", "/projects/shop/releases/a/b/c", "/projects/"])
def test_an_unknown_address_is_answered_with_a_page(sign_in: SignIn, visitor: Visitor, path: str) -> None:
    shown = sign_in().look(path)

    assert shown.status_code == 404
    assert shown.headers["content-type"].startswith("text/html")
    assert "There is no such page." in shown.text
    assert "API key" in visitor.look(path).text, "who is signed out is asked to sign in first"


@pytest.mark.parametrize("path", ["/nothing", "/projects", "/static/nothing.js", "/status/nothing"])
def test_an_unknown_path_is_answered_with_a_page_for_browsers_and_a_problem_for_others(api: Api, visitor: Visitor, path: str) -> None:
    page = visitor.client.get(path, headers={"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"})
    problem = visitor.client.get(path, headers={"Accept": "*/*"})

    assert (page.status_code, problem.status_code) == (404, 404)
    assert "<h1>Not found</h1>" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    assert problem.json()["code"] == "not_found"
    assert page.headers["vary"] == problem.headers["vary"] == "Accept"


@pytest.mark.parametrize("path", [HOME, "/", f"{HOME}/live", f"{HOME}/releases/none", "/status", "/sign-in", "/static/dashboard.css"])
def test_head_is_answered_like_get_without_the_body(sign_in: SignIn, path: str) -> None:
    visitor = sign_in()

    head = visitor.client.head(path, follow_redirects=False)
    with visitor.client.stream("GET", path, follow_redirects=False) as got:
        assert head.status_code == got.status_code
        for name in ("Content-Type", "Cache-Control", "Location"):
            assert head.headers.get(name) == got.headers.get(name)
    assert head.content == b""


def test_head_without_a_session_leads_to_the_sign_in_and_back(visitor: Visitor) -> None:
    answer = visitor.client.head(f"{HOME}/audit?feature=checkout", follow_redirects=False)

    assert answer.headers["location"] == "/sign-in?to=%2Fprojects%2Fshop%2Faudit%3Ffeature%3Dcheckout"


def test_a_method_that_a_page_does_not_have_is_answered_with_a_page_for_browsers(visitor: Visitor) -> None:
    refused = visitor.client.post("/status", headers={"Accept": "text/html"})

    assert refused.status_code == 405
    assert set(refused.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert "<h1>Method Not Allowed</h1>" in refused.text


def test_a_page_weighs_less_than_150_kb_with_everything_that_it_loads(api: Api, sign_in: SignIn) -> None:
    for number in range(29):
        api.post("/projects/shop/features", {"key": f"f{number}"})
    stages = [stage(f"Stage {number}", wait="1d") for number in range(30)]
    api.publish(pipeline(*stages))
    for number in range(29):
        api.add(f"f{number}")
    visitor = sign_in()

    page = visitor.look(HOME)
    loaded = [visitor.look(html.unescape(address)) for address in set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))]

    assert len(loaded) == 3, "style, script and picture"
    assert len(page.content) + sum(len(each.content) for each in loaded) < 150_000
