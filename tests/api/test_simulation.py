"""Simulations of pipelines, before they are published and before a flag is added."""

from typing import Any

from domain.pipelines.templates import TEMPLATES
from tests.api.answers import audit_log, pointers, problem_of
from tests.http import Api
from tests.pipelines import enable, hold, pipeline, rollout, set_value, stage, until

LAUNCH = pipeline(
    stage("Staging", "staging", actions=[{"type": "UPDATE_FEATURE_VALUE", "value_from": {"parameter": "value"}}]),
    stage("Launch", "production", actions=[rollout()]) | {"trigger": until(parameter="launch_at", timezone="Europe/Berlin")},
    hold("Watch", "2d"),
    key="launch",
    parameters={"launch_at": {"type": "datetime"}, "value": {"type": "string"}},
)
GIVEN = {"launch_at": "2026-03-29T09:00", "value": "sale"}
START = "2026-03-28T12:00:00Z"


def simulate(api: Api, key: str = "launch", **body: Any) -> Any:
    return api.post(f"/projects/shop/pipelines/{key}/simulate", body)


def codes(simulation: Any) -> list[tuple[str, str]]:
    return [(each["about"], each["code"]) for each in simulation["obstacles"]]


def test_simulation_shows_times_of_stages_and_steps_in_the_given_zone(api: Api) -> None:
    api.make_project()
    api.publish(LAUNCH)
    before = audit_log(api)

    found = simulate(api, feature="checkout", starts_at=START, parameters=GIVEN, timezone="Europe/Berlin")

    staging, launch, watch = found["stages"]
    assert staging["does"] == 'set the value "sale" for everyone'
    assert staging["acts_at"] == "2026-03-28T13:00:00+01:00"
    assert launch["acts_at"] == "2026-03-29T09:00:00+02:00"
    assert [(step["percent"], step["acts_at"]) for step in launch["steps"]] == [
        (10, "2026-03-29T09:00:00+02:00"),
        (40, "2026-03-29T15:00:00+02:00"),
        (70, "2026-03-29T21:00:00+02:00"),
        (100, "2026-03-30T03:00:00+02:00"),
    ]
    assert (watch["enters_at"], watch["acts_at"]) == ("2026-03-30T03:00:00+02:00", "2026-04-01T03:00:00+02:00")
    assert found["ends_at"] == watch["acts_at"]
    assert found["obstacles"] == []
    assert audit_log(api) == before


def test_simulation_of_a_winner_shows_its_steps_and_what_happens_with_the_control(api: Api) -> None:
    api.make_project()
    api.post("/projects/shop/pipelines", {"template": "ab-test"})

    winner = simulate(api, "ab-test", feature="checkout", starts_at=START)["stages"][-1]

    assert [(step["percent"], step["acts_at"]) for step in winner["steps"]] == [(75, "2026-03-28T12:00:00Z"), (100, "2026-03-29T12:00:00Z")]
    assert winner["does"].startswith("serve winner to 75% for everyone, then 25% more every 1 d; experiment on treatment")
    assert winner["note"].endswith("If the control is shipped, the first step ends the allocation, and no other follows.")


