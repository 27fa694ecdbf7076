"""Texts from users, in a real browser: all of them are shown, and none of them becomes an element or runs."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page

from tests.dashboard.browser import open_page
from tests.dashboard.conftest import key_of
from tests.dashboard.shop import Shop
from tests.http import Api
from tests.pipelines import approval, enable, pipeline, set_value, stage

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("dashboard")]

HOME = "/projects/markup"
READ = """() => [document.title, document.querySelector("main").textContent, document.querySelector("header").textContent,
  ...[...document.querySelectorAll("input, textarea")].map(field => field.value)].join("\\n")"""
INJECTED = 'document.querySelectorAll(\'[onerror], [onload], img:not([src^="/static/"]), script:not([src^="/static/"])\').length'


def _markup(field: str) -> str:
    return f"\"'><img src=x onerror=alert('{field}')><script>alert(1)</script>"


def _fill(api: Api) -> tuple[Api, str, str]:
    """Write markup into every field that accepts it. Return the person with markup for a name, a release and a draft."""
    api.make_project("markup")
    api.patch(HOME, {"name": _markup("project")})
    api.patch(f"{HOME}/environments/development", {"name": _markup("environment")})
    condition = {"property": "group", "operator": "EQUAL", "value": _markup("condition")}
    api.patch(f"{HOME}/segments/staff", {"name": _markup("segment"), "rules": [{"type": "ALL", "conditions": [condition]}]})
    texts = {"name": _markup("feature"), "description": _markup("feature-description")}
    api.post(f"{HOME}/features", {"key": "marked", "default": {"enabled": False, "value": _markup("value")}, **texts})
    api.patch(f"{HOME}/environments/production/features/marked", {"value": _markup("other-value")})
    api.post(f"{HOME}/sources", {"key": "marked", "name": _markup("source"), "kind": "sql", "address": "sqlite:///shop.db"})
    metric = {"key": "marked", "name": _markup("metric"), "description": _markup("metric-description"), "source": "marked"}
    api.post(f"{HOME}/metrics", metric | {"query": f"SELECT 1 -- {_markup('query')}"})
    acting = stage(_markup("stage"), wait="1d", actions=[enable("staff"), set_value(_markup("new-value"), "staff")])
    acting |= {"description": _markup("stage-description"), "gates": [approval(allow_requester=True)]}
    parameters = {"text": {"type": "string", "description": _markup("parameter"), "default": _markup("default")}}
    later = stage("Later", actions=[{"type": "UPDATE_FEATURE_VALUE", "value_from": {"parameter": "text"}}], wait="1d")
    guardrail: dict[str, Any] = {"name": _markup("guardrail"), "metric": "marked", "stages": ["Later"], "on_breach": "notify"}
    guardrail |= {"condition": {"type": "THRESHOLD", "at_most": 1}}
    definition: dict[str, Any] = pipeline(
        acting, later, description=_markup("pipeline-description"), parameters=parameters, guardrails=[guardrail]
    )
    api.publish(definition | {"name": _markup("pipeline")}, "markup")
    draft = api.post(f"{HOME}/pipelines", definition | {"key": "draft", "name": _markup("draft")})["id"]
    api.post(f"{HOME}/stops", {"reason": _markup("stop")})
    period = {"starts_at": "2030-12-23T18:00:00Z", "ends_at": "2031-01-02T08:00:00Z"}
    api.post(f"{HOME}/freezes", {"name": _markup("freeze"), "reason": _markup("freeze-reason"), **period})
    owner = api.make_key(_markup("owner"), {"project": "markup", "role": "admin"})
    release = owner.add("marked", project="markup")["id"]
    owner.post(f"{HOME}/releases/{release}/pause", {"reason": _markup("pause")})
    return owner, release, draft


def _dialogs_of(page: Page) -> list[str]:
    """Return the list to which the message of each later dialog of the page is added."""
    messages: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        messages.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    return messages


def test_markup_in_any_field_is_shown_and_does_nothing(running: Api, shop: Shop, browser: Browser) -> None:
    owner, release, draft = _fill(running)
    page = open_page(browser, running, key_of(owner))
    dialogs = _dialogs_of(page)
    paths = ["", "/approvals", "/features", "/features/marked", "/pipelines", "/pipelines/standard", "/stops", "/audit"]
    paths += [
        "/environments",
        "/compare?left=development&right=production",
        "/segments",
        "/segments/staff",
        "/segments/staff/edit",
        "/webhooks",
        "/keys",
        "/metrics",
        "/metrics/marked",
        "/metrics/marked/edit",
        "/metrics/marked/ask",
        "/sources/marked",
        "/sources/marked/edit",
    ]
    paths += [
        "/pipelines/new",
        "/pipelines/new?template=segment-trial",
        f"/pipelines/{draft}",
        "/pipelines/standard/clone",
        "/pipelines/standard/archive",
    ]
    paths += [f"/pipelines/{draft}/{act}" for act in ("edit", "publish", "delete", "simulate")]
    paths += [f"/releases/{release}{page}" for page in ("", "/approve", "/reject", "/rollback", "/skip", "/remove")]
    paths += [
        "/releases/new?pipeline=standard&feature=checkout",
        f"/audit?feature={_markup('filter')}",
        f"/pipelines/new?template={_markup('template')}",
    ]
    texts: dict[str, str] = {}
    injected: dict[str, int] = {}

    for path in paths:
        page.goto(running.address + HOME + path)
        texts[path], injected[path] = page.evaluate(READ), page.evaluate(INJECTED)

    assert dialogs == []
    assert injected == dict.fromkeys(paths, 0)
    shown = "\n".join(texts.values())
    fields = ["project", "environment", "segment", "feature", "feature-description", "stage", "stage-description", "parameter", "default"]
    fields += ["pipeline", "pipeline-description", "draft", "stop", "freeze", "freeze-reason", "owner", "pause", "filter"]
    fields += ["source", "metric", "metric-description", "query", "guardrail"]
    assert [field for field in fields if _markup(field) not in shown] == []
    quoted = [field for field in ("value", "other-value", "new-value", "condition") if _markup(field).replace('"', '\\"') not in shown]
    assert quoted == []
    page.context.close()


def test_markup_typed_into_the_editor_is_shown_with_its_problems_and_does_nothing(running: Api, shop: Shop, browser: Browser) -> None:
    draft = running.post("/projects/shop/pipelines", pipeline(stage("Development"), key="typed"))["id"]
    page = open_page(browser, running, shop.key)
    dialogs = _dialogs_of(page)
    page.goto(f"{running.address}/projects/shop/pipelines/{draft}/edit")

    for place in ("key", "name", "description", "stages.0.name", "stages.0.description"):
        page.locator(f"[id='{place}']").fill(_markup(place))
    page.get_by_role("button", name="Check", exact=True).click()
    in_form, elements_of_form = page.evaluate(READ), page.evaluate(INJECTED)
    page.get_by_role("button", name="Edit as text").click()
    as_text = page.get_by_label("The whole pipeline")
    as_text.fill(f"{_markup('field')}: 1\nstages: </textarea>{_markup('stages')}\n")
    page.get_by_role("button", name="Save the draft").first.click()

    assert [place for place in ("key", "name", "stages.0.name", "stages.0.description") if _markup(place) not in in_form] == []
    assert (elements_of_form, page.evaluate(INJECTED)) == (0, 0)
    assert f"</textarea>{_markup('stages')}" in as_text.input_value()
    assert dialogs == []
    page.context.close()
