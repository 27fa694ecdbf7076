"""Guardrails, metric gates and checks in the editor of pipelines, without JavaScript."""

from typing import Any

import pytest

from tests.activities.experimenting import experiment
from tests.dashboard.conftest import SignIn
from tests.dashboard.forms import fields_of, press
from tests.http import Api
from tests.pipelines import approval, pipeline, stage

PIPELINES = "/projects/shop/pipelines"
ERRORS = {"type": "THRESHOLD", "at_most": 0.01}
GUARDRAIL = {"name": "Errors", "metric": "errors", "condition": ERRORS, "stages": ["Everyone"], "on_breach": "rollback", "shadow": True}
METRIC_GATE = {"type": "METRIC", "metric": "errors", "condition": ERRORS, "passing_for": "15m"}
CHECK_GATE = {"type": "CHECK", "source": "deploys", "path": "/ready?flag={feature}", "every": "2m"}


NOT_WORSE = {"type": "NOT_WORSE", "margin": 0.05, "better": "higher"}
WATCHING = [
    ([], [GUARDRAIL]),
    ([METRIC_GATE], []),
    ([CHECK_GATE], []),
    ([experiment(shares={"control": 40, "one-page": 20.5}, without_winner="hold")], []),
    ([approval(), METRIC_GATE, CHECK_GATE], [GUARDRAIL, GUARDRAIL | {"name": "Sales", "condition": NOT_WORSE, "shadow": False}]),
]


def _draft(api: Api, *stages: dict[str, Any], **more: Any) -> str:
    return f"{PIPELINES}/{api.post(PIPELINES, pipeline(*stages, **more))['id']}"


@pytest.mark.parametrize("button", ["save", "text"])
@pytest.mark.parametrize(("gates", "guardrails"), WATCHING)
def test_a_draft_that_watches_metrics_loses_nothing_in_the_form_or_as_text(
    api: Api, sign_in: SignIn, gates: list[dict[str, Any]], guardrails: list[dict[str, Any]], button: str
) -> None:
    stages = stage("Beta", "production"), stage("Everyone", "production", "1d") | {"gates": gates}
    draft = _draft(api, *stages, guardrails=guardrails)
    before = api.get(draft)
    visitor = sign_in()

    page = visitor.look(f"{draft}/edit")
    saved = press(visitor, page if button == "save" else press(visitor, page, "text"), "save")

    assert "text" not in fields_of(page)
    assert "The draft was saved." in saved.text
    assert api.get(draft)["stages"] == before["stages"]
    assert api.get(draft).get("guardrails") == before.get("guardrails")


def test_a_condition_that_the_form_would_change_is_edited_as_text(api: Api, sign_in: SignIn) -> None:
    odd = GUARDRAIL | {"condition": NOT_WORSE | {"group": "on\nnow"}}
    draft = _draft(api, stage("Everyone", "production", "1d"), guardrails=[odd])
    before = api.get(draft)["guardrails"]
    visitor = sign_in()

    page = visitor.look(f"{draft}/edit")
    in_form, saved = press(visitor, page, "form"), press(visitor, page, "save")

    assert (in_form.status_code, fields_of(in_form)["text"]) == (422, fields_of(page)["text"])
    assert "The draft was saved." in saved.text
    assert api.get(draft)["guardrails"] == before


def test_guardrails_and_gates_are_added_button_by_button(api: Api, sign_in: SignIn) -> None:
    api.post("/projects/shop/sources", {"key": "web", "kind": "http", "address": "http://127.0.0.1:1"})
    api.post("/projects/shop/metrics", {"key": "errors", "source": "web", "query": "/errors", "pointer": "/value"})
    draft = _draft(api, stage("Beta", "production"), stage("Everyone", "production", "1d"))
    visitor = sign_in()

    page = press(visitor, visitor.look(f"{draft}/edit"), "guardrails:add")
    typed = {"name": "Errors", "metric": "errors", "stages": "Everyone\r\n", "condition.at_most": "0.01", "failures": "3"}
    page = press(visitor, page, "stages.1.gates:add-metric", **{f"guardrails.0.{name}": text for name, text in typed.items()})
    typed = {"0.metric": "errors", "0.condition.type": "NOT_WORSE", "0.condition.margin": "0.1", "0.condition.better": "lower"}
    page = press(visitor, page, "stages.1.gates:add-check", **{f"stages.1.gates.{name}": text for name, text in typed.items()})
    page = press(visitor, page, "save", **{"stages.1.gates.1.source": "web", "stages.1.gates.1.path": "/ready"})

    assert "The draft was saved." in page.text
    [guardrail] = api.get(draft)["guardrails"]
    assert (guardrail["stages"], guardrail["failures"], guardrail["every"], guardrail["on_breach"]) == (
        ["Everyone"],
        3,
        "PT30S",
        "rollback",
    )
    assert guardrail["condition"] == {"type": "THRESHOLD", "at_most": 0.01}
    metric, check = api.get(draft)["stages"][1]["gates"]
    assert (metric["condition"]["margin"], metric["condition"]["better"], metric["passing_for"]) == (0.1, "lower", "PT15M")
    assert (check["source"], check["path"], check["every"]) == ("web", "/ready", "PT1M")


