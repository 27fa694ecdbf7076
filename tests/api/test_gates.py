"""Approvals, freezes and stops over HTTP, while Temporal is down: the record alone decides them."""

from typing import Any

import pytest

from activities.messages import HeldBack
from activities.store.database import Database
from tests.activities.acting import change, command_for
from tests.api.answers import pointers, problem_of
from tests.http import Api
from tests.pipelines import approval, enable, pipeline, stage, window
from tests.world import NOW, world_of

RELEASES, STOPS, FREEZES = "/projects/shop/releases", "/projects/shop/stops", "/projects/shop/freezes"
WITH_APPROVAL = pipeline(stage("Everyone", "production", "1h", [enable()]) | {"gates": [approval(2)]})


def operator(api: Api, name: str, *, kind: str = "person", environment: str = "production") -> Api:
    return api.make_key(name, {"project": "shop", "role": "operator", "environments": [environment]}, kind=kind)


def release_to_approve(api: Api) -> str:
    """Add a release whose first stage requires two approvals."""
    api.make_project()
    api.publish(WITH_APPROVAL)
    return str(api.add()["id"])


def test_release_shows_its_pending_approval_and_who_has_approved(api_on_both: Api) -> None:
    release = release_to_approve(api_on_both)
    vera = operator(api_on_both, "vera")

    approved = vera.post(f"{RELEASES}/{release}/approve", {"reason": "seen in staging"})

    pending = approved["approval"]
    assert (pending["needed"], [each["owner"] for each in pending["given"]], pending["given"][0]["reason"]) == (
        2,
        ["vera"],
        "seen in staging",
    )
    assert (pending["applies"], pending["now"]) == ([{"enabled": True}], {"enabled": False})
    assert {"approve", "reject"} <= set(approved["allowed"])
    [entry] = api_on_both.get("/projects/shop/audit", event="release.approved")["items"]
    assert (entry["actor"]["owner"], entry["release"]) == ("vera", release)


def test_each_invalid_approval_has_its_own_code_and_changes_nothing(api: Api) -> None:
    api.make_project()
    api.publish(WITH_APPROVAL)
    erin = operator(api, "erin")
    release = erin.add()["id"]
    vera, robot, elsewhere = operator(api, "vera"), operator(api, "ci", kind="service"), operator(api, "dan", environment="staging")
    path = f"{RELEASES}/{release}/approve"
    shown = vera.post(path)["approval"]

    problem_of(vera.request("POST", path), 409, "already_approved")
    problem_of(erin.request("POST", path), 403, "own_release")
    problem_of(robot.request("POST", path), 403, "service_cannot_approve")
    problem_of(elsewhere.request("POST", path), 403, "not_allowed")
    api.patch("/projects/shop/environments/production/features/checkout", {"value": "unrelated"})
    assert api.release(release)["approval"] == shown
    api.patch("/projects/shop/environments/production/features/checkout", {"enabled": True})
    assert api.release(release)["approval"]["given"] == []
    problem_of(vera.request("POST", path, {"shown": shown["binds"]}), 409, "approval_moved")
    assert pointers(problem_of(vera.request("POST", path, {"showed": "x"}), 422, "invalid")) == ["/showed"]


def test_approval_repeated_with_one_idempotency_key_counts_once(api_on_both: Api) -> None:
    release = release_to_approve(api_on_both)
    vera = operator(api_on_both, "vera")

    answers = [vera.post(f"{RELEASES}/{release}/approve", {"reason": "yes"}, **{"Idempotency-Key": "once"}) for _ in range(2)]

    assert answers[0] == answers[1]
    assert len(api_on_both.get("/projects/shop/audit", event="release.approved")["items"]) == 1


