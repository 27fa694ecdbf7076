"""Invalid fields: each is pointed at, and nothing changes."""

from typing import Any

from tests.api.answers import audit_log, pointers, problem_of
from tests.http import Api
from tests.pipelines import enable, pipeline, set_value, stage

FLAG = "PATCH /projects/shop/environments/production/features/checkout"
LONG = "x" * 121


def _rule(**condition: Any) -> dict[str, Any]:
    return {"key": "s", "rules": [{"type": "ALL", "conditions": [{"property": "plan", "operator": "EQUAL", "value": "pro"} | condition]}]}


def _grant(**grant: Any) -> dict[str, Any]:
    return {"name": "n", "owner": {"kind": "person", "name": "p"}, "grants": [{"project": "shop", "role": "viewer"} | grant]}


def _one_stage(**fields: Any) -> dict[str, Any]:
    return pipeline(stage("Development") | fields)


def _nested(depth: int) -> dict[str, Any]:
    rule: dict[str, Any] = {"type": "ALL"}
    for _ in range(depth - 1):
        rule = {"type": "ALL", "rules": [rule]}
    return {"key": "s", "rules": [rule]}


WRONG: list[tuple[str, Any, str]] = [
    ("POST /projects", {}, "/key"),
    ("POST /projects", {"key": 5}, "/key"),
    ("POST /projects", {"key": "Upper"}, "/key"),
    ("POST /projects", {"key": "with space"}, "/key"),
    ("POST /projects", {"key": "new\n"}, "/key"),
    ("POST /projects", {"key": ""}, "/key"),
    ("POST /projects", {"key": "x" * 65}, "/key"),
    ("POST /projects", {"key": "a", "name": ""}, "/name"),
    ("POST /projects", {"key": "a", "name": "   "}, "/name"),
    ("POST /projects", {"key": "a", "name": LONG}, "/name"),
    ("POST /projects", {"key": "a", "name": "a\u0000b"}, "/name"),
    ("POST /projects", {"key": "a", "name": "a\u001b[31mb"}, "/name"),
    ("PATCH /projects/shop", {}, "/name"),
    ("PATCH /projects/shop", {"name": None}, "/name"),
    ("PATCH /projects/shop", {"key": "other"}, "/name /key"),
    ("POST /projects/shop/features", {"key": "f", "type": "float"}, "/type"),
    ("POST /projects/shop/features", {"key": "f", "description": "x" * 2_001}, "/description"),
    ("POST /projects/shop/features", {"key": "f", "default": None}, "/default"),
    ("POST /projects/shop/features", {"key": "f", "default": {"enabled": "true"}}, "/default/enabled"),
    ("POST /projects/shop/features", {"key": "f", "default": {"enabled": 1}}, "/default/enabled"),
    ("POST /projects/shop/features", {"key": "f", "default": {"value": 1.5}}, "/default/value"),
    ("POST /projects/shop/features", {"key": "f", "default": {"value": 2**53}}, "/default/value"),
    ("POST /projects/shop/features", {"key": "f", "default": {"value": "x" * 20_001}}, "/default/value"),
    ("POST /projects/shop/features", {"key": "f", "default": {"value": {"a": 1}}}, "/default/value"),
    ("PATCH /projects/shop/features/checkout", {"type": "toggle"}, "/type"),
    (FLAG, {}, ""),
    (FLAG, {"enabled": "true"}, "/enabled"),
    (FLAG, {"enabled": 0}, "/enabled"),
    (FLAG, {"enabled": None}, "/enabled"),
    (FLAG, {"value": "a\u0000b"}, "/value"),
    (FLAG, {"overrides": None}, "/overrides"),
    (FLAG, {"overrides": []}, "/overrides"),
    (FLAG, {"overrides": "keep"}, "/overrides"),
    (FLAG, {"overrides": {"Bad Key": None}}, "/overrides/Bad Key"),
    (FLAG, {"overrides": {"staff": {"enabled": "yes"}}}, "/overrides/staff/enabled"),
    (FLAG, {"overrides": {"staff": {"surprise": 1}}}, "/overrides/staff/surprise"),
    (FLAG, {"overrides": {"segments": {"enabled": 1}}}, "/overrides/segments/enabled"),
    (FLAG, {"overrides": {"staff": {"priority": "1"}}}, "/overrides/staff/priority"),
    (FLAG, {"overrides": {"staff": {"priority": -1}}}, "/overrides/staff/priority"),
    (FLAG, {"overrides": {"staff": {"priority": 10**30}}}, "/overrides/staff/priority"),
    (FLAG, {"overrides": {"staff": {"enabled": True, "inherits": ["enabled"]}}}, "/overrides/staff"),
    (FLAG, {"overrides": {f"s{number}": None for number in range(101)}}, "/overrides"),
    ("POST /projects/shop/segments", _rule(operator="LIKE"), "/rules/0/conditions/0/operator"),
    ("POST /projects/shop/segments", _rule(value="x\u0000"), "/rules/0/conditions/0/value"),
    ("POST /projects/shop/segments", _rule(value="x" * 1_001), "/rules/0/conditions/0/value"),
    ("POST /projects/shop/segments", _rule(value=None), "/rules/0/conditions/0"),
    ("POST /projects/shop/segments", _rule(operator="PERCENTAGE_SPLIT", value="101"), "/rules/0/conditions/0"),
    ("POST /projects/shop/segments", _nested(5), "/rules"),
    ("POST /projects/shop/segments", {"key": "s", "rules": [{"type": "SOME"}]}, "/rules/0/type"),
    ("POST /projects/shop/segments", {"key": "s", "rules": [{"type": "ALL"}] * 51}, "/rules"),
    ("POST /projects/shop/pipelines", pipeline(*[stage(f"S{number}") for number in range(31)]), "/stages"),
    ("POST /projects/shop/pipelines", _one_stage(environment="No"), "/stages/0/environment"),
    ("POST /projects/shop/pipelines", _one_stage(name=LONG), "/stages/0/name"),
    ("POST /projects/shop/pipelines", _one_stage(name="a\nb"), "/stages/0/name"),
    ("POST /projects/shop/pipelines", _one_stage(trigger=None), "/stages/0/trigger"),
    ("POST /projects/shop/pipelines", _one_stage(trigger={"duration": "1h"}), "/stages/0/trigger"),
    ("POST /projects/shop/pipelines", _one_stage(trigger={"type": "NEVER"}), "/stages/0/trigger"),
    ("POST /projects/shop/pipelines", _one_stage(trigger={"type": "WAIT_FOR"}), "/stages/0/trigger/duration"),
    ("POST /projects/shop/pipelines", _one_stage(trigger={"type": "WAIT_FOR", "duration": "soon"}), "/stages/0/trigger/duration"),
    ("POST /projects/shop/pipelines", _one_stage(trigger={"type": "WAIT_FOR", "duration": 60}), "/stages/0/trigger/duration"),
    ("POST /projects/shop/pipelines", _one_stage(trigger={"type": "WAIT_FOR", "duration": "367d"}), "/stages/0/trigger/duration"),
    (
        "POST /projects/shop/pipelines",
        _one_stage(trigger={"type": "WAIT_FOR", "WAIT_FOR": 1}),
        "/stages/0/trigger/duration /stages/0/trigger/WAIT_FOR",
    ),
    ("POST /projects/shop/pipelines", _one_stage(actions=[enable() | {"enabled": "on"}]), "/stages/0/actions/0/enabled"),
    ("POST /projects/shop/pipelines", _one_stage(actions=[enable(), enable("staff") | {"segment": 5}]), "/stages/0/actions/1/segment"),
    ("POST /projects/shop/pipelines", _one_stage(actions=[enable() | {"overrides": "maybe"}]), "/stages/0/actions/0/overrides"),
    ("POST /projects/shop/pipelines", _one_stage(actions=[set_value(0.5)]), "/stages/0/actions/0/value"),
    ("POST /projects/shop/pipelines", _one_stage(actions=[enable()] * 21), "/stages/0/actions"),
    ("POST /projects/shop/pipelines", pipeline(on_conflict="ask"), "/on_conflict"),
    ("POST /projects/shop/releases", {"pipeline": "standing"}, "/feature"),
    ("POST /projects/shop/releases", {"pipeline": "nowhere", "feature": "checkout"}, "/pipeline"),
    ("POST /projects/shop/releases", {"pipeline": "standing", "feature": "nothing"}, "/feature"),
    ("POST /projects/shop/releases", {"pipeline": "standing", "feature": "checkout", "starting_stage": "Moon"}, "/starting_stage"),
    ("POST /projects/shop/releases", {"pipeline": "standing", "feature": "checkout", "on_conflict": "ask"}, "/on_conflict"),
    ("POST /keys", _grant(role="king"), "/grants/0/role"),
    ("POST /keys", _grant(role="operator"), "/grants/0"),
    ("POST /keys", _grant(role="owner"), "/grants/0"),
    ("POST /keys", _grant(project="nowhere"), "/grants/0/project"),
    ("POST /keys", _grant(role="operator", environments=["production", "moon"]), "/grants/0/environments/1"),
    ("POST /keys", _grant() | {"grants": []}, "/grants"),
    ("POST /keys", _grant() | {"owner": {"kind": "robot", "name": "r"}}, "/owner/kind"),
    ("POST /keys", _grant() | {"owner": {"kind": "person"}}, "/owner/name"),
    ("POST /keys", _grant() | {"secret": "fh_mine"}, "/secret"),
]


