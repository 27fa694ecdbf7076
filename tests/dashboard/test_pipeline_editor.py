"""Making, editing and publishing pipelines, without JavaScript."""

from typing import Any

import pytest

from tests.dashboard.conftest import SignIn
from tests.dashboard.forms import fields_of, press
from tests.http import Api
from tests.pipelines import allocate, approval, enable, hold, pipeline, rollout, set_value, stage, until, window

PIPELINES = "/projects/shop/pipelines"


def _draft(api: Api, *stages: dict[str, Any], **more: Any) -> str:
    return f"{PIPELINES}/{api.post(PIPELINES, pipeline(*stages, **more))['id']}"


def _definition(api: Api, draft: str) -> dict[str, Any]:
    found = api.get(draft)
    return {name: found[name] for name in ("key", "name", "description", "on_conflict", "parameters", "stages")}


def test_a_draft_is_made_from_a_template_with_the_environments_and_segments_of_the_project(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()

    assert "Progressive rollout" in visitor.look(f"{PIPELINES}/new").text
    form = fields_of(visitor.look(f"{PIPELINES}/new?template=progressive-rollout"), "act")
    made = visitor.client.post(f"{PIPELINES}/new", data=form | {"key": "web", "name": "Web", "environments.staging": "development"})

    assert made.url.path.endswith("/edit")
    drafted = api.get(f"{PIPELINES}/web")
    assert (drafted["name"], drafted["status"], drafted["version"]) == ("Web", "draft", 1)
    assert [each["environment"] for each in drafted["stages"]] == ["development", "development", "production", "production"]
    assert drafted["stages"][2]["actions"] == [enable("beta-users")]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"key": "standard", "name": "Again"}, "The key &#39;standard&#39; is already used"),
        ({"key": "Not a key", "name": "Odd"}, "only a-z, 0-9"),
        ({"key": "nameless"}, "This field is required."),
        ({"key": "odd", "name": "Odd", "template": "unknown"}, "Unknown template"),
    ],
)
def test_a_pipeline_that_cannot_be_made_is_explained_beside_what_was_typed(
    api: Api, sign_in: SignIn, fields: dict[str, str], message: str
) -> None:
    api.post(PIPELINES, pipeline(stage("Development")))

    refused = sign_in().send(f"{PIPELINES}/new", **{"template": "empty"} | fields)

    assert refused.status_code in (409, 422)
    assert message in refused.text
    assert fields_of(refused, "act")["key"] == fields["key"]