def test_simulation_of_a_draft_lists_all_obstacles(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development")))
    release = api.add()
    api.post("/projects/shop/pipelines", LAUNCH | {"stages": [*LAUNCH["stages"], stage("Nowhere", "moon")]})
    viewer = api.make_key("vera", {"project": "shop", "role": "viewer"})

    found = simulate(viewer, feature="checkout", parameters={"value": 5, "colour": "red"})

    assert codes(found) == [
        ("pipeline", "no_such_environment"),
        ("pipeline", "not_published"),
        ("request", "unknown_parameter"),
        ("request", "missing_parameter"),
        ("request", "parameter_type"),
        ("right", "not_allowed"),
        ("feature", "already_releasing"),
    ]
    assert release["id"] in found["obstacles"][-1]["message"]
    assert [stage["acts_at"] is None for stage in found["stages"]] == [False, True, True, True]
    assert found["ends_at"] is None


def test_simulation_from_a_stage_needs_only_the_parameters_from_there_on(api: Api) -> None:
    api.make_project()
    api.publish(LAUNCH)

    found = simulate(api, starting_stage="Watch", starts_at=START)

    assert [stage["outcome"] for stage in found["stages"]] == ["not_run", "not_run", "pending"]
    assert (found["obstacles"], found["ends_at"]) == ([], "2026-03-30T12:00:00Z")


def test_launch_time_in_the_past_acts_at_once_with_a_note(api: Api) -> None:
    api.make_project()
    api.publish(LAUNCH)

    found = simulate(api, starts_at="2026-04-01T00:00:00Z", parameters=GIVEN)
    added = api.add(pipeline="launch", parameters=GIVEN | {"launch_at": "2026-01-01T00:00"}, starting_stage="Launch")

    assert found["stages"][1]["acts_at"] == "2026-04-01T00:00:00Z"
    assert "acts at once" in found["stages"][1]["note"]
    assert found["stages"][0]["note"] is None
    assert added["parameters"] == GIVEN | {"launch_at": "2026-01-01T00:00"}


def test_value_of_the_wrong_type_is_an_obstacle(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development", actions=[set_value(5)])))

    assert codes(simulate(api, "standard", feature="checkout")) == [("feature", "value_type_wrong")]


def test_unknown_names_in_a_simulation_are_refused(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development")))
    path = "/projects/shop/pipelines/standard/simulate"

    for body, pointer in (
        ({"feature": "nothing"}, "/feature"),
        ({"starting_stage": "Nowhere"}, "/starting_stage"),
        ({"timezone": "Mars/Base"}, "/timezone"),
        ({"starts_at": "soon"}, "/starts_at"),
        ({"start": START}, "/start"),
    ):
        assert pointers(problem_of(api.request("POST", path, body), 422, "invalid")) == [pointer]


def test_parameters_are_checked_when_a_flag_is_added(api: Api) -> None:
    api.make_project()
    api.publish(LAUNCH)

    refused = api.request("POST", "/projects/shop/releases", {"feature": "checkout", "pipeline": "launch", "parameters": {"value": 5}})

    assert pointers(problem_of(refused, 422, "invalid")) == ["/parameters/launch_at", "/parameters/value"]
    assert api.get("/projects/shop/releases")["items"] == []


def test_every_template_can_be_drafted_and_published_unchanged(api: Api) -> None:
    api.make_project()
    api.post("/projects/shop/sources", {"key": "shop", "kind": "http", "address": "http://127.0.0.1:1"})
    api.post(
        "/projects/shop/metrics", {"key": "conversion", "source": "shop", "query": "/conversion", "shape": "GROUPS", "pointer": "/rows"}
    )

    for template in api.get("/templates")["items"]:
        drafted = api.post("/projects/shop/pipelines", {"template": template["key"]})
        published = api.post(f"/projects/shop/pipelines/{drafted['id']}/publish")
        assert published["warnings"] == []
        assert {field: published[field] for field in template} == template


def test_template_is_drafted_with_renamed_environments_and_segments(api: Api) -> None:
    api.make_project()

    body = {"template": "progressive-rollout", "key": "web", "name": "Web", "environments": {"staging": "development"}}
    drafted = api.post("/projects/shop/pipelines", body | {"segments": {"beta-users": "staff"}})

    assert (drafted["key"], drafted["name"]) == ("web", "Web")
    assert [stage["environment"] for stage in drafted["stages"]] == ["development", "development", "production", "production"]
    assert drafted["stages"][2]["actions"] == [enable("staff")]


def test_unknown_template_is_pointed_at(api: Api) -> None:
    api.make_project()

    for body, pointer in (
        ({"template": "moonshot"}, "/template"),
        ({"template": "segment-trial", "environments": {"moon": "staging"}}, "/environments/moon"),
        ({"template": "segment-trial", "segments": {"staff": "beta-users"}}, "/segments/staff"),
        ({"template": "segment-trial", "stages": []}, "/stages"),
    ):
        refused = problem_of(api.request("POST", "/projects/shop/pipelines", body), 422, "invalid")
        assert pointers(refused) == [pointer]


def test_template_waits_a_day_and_two_days() -> None:
    waits = [stage.trigger.model_dump(mode="json").get("duration") for stage in TEMPLATES["progressive-rollout"].stages]

    assert waits == [None, None, "P1D", "P2D"]


def test_invalid_time_of_an_earlier_stage_is_no_obstacle(api: Api) -> None:
    api.make_project()
    stages = [
        stage("A") | {"trigger": until(parameter="when")},
        stage("B", "production") | {"trigger": until(parameter="when", timezone="Europe/London")},
    ]
    api.publish(pipeline(*stages, key="both", parameters={"when": {"type": "datetime"}}))
    body: dict[str, Any] = {"starting_stage": "B", "parameters": {"when": "2027-06-01T09:00"}}

    assert simulate(api, "both", **body)["stages"][1]["acts_at"] == "2027-06-01T08:00:00Z"
    assert api.add(pipeline="both", **body)["stages"][0]["acts_at"] is None


def test_simulation_too_far_from_now_is_refused(api: Api) -> None:
    api.make_project()
    api.publish(LAUNCH)
    path = "/projects/shop/pipelines/launch/simulate"

    for starts_at in ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"):
        refused = api.request("POST", path, {"starts_at": starts_at, "timezone": "America/New_York"})
        assert pointers(problem_of(refused, 422, "invalid")) == ["/starts_at"]


def test_mistake_of_a_whole_trigger_or_action_is_pointed_at(api: Api) -> None:
    api.make_project()
    wrong = pipeline(stage("A", actions=[{"type": "UPDATE_FEATURE_VALUE"}]) | {"trigger": {"type": "WAIT_UNTIL"}})

    refused = problem_of(api.request("POST", "/projects/shop/pipelines", wrong), 422, "invalid")

    assert pointers(refused) == ["/stages/0/trigger", "/stages/0/actions/0"]
