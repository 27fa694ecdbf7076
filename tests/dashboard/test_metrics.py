"""Metrics from the dashboard, and dry runs of them."""

import pytest

from tests.dashboard.conftest import SignIn, key_of
from tests.dashboard.forms import fields_of
from tests.dashboard.test_environments import hidden
from tests.http import Api
from tests.pipelines import pipeline, stage

HOME, SOURCES = "/projects/shop/metrics", "/projects/shop/sources"
QUERY = "SELECT 3\nWHERE :feature = 'checkout'"
TYPED = {"/key": "orders", "/source": "files", "/query": QUERY, "/shape": "VALUE", "/max_age": "5m"}
GROUPS = "SELECT 'control' AS \"group\", 200 AS n, 100 AS successes UNION ALL SELECT 'treatment', 200, 30"
ABOUT = {"/feature": "checkout", "/environment": "production"}


@pytest.fixture(autouse=True)
def _source(api: Api) -> None:
    api.post(SOURCES, {"key": "files", "name": "Files", "kind": "sql", "address": "sqlite:///shop.db"})


@pytest.fixture
def metric(api: Api) -> str:
    """The page of a metric whose answer is 3."""
    definition = {"key": "orders", "name": "Orders", "source": "files", "query": QUERY, "description": "All of them"}
    return f"{HOME}/{api.post(HOME, definition)['key']}"


def _guard(api: Api) -> None:
    guardrail = {"name": "Enough", "metric": "orders", "condition": {"type": "THRESHOLD", "at_least": 1}, "stages": ["Second"]}
    api.publish(pipeline(stage("First"), stage("Second", wait="1d"), guardrails=[guardrail | {"on_breach": "pause"}]))


def test_a_metric_is_created_and_named_after_its_key(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()
    assert fields_of(visitor.look(f"{HOME}/new"), "act")["/max_age"] == "2m"

    page = visitor.send(f"{HOME}/new", **TYPED)

    assert "Done." in page.text
    made = api.get(f"{HOME}/orders")
    assert (made["name"], made["query"], made["max_age"], made["minimum"]) == ("orders", QUERY, "PT5M", None)
    assert "orders" in visitor.look(HOME).text


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"/query": "SELECT :featur"}, "/query", "Did you mean"),
        ({"/key": "My metric"}, "/key", "only a-z, 0-9"),
        ({"/max_age": "soon"}, "/max_age", "Must be a duration"),
        ({"/freshness": "up"}, "/freshness", "Only metrics of prometheus sources"),
        ({"/shape": "GROUPS", "/minimum": "few"}, "/minimum", "Must be a whole number."),
        ({"/source": "file"}, "/source", "Did you mean"),
    ],
)
def test_a_mistake_is_named_at_its_field_and_what_was_typed_is_kept(sign_in: SignIn, wrong: dict[str, str], field: str, said: str) -> None:
    refused = sign_in().send(f"{HOME}/new", **TYPED | wrong)

    assert refused.status_code == 422
    assert said in refused.text.partition(f'id="{field}-problem">')[2].partition("</p>")[0]
    assert fields_of(refused, "act")["/query"].replace("\r\n", "\n") == wrong.get("/query", QUERY)


def test_a_change_is_shown_and_then_made(api: Api, sign_in: SignIn, metric: str) -> None:
    visitor = sign_in()
    form = fields_of(visitor.look(f"{metric}/edit"), "act") | {"/query": "SELECT 7"}

    preview = visitor.client.post(f"{metric}/edit", data=form)
    assert "<ins>SELECT 7</ins>" in preview.text
    assert '<th scope="row">description</th>' not in preview.text
    assert api.get(metric)["query"] == QUERY
    visitor.client.post(f"{metric}/edit", data=form | {"confirmed": hidden(preview, "confirmed")})

    assert api.get(metric) | {"query": ""} == api.get(metric) | {"query": "", "name": "Orders", "description": "All of them"}
    assert api.get(metric)["query"] == "SELECT 7"


def test_every_field_of_a_metric_survives_its_form(api: Api, sign_in: SignIn) -> None:
    api.post(SOURCES, {"key": "web", "kind": "http", "address": "http://127.0.0.1:1"})
    rows = {
        "key": "rows",
        "source": "web",
        "query": "/rows",
        "shape": "GROUPS",
        "minimum": 7,
        "max_age": "1d12h",
        "pointer": "",
        "as_of": "/at",
    }
    before = api.post(HOME, rows)
    visitor = sign_in()

    form = fields_of(visitor.look(f"{HOME}/rows/edit"), "act")
    preview = visitor.client.post(f"{HOME}/rows/edit", data=form)
    assert "Nothing changes." in preview.text
    visitor.client.post(f"{HOME}/rows/edit", data=form | {"confirmed": hidden(preview, "confirmed")})

    assert api.get(f"{HOME}/rows") == before


def test_a_stale_form_is_refused_and_keeps_what_was_typed(api: Api, sign_in: SignIn, metric: str) -> None:
    visitor = sign_in()
    form = fields_of(visitor.look(f"{metric}/edit"), "act") | {"/query": "SELECT 7"}
    api.request("PUT", metric, {"key": "orders", "source": "files", "query": "SELECT 8"})

    refused = visitor.client.post(f"{metric}/edit", data=form)

    assert refused.status_code == 412
    assert "<del>SELECT 8</del>" in refused.text
    assert fields_of(refused, "act")["/query"] == "SELECT 7"


