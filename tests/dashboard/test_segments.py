"""Segments from the dashboard: rules as rows and as text."""

import json

import pytest

from api.dashboard.segment_rows import document_of, numbered, rows_of
from domain.flags.segment import Rule
from tests.dashboard.conftest import SignIn, key_of
from tests.dashboard.test_environments import hidden
from tests.http import Api

HOME = "/projects/shop/segments"
AT = "/rules/0/conditions"
RICH = {"/rules/0/type": "ANY", f"{AT}/0/property": "plan", f"{AT}/0/operator": "EQUAL", f"{AT}/0/value": "gold"}
RULES = [{"type": "ANY", "rules": [], "conditions": [{"property": "plan", "operator": "EQUAL", "value": "gold"}]}]


def test_rows_say_the_same_as_the_rules_that_they_show() -> None:
    rules = [Rule.model_validate(each) for each in RULES]

    assert [Rule.model_validate(each) for each in document_of(rows_of(rules))] == rules


def test_empty_rows_do_not_count_and_the_others_are_numbered_again() -> None:
    fields = RICH | {f"{AT}/0/property": "", f"{AT}/0/value": " ", f"{AT}/3/property": "age", f"{AT}/3/operator": "IS_SET", "/name": "x"}

    rows = {f"{AT}/0/property": "age", f"{AT}/0/operator": "IS_SET", f"{AT}/0/value": ""}
    assert numbered(fields) == {"/name": "x", "/rules/0/type": "ANY", **rows}


def test_a_segment_is_shown_and_then_created(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()

    preview = visitor.send(f"{HOME}/new", **{"/key": "rich", **RICH})
    assert api.request("GET", f"{HOME}/rich").status_code == 404
    assert "plan = &#34;gold&#34;" in preview.text
    page = visitor.send(f"{HOME}/new", **{"/key": "rich", **RICH}, confirmed=hidden(preview, "confirmed"))

    assert "Done." in page.text
    assert api.get(f"{HOME}/rich")["rules"] == RULES


def test_a_mistake_in_a_condition_is_named_in_its_row(sign_in: SignIn) -> None:
    wrong = RICH | {f"{AT}/1/property": "n", f"{AT}/1/operator": "MODULO", f"{AT}/1/value": "ten"}

    refused = sign_in().send(f"{HOME}/new", **{"/key": "rich", **wrong})

    assert refused.status_code == 422
    assert f'id="{AT}/1/value-problem">The value must be a divisor' in refused.text


@pytest.mark.parametrize(("text", "said"), [("[{", "Must be one valid JSON document"), ('[{"type": "SOME"}]', "/0/type: ")])
def test_a_mistake_in_the_text_is_named_and_the_text_kept(sign_in: SignIn, text: str, said: str) -> None:
    refused = sign_in().send(f"{HOME}/new", **{"/key": "rich", "/rules": text})

    assert refused.status_code == 422
    assert said in refused.text
    assert text.replace('"', "&#34;") in refused.text


def test_rows_become_text_and_text_becomes_rows(sign_in: SignIn) -> None:
    visitor = sign_in()

    as_text = visitor.send(f"{HOME}/new", press="switch", **{"/key": "rich", **RICH})
    as_rows = visitor.send(f"{HOME}/new", press="switch", **{"/key": "rich", "/rules": json.dumps(RULES)})
    nested = visitor.send(f"{HOME}/new", press="switch", **{"/key": "rich", "/rules": json.dumps([{"type": "ALL", "rules": RULES}])})

    assert "&#34;operator&#34;: &#34;EQUAL&#34;" in as_text.text
    assert f'name="{AT}/0/value" value="gold"' in as_rows.text
    assert "Rules within rules can be written only as text." in nested.text
    assert all('name="/key" value="rich"' in page.text for page in (as_text, as_rows, nested))


def test_a_change_shows_what_sdks_evaluate_differently(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()
    pattern = RICH | {f"{AT}/0/operator": "EQUAL", f"{AT}/0/property": "$.identity.identifier"}
    form = {"/name": "Staff", **pattern, "etag": hidden(visitor.look(f"{HOME}/staff/edit"), "etag")}

    preview = visitor.send(f"{HOME}/staff/edit", **form)
    assert "Java" in preview.text
    assert "Approvals of stages that name the segment lapse." in preview.text
    page = visitor.send(f"{HOME}/staff/edit", **form, confirmed=hidden(preview, "confirmed"))

    assert "Java" in page.text, "the page of the segment has the warning as well"
    assert api.get(f"{HOME}/staff")["name"] == "Staff"


def test_a_stale_form_is_refused_and_keeps_its_rows(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()
    etag = hidden(visitor.look(f"{HOME}/staff/edit"), "etag")
    api.patch(f"{HOME}/staff", {"name": "Everybody here"})

    refused = visitor.send(f"{HOME}/staff/edit", etag=etag, **{"/name": "Mine", **RICH})

    assert refused.status_code == 412
    assert f'name="{AT}/0/value" value="gold"' in refused.text
    assert "<del>Everybody here</del>" in refused.text


def test_a_segment_says_where_it_is_used_and_can_then_not_be_deleted(api: Api, sign_in: SignIn) -> None:
    api.patch("/projects/shop/environments/staging/features/checkout", {"overrides": {"staff": {"enabled": True}}})
    visitor = sign_in()

    assert "override of checkout in staging" in visitor.look(f"{HOME}/staff").text
    asked = visitor.look(f"{HOME}/staff/delete")
    refused = visitor.send(f"{HOME}/staff/delete", etag=hidden(asked, "etag"))
    visitor.send(f"{HOME}/beta-users/delete", etag=hidden(visitor.look(f"{HOME}/beta-users/delete"), "etag"))

    assert refused.status_code == 409
    assert "is still in use" in refused.text
    assert [each["key"] for each in api.get(HOME)["items"]] == ["staff"]


def test_who_lacks_a_right_where_the_segment_is_used_is_offered_no_change(api: Api, sign_in: SignIn) -> None:
    api.patch("/projects/shop/environments/production/features/checkout", {"overrides": {"staff": {"enabled": True}}})
    operator = sign_in(key_of(api.make_key("olga", {"project": "shop", "role": "operator", "environments": ["staging"]})))
    viewer = sign_in(key_of(api.make_key("vera", {"project": "shop", "role": "viewer"})))

    assert "/edit" in operator.look(f"{HOME}/beta-users").text
    assert "/edit" not in operator.look(f"{HOME}/staff").text
    assert operator.look(f"{HOME}/staff/edit").status_code == 403
    assert operator.send(f"{HOME}/staff/edit", **{"/name": "Mine", **RICH}).status_code == 403
    assert "/new" not in viewer.look(HOME).text
    assert viewer.send(f"{HOME}/new", **{"/key": "rich", **RICH}).status_code == 403
    assert viewer.send(f"{HOME}/staff/delete").status_code == 403
