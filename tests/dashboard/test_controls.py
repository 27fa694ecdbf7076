"""Controls from the dashboard: previews, rights, forged forms, and two people at once."""

import pytest

from api.dashboard.pages.controls import ACTS
from api.dashboard.pages.pipeline_acts import PipelineAct
from domain.releases.control import Control
from tests.dashboard.conftest import SignIn, key_of
from tests.http import Api
from tests.pipelines import approval, enable, pipeline, stage

HOME = "/projects/shop"


@pytest.fixture
def release(api: Api) -> str:
    """A release that waits for an approval of its first stage."""
    gated = stage("Development", wait="1d", actions=[enable("staff")]) | {"gates": [approval()]}
    api.publish(pipeline(gated, stage("Production", "production", "2d")))
    maria = api.make_key("maria", {"project": "shop", "role": "admin"})
    return str(maria.add()["id"])


def _noah(api: Api) -> str:
    return key_of(api.make_key("noah", {"project": "shop", "role": "admin"}))


def test_every_control_can_be_carried_out() -> None:
    assert set(ACTS) == set(Control)


def test_an_approval_shows_what_will_be_applied_and_whom_it_reaches(api: Api, sign_in: SignIn, release: str) -> None:
    page = sign_in(_noah(api)).look(f"{HOME}/releases/{release}/approve").text

    assert "for segment staff" in page
    assert "group = &#34;staff&#34;" in page
    assert f'name="shown" value="{api.release(release)["approval"]["binds"]}"' in page


def test_an_approval_of_what_is_no_longer_shown_is_refused(api: Api, sign_in: SignIn, release: str) -> None:
    visitor = sign_in(_noah(api))
    shown = api.release(release)["approval"]["binds"]
    rules = [{"type": "ALL", "conditions": [{"property": "group", "operator": "EQUAL", "value": "everyone"}]}]
    api.patch("/projects/shop/segments/staff", {"rules": rules})

    refused = visitor.send(f"{HOME}/releases/{release}/approve", shown=shown, expected_stage="Development", expected_visit="1")

    assert refused.status_code == 409
    assert "It has moved on" in refused.text
    assert api.release(release)["approval"]["given"] == []


def test_an_approval_counts(api: Api, sign_in: SignIn, release: str) -> None:
    visitor = sign_in(_noah(api))
    assert "Review and approve" in visitor.look(f"{HOME}/approvals").text

    shown = api.release(release)["approval"]["binds"]
    done = visitor.send(f"{HOME}/releases/{release}/approve", shown=shown, reason="looks good")

    assert "Done: approve." in done.text
    assert [each["owner"] for each in api.release(release)["approval"]["given"]] == ["noah"]
    assert "Nothing waits for your approval." in visitor.look(f"{HOME}/approvals").text


def test_whoever_added_the_flag_is_told_that_somebody_else_must_approve(api: Api, sign_in: SignIn, release: str) -> None:
    [found] = [key for key in api.get("/keys")["items"] if key["owner"]["name"] == "maria"]
    secret = api.post(f"/keys/{found['id']}/rotate")["secret"]
    visitor = sign_in(secret)

    assert "somebody else must decide" in visitor.look(f"{HOME}/approvals").text
    assert visitor.look(f"{HOME}/releases/{release}/approve").status_code == 403


def test_a_control_is_recorded_with_its_reason(api: Api, sign_in: SignIn, release: str) -> None:
    visitor = sign_in(_noah(api))

    done = visitor.send(f"{HOME}/releases/{release}/pause", reason="incident", expected_stage="Development", expected_visit="1")

    assert "Paused by noah" in done.text
    assert "(incident)" in done.text
    paused = api.release(release)["paused"]
    assert (paused["by"], paused["reason"]) == ("noah", "incident")


def test_of_two_people_who_act_at_once_the_second_is_told_that_it_has_moved_on(api: Api, sign_in: SignIn, release: str) -> None:
    visitor = sign_in(_noah(api))

    refused = visitor.send(f"{HOME}/releases/{release}/remove", expected_stage="Production", expected_visit="2")

    assert refused.status_code == 409
    assert "It has moved on" in refused.text
    assert f'href="/projects/shop/releases/{release}"' in refused.text
    assert api.release(release)["status"] == "starting"


def test_a_control_that_is_not_allowed_now_is_not_offered(api: Api, sign_in: SignIn, release: str) -> None:
    visitor = sign_in(_noah(api))

    page = visitor.look(f"{HOME}/releases/{release}").text

    offered = [control for control in Control if f'/releases/{release}/{control}"' in page]
    assert offered == [Control.PAUSE, Control.APPROVE, Control.REJECT, Control.ROLLBACK, Control.REMOVE]
    assert visitor.look(f"{HOME}/releases/{release}/resume").status_code == 409


def test_a_viewer_is_offered_nothing_and_can_do_nothing(api: Api, sign_in: SignIn, release: str) -> None:
    visitor = sign_in(key_of(api.make_key("vera", {"project": "shop", "role": "viewer"})))

    assert "Your key may look, but not act" in visitor.look(f"{HOME}/releases/{release}").text
    for control in (Control.PAUSE, Control.APPROVE, Control.ROLLBACK, Control.REMOVE):
        assert visitor.look(f"{HOME}/releases/{release}/{control}").status_code == 403
        assert visitor.send(f"{HOME}/releases/{release}/{control}").status_code == 403
    assert api.release(release)["status"] == "starting"


FORMS = [
    *(f"{HOME}/releases/RELEASE/{control}" for control in Control),
    f"{HOME}/releases/new",
    f"{HOME}/stops/new",
    f"{HOME}/stops/x/lift",
    f"{HOME}/freezes/new",
    f"{HOME}/freezes/x/delete",
    *(f"{HOME}/pipelines/standard/{act}" for act in ("edit", *PipelineAct)),
    f"{HOME}/pipelines/new",
    "/new-project",
    "/sign-out",
]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_without_the_token_of_the_session_is_refused(api: Api, sign_in: SignIn, release: str, form: str) -> None:
    mine, other = sign_in(_noah(api)), sign_in()
    path = form.replace("RELEASE", release)

    for fields in ({}, {"csrf": ""}, {"csrf": other.csrf()}, {"csrf": "é"}):
        refused = mine.client.post(path, data=fields)
        assert refused.status_code == 403
        assert "not sent from a page of your current session" in refused.text
    assert api.release(release)["status"] == "starting"
    assert mine.look(HOME).url.path == HOME


def test_the_api_does_not_accept_the_cookie(api: Api, sign_in: SignIn) -> None:
    assert sign_in().client.get("/api/v1/projects").status_code == 401