def test_invalid_field_is_pointed_at_and_changes_nothing(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development"), key="standing"))
    before, projects, keys = audit_log(api), api.get("/projects"), api.get("/keys")

    found = {}
    for route, body, at in WRONG:
        method, path = route.split()
        answer = api.request(method, path, body)
        places = pointers(problem_of(answer, 422, "invalid"))
        if places != _split(at):
            found[f"{route} {str(body)[:150]}"] = places

    assert found == {}
    assert (audit_log(api), api.get("/projects"), api.get("/keys")) == (before, projects, keys)


def _split(at: str) -> list[str]:
    first, *others = at.split(" /")
    return [first, *(f"/{other}" for other in others)]


CONTROLS: list[tuple[str, Any, str]] = [
    ("retry", {"overwrite": "true"}, "/overwrite"),
    ("retry", {"overwrite": 1}, "/overwrite"),
    ("retry", {"expected_visit": "1"}, "/expected_visit"),
    ("retry", {"expected_visit": 1.5}, "/expected_visit"),
    ("advance", {"expected_step": "2"}, "/expected_step"),
    ("retry", {"reason": "x" * 501}, "/reason"),
    ("remove", {"overwrite": True}, "/overwrite"),
    ("remove", {"expected_stage": ""}, "/expected_stage"),
    ("remove", {"reason": "a\u0000b"}, "/reason"),
    ("remove", {"expected_visit": True}, "/expected_visit"),
]


def test_invalid_field_of_a_control_is_pointed_at_and_changes_nothing(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development")))
    release = api.add()

    for control, body, at in CONTROLS:
        answer = api.request("POST", f"/projects/shop/releases/{release['id']}/{control}", body)
        assert pointers(problem_of(answer, 422, "invalid")) == [at]

    assert api.release(release["id"])["status"] == "starting"