def test_an_experiment_whose_winner_is_ramped_is_made_in_the_form(api: Api, sign_in: SignIn) -> None:
    draft = _draft(api, stage("Split", "production"), stage("Ship", "production", "1d"))
    visitor = sign_in()

    split = {"type": "ALLOCATE_VARIANTS", "allocation": "one-page = 30\r\ntwo-pages = 30%"}
    page = visitor.look(f"{draft}/edit")
    page = press(visitor, page, "stages.1.gates:add-experiment", **{f"stages.0.actions.0.{name}": text for name, text in split.items()})
    gate = {"metric": "conversion", "variants": "one-page\r\ntwo-pages", "planned": "5000", "longest": "21d"}
    ship = {"type": "SHIP_WINNER", "initial": "60", "step": "20", "every": "1d"}
    typed = {f"stages.1.gates.0.{name}": text for name, text in gate.items()}
    page = press(visitor, page, "save", **typed, **{f"stages.1.actions.0.{name}": text for name, text in ship.items()})

    assert "The draft was saved." in page.text
    first, second = api.get(draft)["stages"]
    assert first["actions"] == [{"type": "ALLOCATE_VARIANTS", "allocation": {"one-page": 30, "two-pages": 30}, "overrides": "keep"}]
    assert second["actions"] == [{"type": "SHIP_WINNER", "initial": 60, "step": 20, "every": "P1D", "overrides": "keep"}]
    [found] = second["gates"]
    assert (found["metric"], found["variants"], found["planned"], found["longest"]) == (
        "conversion",
        ["one-page", "two-pages"],
        5_000,
        "P21D",
    )


def test_an_experiment_with_guardrails_is_edited_as_text(api: Api, sign_in: SignIn) -> None:
    gate = experiment(guardrails=[{"metric": "returns", "better": "lower", "margin": 0.1}])
    draft = _draft(api, stage("Ship", "production", "1d") | {"gates": [gate]})

    shown = sign_in().look(f"{draft}/edit")

    assert "metric: returns" in fields_of(shown)["text"]


def test_a_winner_with_half_of_a_ramp_is_refused_at_its_action(api: Api, sign_in: SignIn) -> None:
    draft = _draft(api, stage("Ship", "production"))
    visitor = sign_in()

    refused = press(
        visitor, visitor.look(f"{draft}/edit"), "save", **{"stages.0.actions.0.type": "SHIP_WINNER", "stages.0.actions.0.initial": "60"}
    )

    assert refused.status_code == 422
    assert "Must have all of initial, step, every" in refused.text
    assert 'id="stages.0.actions.0-problem"' in refused.text


def test_mistakes_of_a_guardrail_are_shown_at_its_fields(api: Api, sign_in: SignIn) -> None:
    draft = _draft(api, stage("Everyone", "production", "1d"), guardrails=[GUARDRAIL])
    visitor = sign_in()
    page = visitor.look(f"{draft}/edit")

    wrong = {"guardrails.0.failures": "two", "guardrails.0.condition.at_most": "much", "guardrails.0.every": "soon"}
    refused = press(visitor, page, "save", **wrong)

    assert 'id="guardrails.0.metric-problem"' in page.text, "there is no such metric"
    assert refused.status_code == 422
    assert [place for place in wrong if f'id="{place}-problem"' not in refused.text] == []
    assert fields_of(refused)["guardrails.0.condition.at_most"] == "much"


def test_guardrails_are_shown_in_words_on_the_page_of_a_pipeline(api: Api, sign_in: SignIn) -> None:
    draft = _draft(api, stage("Beta", "production"), stage("Everyone", "production", "1d"), guardrails=[GUARDRAIL])

    page = sign_in().look(draft).text

    assert "Errors: errors at most 0.01, every 30 s, 2 failures in a row: roll back (in shadow)" in page
    assert page.index("<h2>Everyone") < page.index('Watched by <a href="#guardrail-1">Errors</a>')
    assert page.count("Watched by") == 1
