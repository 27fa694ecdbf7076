"""Unknown names: every message suggests the closest known one."""

from typing import Any

import pytest

from tests.api.answers import problem_of
from tests.http import Api
from tests.pipelines import enable, pipeline, set_value, stage

PIPELINES = "/projects/shop/pipelines"


def _stage(**fields: Any) -> dict[str, Any]:
    return pipeline(stage("Development") | fields, key="new")


def _segment(**condition: Any) -> dict[str, Any]:
    return {"key": "s", "rules": [{"type": "ALL", "conditions": [{"property": "plan", "operator": "EQUAL", "value": "pro"} | condition]}]}


UNKNOWN_FIELDS: list[tuple[str, str, Any, str, str]] = [
    ("POST", "/projects", {"key": "a", "nmae": "A"}, "/nmae", "name"),
    ("POST", f"{PIPELINES}/standard/simulate", {"start": "2026-01-01T00:00:00Z"}, "/start", "starts_at"),
    ("POST", f"{PIPELINES}/standard/simulate", {"start_at": "2026-01-01T00:00:00Z"}, "/start_at", "starts_at"),
    ("POST", f"{PIPELINES}/standard/clone", {"Key": "copy"}, "/Key", "key"),
    ("POST", PIPELINES, pipeline(stage("Development"), onConflict="block"), "/onConflict", "on_conflict"),
    ("POST", PIPELINES, _stage(enviroment="development"), "/stages/0/enviroment", "environment"),
    ("POST", PIPELINES, _stage(trigger={"type": "WAIT_FOR", "duraton": "1h"}), "/stages/0/trigger/duraton", "duration"),
    ("POST", PIPELINES, _stage(trigger={"typ": "WAIT_FOR"}), "/stages/0/trigger", "type"),
    ("POST", PIPELINES, _stage(actions=[enable("staff") | {"enable": True}]), "/stages/0/actions/0/enable", "enabled"),
    ("POST", PIPELINES, _stage(actions=[set_value(1) | {"override": "remove"}]), "/stages/0/actions/0/override", "overrides"),
    ("POST", PIPELINES, _stage(gates=[{"type": "APPROVAL", "approval": 2}]), "/stages/0/gates/0/approval", "approvals"),
    ("POST", PIPELINES, {"template": "scheduled-launch", "environment": {}}, "/environment", "environments"),
    ("POST", PIPELINES, pipeline(parameters={"at": {"type": "string", "defalt": "x"}}), "/parameters/at/defalt", "default"),
    ("PUT", f"{PIPELINES}/standard", _stage(action=[]), "/stages/0/action", "actions"),
    ("POST", "/projects/shop/features", {"key": "f", "default": {"enable": True}}, "/default/enable", "enabled"),
    ("PATCH", "/projects/shop/environments/production/features/checkout", {"roll_out": None}, "/roll_out", "rollout"),
    (
        "PATCH",
        "/projects/shop/environments/production/features/checkout",
        {"overrides": {"staff": {"prioritiy": 1}}},
        "/overrides/staff/prioritiy",
        "priority",
    ),
    ("POST", "/projects/shop/segments", _segment(operater="IN"), "/rules/0/conditions/0/operater", "operator"),
    ("POST", "/projects/shop/releases", {"pipelin": "standard"}, "/pipelin", "pipeline"),
    ("POST", "/projects/shop/releases/r/restart", {"stage": "One", "expected_stages": "Two"}, "/expected_stages", "expected_stage"),
    ("POST", "/keys", {"grants": [{"role": "viewer", "projekt": "shop"}]}, "/grants/0/projekt", "project"),
]


@pytest.fixture
def shop(api: Api) -> Api:
    api.make_project()
    api.publish(pipeline(stage("Development"), stage("Everyone", "production"), parameters={"launch_at": {"type": "datetime"}}))
    return api


def messages(api: Api, method: str, path: str, body: Any = None) -> dict[str, str]:
    answer = api.request(method, path, body)
    return {each["pointer"]: each["message"] for each in problem_of(answer, answer.status_code, answer.json()["code"])["errors"]}


def test_unknown_fields_suggest_the_closest_field_at_every_depth(shop: Api) -> None:
    for method, path, body, pointer, suggested in UNKNOWN_FIELDS:
        unknown = "typ" if pointer.endswith("/trigger") else pointer.rpartition("/")[2]
        assert messages(shop, method, path, body)[pointer] == f"Unknown field '{unknown}'. Did you mean '{suggested}'?"


def test_unknown_field_without_a_close_match_lists_the_known_fields(shop: Api) -> None:
    found = messages(shop, "PATCH", "/projects/shop/environments/production/features/checkout", {"surprise": 1})

    assert found == {"/surprise": "Unknown field 'surprise'. Known fields: allocation, enabled, overrides, rollout, value."}


def test_unknown_query_parameters_suggest_the_closest_parameter(shop: Api) -> None:
    assert messages(shop, "GET", "/projects/shop/releases?limt=5&xyz=1") == {
        "/limt": "Unknown query parameter 'limt'. Did you mean 'limit'?",
        "/xyz": "Unknown query parameter 'xyz'. Known query parameters: added_by, cursor, environment, feature, limit, pipeline, since, "
        "stage, status, until.",
    }
    assert messages(shop, "GET", "/whoami?key=1") == {"/key": "Unknown query parameter 'key'. Known query parameters: none."}


