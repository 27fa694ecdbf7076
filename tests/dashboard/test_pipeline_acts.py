"""Deleting, copying, archiving and simulating pipelines, and who may do that."""

from typing import Any

import pytest

from tests.dashboard.conftest import SignIn, key_of
from tests.dashboard.forms import fields_of
from tests.http import Api
from tests.pipelines import pipeline, stage, until

PIPELINES = "/projects/shop/pipelines"


def _draft(api: Api, *stages: dict[str, Any], **more: Any) -> str:
    return f"{PIPELINES}/{api.post(PIPELINES, pipeline(*stages, **more))['id']}"


def test_a_draft_is_deleted_only_after_it_was_shown(api: Api, sign_in: SignIn) -> None:
    draft = _draft(api, stage("Development"))
    visitor = sign_in()
    asked = visitor.look(f"{draft}/delete")
    api.request("PUT", draft, pipeline(stage("Changed")))

    stale = visitor.client.post(f"{draft}/delete", data=fields_of(asked, "act"))
    deleted = visitor.client.post(f"{draft}/delete", data=fields_of(visitor.look(f"{draft}/delete"), "act"))

    assert (stale.status_code, deleted.status_code) == (412, 200)
    assert api.get(PIPELINES)["items"] == []


def test_a_published_version_becomes_a_new_draft_a_copy_or_archived(api: Api, sign_in: SignIn) -> None:
    published = f"{PIPELINES}/{api.publish(pipeline(stage('Development')))['id']}"
    visitor = sign_in()

    draft = visitor.send(f"{published}/clone")
    second = visitor.send(f"{published}/clone")
    copy = visitor.send(f"{published}/clone", key="copy", name="Copy")
    archived = visitor.client.post(f"{published}/archive", data=fields_of(visitor.look(f"{published}/archive"), "act"))

    assert draft.url.path.endswith("/edit")
    assert second.status_code == 409
    assert "already has a draft" in second.text
    assert f'href="{draft.url.path}">Edit the existing draft</a>' in second.text
    assert 'value="Copy"' in copy.text
    assert archived.status_code == 200
    found = {(each["key"], each["version"]): each["status"] for each in api.get(PIPELINES)["items"]}
    assert found == {("standard", 1): "archived", ("standard", 2): "draft", ("copy", 1): "draft"}


def test_a_simulation_has_the_times_of_the_api(api: Api, sign_in: SignIn) -> None:
    launch = stage("Launch", "production") | {"trigger": until(parameter="launch_at")}
    draft = _draft(api, stage("Development", wait="1d"), launch, parameters={"launch_at": {"type": "datetime"}})
    visitor = sign_in()
    start = {"starts_at": "2027-01-01T09:00", "timezone": "Asia/Tokyo"}

    unknown = visitor.client.get(f"{draft}/simulate", params=start)
    known = visitor.client.get(f"{draft}/simulate", params=start | {"parameter.launch_at": "2027-02-03T04:05:06Z"})
    wrong = visitor.client.get(f"{draft}/simulate", params={"starts_at": "tomorrow"})

    assert "2 Jan 2027, 00:00:00 UTC" in unknown.text
    assert "Its time is not known yet." in unknown.text
    assert "3 Feb 2027, 04:05:06 UTC" in known.text
    assert "The start must be a point in time" in wrong.text


@pytest.mark.parametrize("grant", [{"role": "viewer"}, {"role": "operator", "environments": ["*"]}])
def test_only_admins_edit_pipelines(api: Api, sign_in: SignIn, grant: dict[str, Any]) -> None:
    draft = _draft(api, stage("Development"))
    visitor = sign_in(key_of(api.make_key("vera", {"project": "shop", **grant})))

    for page in ("/new", *(f"/{draft.rpartition('/')[2]}/{act}" for act in ("edit", "publish", "delete", "clone"))):
        assert visitor.look(f"{PIPELINES}{page}").status_code == 403
        assert visitor.send(f"{PIPELINES}{page}").status_code == 403
        assert f"{PIPELINES}{page}" not in visitor.look(draft).text + visitor.look(PIPELINES).text
    assert visitor.look(f"{draft}/simulate").status_code == 200