def test_a_dry_run_shows_the_answer_the_verdict_and_the_query_as_sent(api: Api, sign_in: SignIn, metric: str) -> None:
    visitor = sign_in()
    assert 'id="answer"' not in visitor.look(f"{metric}/ask").text

    fails = visitor.send(f"{metric}/ask", **ABOUT, **{"/condition/at_most": "2.5"})
    passes = visitor.send(f"{metric}/ask", **ABOUT, **{"/condition/at_least": "3", "/condition/at_most": "1e3"})
    bare = visitor.send(f"{metric}/ask", **ABOUT)

    assert "The value is 3, and should be at most 2.5." in fails.text
    assert 'class="badge fail"' in fails.text
    assert "<dt>feature</dt><dd><code>checkout</code></dd>" in fails.text
    assert fields_of(fails, "act")["/environment"] == "production"
    assert 'class="badge pass"' in passes.text
    assert "<strong>3</strong>" in bare.text
    assert 'class="badge' not in bare.text


def test_a_dry_run_says_why_it_can_not_tell(api: Api, sign_in: SignIn) -> None:
    api.post(HOME, {"key": "none", "source": "files", "query": "SELECT 1 WHERE 1 = 0"})

    page = sign_in().send(f"{HOME}/none/ask", **ABOUT)

    assert page.status_code == 200
    assert 'class="badge unknown"' in page.text
    assert "<code>no_data</code>" in page.text


def test_a_dry_run_of_groups_compares_them(api: Api, sign_in: SignIn) -> None:
    api.post(HOME, {"key": "conversion", "source": "files", "query": GROUPS, "shape": "GROUPS"})
    visitor = sign_in()

    page = visitor.send(f"{HOME}/conversion/ask", **ABOUT, **{"/condition/better": "higher", "/condition/margin": "0.05"})

    assert '<th scope="row">treatment</th><td>200</td><td>0.15</td>' in page.text
    assert "is worse than the margin allows" in page.text
    incomplete = visitor.send(f"{HOME}/conversion/ask", **ABOUT, **{"/condition/better": "higher"})
    assert 'id="/condition/margin-problem">This field is required.' in incomplete.text


@pytest.mark.parametrize(
    ("wrong", "field", "status"),
    [
        ({"/condition/at_most": "much"}, "/condition/at_most", 422),
        ({"/condition/at_most": "1", "/condition/at_least": "2"}, "/condition/at_least", 422),
        ({"/since": "yesterday"}, "/since", 422),
        ({"/feature": ""}, "/feature", 422),
        ({"/feature": "chekout"}, "", 404),
    ],
)
def test_a_mistake_in_a_dry_run_is_named(sign_in: SignIn, metric: str, wrong: dict[str, str], field: str, status: int) -> None:
    refused = sign_in().send(f"{metric}/ask", **ABOUT | wrong)

    assert refused.status_code == status
    assert f'id="{field}-problem"' in refused.text if field else "Did you mean" in refused.text
    assert 'id="answer"' not in refused.text


def test_a_metric_in_use_is_not_deleted(api: Api, sign_in: SignIn, metric: str) -> None:
    visitor = sign_in()
    asked = visitor.look(f"{metric}/delete")
    assert "still in use" not in asked.text
    _guard(api)

    shown, refused = visitor.look(metric), visitor.send(f"{metric}/delete", etag=hidden(asked, "etag"))

    assert "pipeline standard, version 1" in shown.text
    assert f"{metric}/delete" not in shown.text
    assert refused.status_code == 409
    assert "pipeline standard, version 1" in refused.text


def test_a_metric_is_deleted(api: Api, sign_in: SignIn, metric: str) -> None:
    visitor = sign_in()

    assert visitor.send(f"{metric}/delete", etag="stale").status_code == 412
    visitor.send(f"{metric}/delete", etag=hidden(visitor.look(f"{metric}/delete"), "etag"))

    assert api.get(HOME)["items"] == []


def test_a_viewer_may_look_and_ask_but_change_nothing(api: Api, sign_in: SignIn, metric: str) -> None:
    viewer = sign_in(key_of(api.make_key("vera", {"project": "shop", "role": "viewer"})))

    shown = viewer.look(HOME).text + viewer.look(metric).text
    assert "SELECT 3" in shown
    assert "<strong>3</strong>" in viewer.send(f"{metric}/ask", **ABOUT).text
    assert not [path for path in ("/new", "/edit", "/delete") if f'{path}"' in shown]
    for path in (f"{HOME}/new", f"{metric}/edit", f"{metric}/delete"):
        assert viewer.look(path).status_code == 403
        assert viewer.send(path, **TYPED).status_code == 403


def test_loading_the_page_of_a_dry_run_asks_nothing(api: Api, sign_in: SignIn) -> None:
    api.post(HOME, {"key": "odd", "source": "files", "query": "SELECT 41 + 1"})
    visitor = sign_in()

    loaded = visitor.client.get(f"{HOME}/odd/ask", params=ABOUT)

    assert ">42<" not in loaded.text
    assert "<strong>42</strong>" in visitor.send(f"{HOME}/odd/ask", **ABOUT).text