UNKNOWN_VALUES: list[tuple[str, str, Any, str, str]] = [
    (
        "POST",
        PIPELINES,
        _stage(trigger={"type": "WAITFOR", "duration": "1h"}),
        "/stages/0/trigger",
        "Unknown type 'WAITFOR'. Did you mean 'WAIT_FOR'?",
    ),
    (
        "POST",
        PIPELINES,
        _stage(trigger={"type": "wait_until"}),
        "/stages/0/trigger",
        "Unknown type 'wait_until'. Did you mean 'WAIT_UNTIL'?",
    ),
    ("POST", PIPELINES, _stage(actions=[{"type": "TOGGLE"}]), "/stages/0/actions/0", "Unknown type 'TOGGLE'."),
    ("POST", PIPELINES, pipeline(on_conflict="overwritten"), "/on_conflict", "Unknown value 'overwritten'. Did you mean 'overwrite'?"),
    (
        "POST",
        "/projects/shop/segments",
        _segment(operator="equals"),
        "/rules/0/conditions/0/operator",
        "Unknown value 'equals'. Did you mean 'EQUAL'?",
    ),
    ("POST", "/projects/shop/features", {"key": "f", "type": "int"}, "/type", "Unknown value 'int'. Did you mean 'integer'?"),
    ("GET", "/projects/shop/releases?status=complete", None, "/status", "Unknown value 'complete'. Did you mean 'completed'?"),
    ("GET", "/projects/shop/audit?event=release.add", None, "/event", "Unknown value 'release.add'. Did you mean 'release.added'?"),
    (
        "POST",
        "/projects/shop/environments/production/keys/clients/rotate",
        None,
        "/kind",
        "Unknown value 'clients'. Did you mean 'client'?",
    ),
]


def test_unknown_values_suggest_the_closest_value(shop: Api) -> None:
    for method, path, body, pointer, start in UNKNOWN_VALUES:
        assert messages(shop, method, path, body)[pointer].startswith(start)


FREEZE = {"name": "f", "environments": ["prod"], "starts_at": "2030-01-01T00:00Z", "ends_at": "2030-01-02T00:00Z"}
KEY = {
    "name": "n",
    "owner": {"kind": "person", "name": "p"},
    "grants": [{"project": "shop", "role": "operator", "environments": ["prod"]}],
}
UNKNOWN_NAMES: list[tuple[str, str, Any, str]] = [
    ("POST", "/projects/shop/releases", {"pipeline": "standart", "feature": "checkout"}, "standard"),
    ("POST", "/projects/shop/releases", {"pipeline": "standard", "feature": "chekout"}, "checkout"),
    ("POST", "/projects/shop/releases", {"pipeline": "standard", "feature": "checkout", "starting_stage": "Everybody"}, "Everyone"),
    (
        "POST",
        "/projects/shop/releases",
        {"pipeline": "standard", "feature": "checkout", "parameters": {"launch": "2030-01-01T00:00:00Z"}},
        "launch_at",
    ),
    ("POST", f"{PIPELINES}/standard/simulate", {"feature": "check-out"}, "checkout"),
    ("POST", PIPELINES, {"template": "progresive-rollout"}, "progressive-rollout"),
    ("POST", PIPELINES, {"template": "progressive-rollout", "environments": {"prod": "production"}}, "production"),
    ("PATCH", "/projects/shop/environments/production/features/checkout", {"overrides": {"stuff": {"enabled": True}}}, "staff"),
    ("POST", "/projects/shop/freezes", FREEZE, "production"),
    ("POST", "/projects/shop/stops", {"reason": "r", "environment": "productoin"}, "production"),
    ("POST", "/projects/shop/stops", {"reason": "r", "pipeline": "standrd"}, "standard"),
    ("POST", "/keys", KEY, "production"),
]


def test_unknown_names_suggest_the_closest_name(shop: Api) -> None:
    for method, path, body, suggested in UNKNOWN_NAMES:
        assert [each for each in messages(shop, method, path, body).values() if f"Did you mean '{suggested}'?" in each], (path, body)


def test_names_in_paths_suggest_the_closest_name(shop: Api) -> None:
    for path, suggested in (
        ("/projects/shop/features/chekout", "checkout"),
        ("/projects/shop/segments/stuff", "staff"),
        ("/projects/shop/environments/prod", "production"),
        (f"{PIPELINES}/standart", "standard"),
    ):
        assert f"Did you mean '{suggested}'?" in shop.request("GET", path).json()["detail"]


def test_projects_that_the_key_may_not_see_are_not_suggested(shop: Api) -> None:
    shop.post("/projects", {"key": "secret-project"})
    viewer = shop.make_key("vera", {"project": "shop", "role": "viewer"})

    for path in ("/projects/secret-projects", "/projects/shops"):
        assert "Did you mean" not in viewer.request("GET", path).json()["detail"]


def test_publishing_suggests_environments_segments_and_parameters(shop: Api) -> None:
    launch = {"type": "WAIT_UNTIL", "at_from": {"parameter": "launch"}}
    stages = [stage("One", "developmnt", actions=[enable("stuff")]), stage("Two", "production") | {"trigger": launch}]
    draft = shop.post(PIPELINES, pipeline(*stages, key="new", parameters={"launch_at": {"type": "datetime"}}))

    found = messages(shop, "POST", f"{PIPELINES}/{draft['id']}/publish")

    for pointer, suggested in (
        ("/stages/0/environment", "development"),
        ("/stages/0/actions/0/segment", "staff"),
        ("/stages/1/trigger/at_from/parameter", "launch_at"),
    ):
        assert f"Did you mean '{suggested}'?" in found[pointer]


def test_restarting_and_rolling_back_suggest_the_closest_stage(shop: Api) -> None:
    release = shop.add()

    found = messages(shop, "POST", f"/projects/shop/releases/{release['id']}/restart", {"stage": "Develop"})

    assert "Did you mean 'Development'?" in found["/stage"]