def test_a_pipeline_is_built_from_nothing_button_by_button(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()
    page = visitor.send(f"{PIPELINES}/new", template="empty", key="built", name="Built")

    page = press(visitor, page, "stages:add")
    page = press(visitor, page, "stages:add", **{"stages.0.name": "Production", "stages.0.environment": "production"})
    typed = {
        "stages.0.trigger.type": "WAIT_FOR",
        "stages.0.trigger.duration": "2d",
        "stages.0.actions.0.type": "PHASED_ROLLOUT",
        "stages.0.actions.0.initial": "0.5",
        "stages.0.actions.0.step": "20",
        "stages.0.actions.0.every": "6h",
        "stages.1.name": "Staging",
        "stages.1.environment": "staging",
    }
    page = press(visitor, page, "stages.1:up", **typed)
    page = press(visitor, page, "stages.1.gates:add-approval")
    page = press(visitor, page, "stages.1.gates:add-window", **{"stages.1.gates.0.approvals": "2"})
    page = press(visitor, page, "stages.0.actions:add", **{"stages.1.gates.1.timezone": "Europe/London"})
    on_value = {"type": "UPDATE_FEATURE_VALUE_FOR_SEGMENT", "segment": "staff", "value_type": "integer", "value": "5"}
    page = press(visitor, page, "save", **{f"stages.0.actions.1.{name}": text for name, text in on_value.items()})

    assert "The draft was saved." in page.text
    first, second = api.get(f"{PIPELINES}/built")["stages"]
    assert (first["name"], first["actions"]) == ("Staging", [{**enable(), "overrides": "keep"}, set_value(5, "staff")])
    assert (second["name"], second["trigger"]) == ("Production", {"type": "WAIT_FOR", "duration": "P2D"})
    assert second["actions"][0] == {**rollout(0.5, 20, "PT6H"), "enabled": True, "overrides": "keep"}
    assert second["gates"] == [
        approval(2, allow_requester=False),
        window("09:00", "17:00", "MON", "TUE", "WED", "THU", "FRI", timezone="Europe/London"),
    ]


def test_saving_what_was_shown_changes_nothing(api: Api, sign_in: SignIn) -> None:
    odd = "\n<b>\"quoted\" & 'single'</b>\n\n  indented"
    first = stage("First <1>", actions=[set_value(odd), enable("staff")]) | {
        "description": odd,
        "gates": [approval(timeout="2d"), window("22:00", "24:00")],
    }
    second = hold("Launch", "90s") | {"trigger": until(parameter="launch_at", timezone="Asia/Tokyo")}
    parameters = {"launch_at": {"type": "datetime", "description": "<when>"}, "share": {"type": "integer", "default": 0}}
    draft = _draft(api, first, second, parameters=parameters, description=odd)
    before = _definition(api, draft)
    visitor = sign_in()

    saved = press(visitor, visitor.look(f"{draft}/edit"), "save")

    assert "The draft was saved." in saved.text
    assert _definition(api, draft) == before


def test_mistakes_are_shown_at_their_fields_in_the_words_of_the_api(api: Api, sign_in: SignIn) -> None:
    draft = _draft(api, stage("Development", wait="1d"))
    visitor = sign_in()
    page = visitor.look(f"{draft}/edit")
    sent = api.request("PUT", draft, pipeline(stage("", wait="soon", actions=[rollout("ten")]))).json()
    words = {each["pointer"]: each["message"] for each in sent["errors"]}

    typed = {"type": "PHASED_ROLLOUT", "initial": "ten", "step": "30", "every": "6h"}
    fields = {f"stages.0.actions.0.{name}": text for name, text in typed.items()} | {
        "stages.0.name": " ",
        "stages.0.trigger.duration": "soon",
    }
    refused = press(visitor, page, "save", **fields)

    assert refused.status_code == 422
    assert 'id="stages.0.trigger.duration" name="stages.0.trigger.duration" aria-invalid="true"' in refused.text
    for pointer, place in (
        ("/stages/0/trigger/duration", "stages.0.trigger.duration"),
        ("/stages/0/actions/0/initial", "stages.0.actions.0.initial"),
    ):
        assert f'<ul class="marks" id="{place}-problem"><li class="mark">{words[pointer]}</li></ul>' in refused.text
        assert f'<a href="#{place}">' in refused.text
    assert fields_of(refused)["stages.0.trigger.duration"] == "soon"


def test_what_keeps_a_draft_from_being_published_is_shown_at_its_field(api: Api, sign_in: SignIn) -> None:
    draft = _draft(api, stage("Development", "nowhere"), stage("development", "staging"))
    publishing = api.request("POST", f"{draft}/publish").json()

    page = sign_in().look(f"{draft}/edit")

    assert "Before it can be published" in page.text
    assert 'id="stages.0.environment-problem"' in page.text
    assert 'id="stages.1.name-problem"' in page.text
    for problem in publishing["errors"]:
        assert problem["message"].replace("'", "&#39;") in page.text


def test_a_check_simulates_what_is_typed_and_saves_nothing(api: Api, sign_in: SignIn) -> None:
    draft = _draft(api, stage("Production", "production", actions=[rollout()]))
    visitor = sign_in()

    page = press(visitor, visitor.look(f"{draft}/edit"), "check", **{"stages.0.actions.0.step": "45"})

    assert [f"<strong>{share}%</strong>" in page.text for share in (10, 40, 55, 70, 100)] == [True, False, True, False, True]
    assert _definition(api, draft)["stages"][0]["actions"][0]["step"] == 30


def test_of_two_editors_the_second_is_told_so_and_loses_nothing(api: Api, sign_in: SignIn) -> None:
    draft = _draft(api, stage("Development"))
    visitor = sign_in()
    page = visitor.look(f"{draft}/edit")
    api.request("PUT", draft, pipeline(stage("Theirs")))

    refused = press(visitor, page, "save", **{"stages.0.name": "Mine"})
    again = press(visitor, refused, "save")
    replaced = press(visitor, again, "overwrite")

    assert (refused.status_code, again.status_code) == (412, 412)
    assert "Somebody else has changed the draft" in refused.text
    assert "name: Theirs" in refused.text
    assert fields_of(refused)["stages.0.name"] == "Mine"
    assert "The draft was saved." in replaced.text
    assert [each["name"] for each in _definition(api, draft)["stages"]] == ["Mine"]


def test_replacing_a_draft_is_refused_if_it_has_changed_once_more(api: Api, sign_in: SignIn) -> None:
    draft = _draft(api, stage("Development"))
    visitor = sign_in()
    page = visitor.look(f"{draft}/edit")
    api.request("PUT", draft, pipeline(stage("Theirs")))
    refused = press(visitor, page, "save", **{"stages.0.name": "Mine"})
    api.request("PUT", draft, pipeline(stage("Theirs again")))

    assert press(visitor, refused, "overwrite").status_code == 412
    assert [each["name"] for each in _definition(api, draft)["stages"]] == ["Theirs again"]


def test_a_draft_that_was_deleted_or_published_meanwhile_keeps_what_was_typed_on_the_page(api: Api, sign_in: SignIn) -> None:
    deleted, published = _draft(api, stage("Development")), _draft(api, stage("Development"), key="other")
    visitor = sign_in()
    pages = [visitor.look(f"{draft}/edit") for draft in (deleted, published)]
    api.request("DELETE", deleted)
    api.post(f"{published}/publish")

    refused = [press(visitor, page, "save", **{"stages.0.name": "Mine"}) for page in pages]

    assert [each.status_code for each in refused] == [404, 409]
    assert [fields_of(each)["stages.0.name"] for each in refused] == ["Mine"] * 2
    assert "clone it instead" in refused[1].text


def test_the_whole_document_can_be_edited_as_text(api: Api, sign_in: SignIn) -> None:
    draft = _draft(api, stage("Development"))
    visitor = sign_in()

    as_text = press(visitor, visitor.look(f"{draft}/edit"), "text", **{"stages.0.name": "Half typed"})
    text = fields_of(as_text)["text"]
    wrong = press(visitor, as_text, "save", text=text.replace("stages:", "stagess:"))
    broken = press(visitor, as_text, "form", text="stages: [")
    back = press(visitor, as_text, "form", text=text.replace("development", "staging"))
    saved = press(visitor, back, "save")

    assert "name: Half typed" in text
    assert (wrong.status_code, broken.status_code) == (422, 422)
    assert "Did you mean &#39;stages&#39;?" in wrong.text
    assert "is not a YAML document" in broken.text
    assert "The draft was saved." in saved.text
    assert [(each["name"], each["environment"]) for each in _definition(api, draft)["stages"]] == [("Half typed", "staging")]


def test_a_draft_goes_from_the_form_to_its_publication(api: Api, sign_in: SignIn) -> None:
    draft = _draft(api, stage("Development"), stage("Production", "production", "1d"))
    visitor = sign_in()

    asked = press(visitor, visitor.look(f"{draft}/edit"), "publish", **{"stages.1.name": "Everyone"})
    published = visitor.client.post(asked.url.path, data=fields_of(asked, "act"))

    assert "it never changes again" in asked.text
    assert "Version 1 was published." in published.text
    assert [each["name"] for each in api.get(draft)["stages"]] == ["Development", "Everyone"]
    assert api.get(draft)["status"] == "published"
    assert visitor.look(f"{draft}/edit").status_code == 409


def test_a_later_version_keeps_its_key(api: Api, sign_in: SignIn) -> None:
    published = f"{PIPELINES}/{api.publish(pipeline(stage('Development')))['id']}"
    visitor = sign_in()

    refused = press(visitor, visitor.send(f"{published}/clone"), "save", key="other")

    assert refused.status_code == 409
    assert 'id="key-problem"' in refused.text


def test_a_draft_that_allocates_variants_is_edited_in_the_form(api: Api, sign_in: SignIn) -> None:
    draft = _draft(api, stage("Development", actions=[allocate({"one-page": 12.5}), allocate({"one-page": 100}, "staff")]))
    visitor = sign_in()

    shown = visitor.look(f"{draft}/edit")
    saved = press(visitor, shown, "save", **{"stages.0.actions.0.allocation": "one-page = 20%"})

    assert [fields_of(shown)[f"stages.0.actions.{number}.allocation"] for number in (0, 1)] == ["one-page = 12.5", "one-page = 100"]
    assert saved.status_code == 200
    assert api.get(draft)["stages"][0]["actions"][0]["allocation"] == {"one-page": 20}
    assert "serve one-page to 20% for everyone, serve one-page to 100% for staff" in visitor.look(draft).text