def test_rejection_blocks_and_shows_who_and_why(api_on_both: Api) -> None:
    release = release_to_approve(api_on_both)

    rejected = operator(api_on_both, "victor").post(f"{RELEASES}/{release}/reject", {"reason": "not on a Friday"})

    assert (rejected["status"], rejected["blocked_by"]["code"]) == ("blocked", "rejected")
    assert rejected["blocked_by"]["message"] == "victor rejected 'Everyone': not on a Friday."
    assert "retry" in rejected["blocked_by"]["allowed"]
    again = operator(api_on_both, "vera").request("POST", f"{RELEASES}/{release}/approve")
    problem_of(again, 409, "control_not_allowed")


def test_stage_without_approval_gate_has_nothing_to_approve(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Everyone", "production", "1h")))
    added = api.add()

    assert added["approval"] is None
    assert not {"approve", "reject"} & set(added["allowed"])
    problem_of(operator(api, "vera").request("POST", f"{RELEASES}/{added['id']}/approve"), 409, "nothing_to_approve")


def test_flag_is_added_without_the_right_on_a_stage_that_others_approve(api: Api) -> None:
    api.make_project()
    api.publish(WITH_APPROVAL)
    erin = operator(api, "erin", environment="development")

    assert erin.add()["added_by"] == "erin"
    problem_of(erin.request("POST", f"{RELEASES}/{erin.get(RELEASES)['items'][0]['id']}/approve"), 403, "not_allowed")


def test_reason_for_holding_a_stage_back_is_shown_in_release_and_list(api_on_both: Api, url_on_both: str) -> None:
    release = release_to_approve(api_on_both)
    [listed] = api_on_both.get(RELEASES)["items"]
    assert {"approve", "reject"} <= set(api_on_both.release(release)["allowed"])
    assert not {"approve", "reject"} & set(listed["allowed"]), "lists read no pipelines, so they know only once the stage is held back"

    for code, until in (("approval", None), ("stopped", "2030-01-01T00:00:00Z")):
        if code == "stopped":
            api_on_both.post(STOPS, {"reason": "orders fail", "expires_at": until})
        become_due(url_on_both, release)

        [listed], alone = api_on_both.get(RELEASES)["items"], api_on_both.release(release)
        assert listed["waiting_for"] == alone["waiting_for"]
        assert (alone["waiting_for"]["code"], alone["waiting_for"]["until"], alone["acts_at"]) == (code, until, until)
        assert {"approve", "reject"} <= set(alone["allowed"])
    assert "bootstrap stopped the project" in alone["waiting_for"]["message"]
    assert "orders fail" in alone["waiting_for"]["message"]


def become_due(url: str, release: str) -> None:
    """Let the stage of a release become due, as its workflow does, and be held back."""
    database = Database(url)
    world = world_of(database)
    with database.reading() as store:
        record = store.releases.get(release)
        gates = store.pipelines.version(record.pipeline.id).definition.stages[record.stage_index].gates
    assert isinstance(change(world, command_for(world, record, gates=gates), NOW), HeldBack)
    database.close()


def test_approval_is_refused_if_the_stage_is_not_the_expected_one(api: Api) -> None:
    release = release_to_approve(api)
    vera = operator(api, "vera")

    for control in ("approve", "reject"):
        for stale in ({"expected_stage": "Beta"}, {"expected_visit": 2}, {"expected_step": 2}):
            problem_of(vera.request("POST", f"{RELEASES}/{release}/{control}", stale), 409, "stage_moved")
    assert api.release(release)["approval"]["given"] == []


def test_operators_stop_and_freeze_their_environments_and_admins_the_project(api: Api) -> None:
    api.make_project()
    vera, admin = operator(api, "vera"), api.make_key("anna", {"project": "shop", "role": "admin"})
    period = {"name": "Move", "starts_at": "2030-03-02T00:00Z", "ends_at": "2030-03-03T12:00Z"}

    for wide in ({}, {"environment": "staging"}, {"pipeline": "standard"}):
        problem_of(vera.request("POST", STOPS, {"reason": "x"} | wide), 403, "not_allowed")
    for everywhere in (period, period | {"environments": ["production", "staging"]}):
        problem_of(vera.request("POST", FREEZES, everywhere), 403, "not_allowed")
    assert vera.post(STOPS, {"reason": "x", "environment": "production"})["placed_by"] == "vera"
    assert vera.post(FREEZES, period | {"environments": ["production"]})["made_by"] == "vera"
    whole = admin.post(FREEZES, period)
    problem_of(vera.request("DELETE", f"{FREEZES}/{whole['id']}"), 403, "not_allowed")
    assert admin.post(STOPS, {"reason": "x"})["stands"]


def test_freeze_is_listed_until_it_is_deleted_and_shows_if_it_is_in_force(api_on_both: Api) -> None:
    api_on_both.make_project()
    now = {"name": "Now", "starts_at": "2020-01-01T00:00Z", "ends_at": "2030-01-01T00:00Z"}
    later = {"name": "Christmas", "timezone": "Europe/London", "starts_at": "2029-12-23T18:00", "ends_at": "2030-01-04T08:00"}
    made = [api_on_both.post(FREEZES, each) for each in (now, later)]
    assert [each["in_force"] for each in made] == [True, False]

    assert api_on_both.get(FREEZES)["items"] == made[::-1]
    assert api_on_both.request("DELETE", f"{FREEZES}/{made[0]['id']}").status_code == 204
    problem_of(api_on_both.request("DELETE", f"{FREEZES}/{made[0]['id']}"), 404, "not_found")
    assert api_on_both.get(FREEZES)["items"] == made[1:]
    events = [entry["event"] for entry in api_on_both.get("/projects/shop/audit")["items"] if entry["event"].startswith("freeze.")]
    assert events == ["freeze.deleted", "freeze.created", "freeze.created"]


def test_stop_and_freeze_of_another_project_are_not_found(api: Api) -> None:
    api.make_project()
    api.make_project("cafe")
    stop = api.post("/projects/cafe/stops", {"reason": "x"})["id"]
    period = {"name": "Move", "starts_at": "2030-03-02T00:00Z", "ends_at": "2030-03-03T12:00Z"}
    freeze = api.post("/projects/cafe/freezes", period)["id"]

    problem_of(api.request("POST", f"{STOPS}/{stop}/lift"), 404, "not_found")
    problem_of(api.request("DELETE", f"{FREEZES}/{freeze}"), 404, "not_found")
    problem_of(operator(api, "vera").request("POST", "/projects/cafe/stops", {"reason": "x"}), 404, "not_found")
    assert [each["stands"] for each in api.get("/projects/cafe/stops")["items"]] == [True]


def test_stop_repeated_with_one_idempotency_key_is_one_stop(api_on_both: Api) -> None:
    api_on_both.make_project()

    once = [api_on_both.post(STOPS, {"reason": "orders fail"}, **{"Idempotency-Key": "once"}) for _ in range(2)]
    lifted = [api_on_both.post(f"{STOPS}/{once[0]['id']}/lift", {}, **{"Idempotency-Key": "lift"}) for _ in range(2)]

    assert once[0] == once[1]
    assert lifted[0] == lifted[1]
    assert len(api_on_both.get(STOPS, standing="false")["items"]) == 1


def test_stop_is_lifted_by_its_placer_or_an_admin(api_on_both: Api) -> None:
    api_on_both.make_project()
    vera, victor = operator(api_on_both, "vera"), operator(api_on_both, "victor")
    stop = vera.post(STOPS, {"reason": "incident", "environment": "production"})
    assert (stop["stands"], stop["placed_by"]) == (True, "vera")

    problem_of(victor.request("POST", f"{STOPS}/{stop['id']}/lift"), 403, "not_allowed")
    lifted = vera.post(f"{STOPS}/{stop['id']}/lift", {"reason": "over"})
    assert (lifted["stands"], lifted["lifted_by"]) == (False, "vera")
    assert api_on_both.post(f"{STOPS}/{stop['id']}/lift")["lifted_at"] == lifted["lifted_at"]
    assert api_on_both.get(STOPS)["items"] == []
    assert [each["id"] for each in api_on_both.get(STOPS, standing="false")["items"]] == [stop["id"]]
    events = [entry["event"] for entry in api_on_both.get("/projects/shop/audit")["items"] if entry["event"].startswith("stop.")]
    assert events == ["stop.lifted", "stop.placed"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/reason"),
        ({"reason": ""}, "/reason"),
        ({"reason": "x", "environment": "moon"}, "/environment"),
        ({"reason": "x", "pipeline": "moon"}, "/pipeline"),
        ({"reason": "x", "expires_at": "2020-01-01T00:00Z"}, "/expires_at"),
        ({"reason": "x", "expires_at": "9999-12-31T23:59:59Z"}, "/expires_at"),
        ({"reason": "x", "until": "2040-01-01T00:00Z"}, "/until"),
    ],
)
def test_invalid_stop_is_refused(api: Api, body: dict[str, Any], pointer: str) -> None:
    api.make_project()

    assert pointers(problem_of(api.request("POST", STOPS, body), 422, "invalid")) == [pointer]
    assert api.get(STOPS)["items"] == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"ends_at": "2026-12-23T18:00"}, "/ends_at"),
        ({"ends_at": "2026-12-01T18:00"}, "/ends_at"),
        ({"ends_at": "9999-12-31T23:59:59Z"}, "/ends_at"),
        ({"timezone": "Mars/Base"}, "/timezone"),
        ({"timezone": None}, "/starts_at"),
        ({"starts_at": "2026-03-29T01:30"}, "/starts_at"),
        ({"starts_at": "soon"}, "/starts_at"),
        ({"environments": ["moon"]}, "/environments/0"),
        ({"name": ""}, "/name"),
    ],
)
def test_invalid_freeze_is_refused(api: Api, body: dict[str, Any], pointer: str) -> None:
    api.make_project()
    plain = {"name": "Christmas", "timezone": "Europe/London", "starts_at": "2026-12-23T18:00", "ends_at": "2027-01-04T08:00"}

    assert pointers(problem_of(api.request("POST", FREEZES, plain | body), 422, "invalid")) == [pointer]
    assert api.get(FREEZES)["items"] == []


def test_simulation_considers_windows_freezes_approvals_and_stops(api_on_both: Api) -> None:
    api_on_both.make_project()
    gates = [approval(2), window("09:00", "16:00", "MON", "TUE", timezone="Europe/London")]
    api_on_both.publish(pipeline(stage("Everyone", "production") | {"gates": gates}))
    api_on_both.post(FREEZES, {"name": "Move", "starts_at": "2026-03-02T00:00Z", "ends_at": "2026-03-03T12:00Z"})
    api_on_both.post(STOPS, {"reason": "incident", "environment": "production"})

    found = api_on_both.post("/projects/shop/pipelines/standard/simulate", {"starts_at": "2026-03-02T10:00Z"})

    [everyone] = found["stages"]
    assert everyone["acts_at"] == "2026-03-03T12:00:00Z"
    assert "'Move' freezes production" in everyone["note"]
    assert "It needs 2 approvals" in everyone["note"]
    assert [(each["about"], each["code"]) for each in found["obstacles"]] == [("stop", "stopped")]


def test_window_that_never_opens_is_not_published(api: Api) -> None:
    api.make_project()
    gates = [window("08:00", "09:00"), window("20:00", "21:00"), approval(), approval(3)]
    api.post("/projects/shop/pipelines", pipeline(stage("Everyone", "production") | {"gates": gates}))

    refused = problem_of(api.request("POST", "/projects/shop/pipelines/standard/publish"), 422, "publishing_refused")

    assert sorted((each["code"], each["pointer"]) for each in refused["errors"]) == [
        ("never_open", "/stages/0/gates"),
        ("two_approvals", "/stages/0/gates/3"),
    ]
