"""OFREP 0.3.0. Every response is validated against the specification."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.api.evaluation.applications import Application, application, change, keys_of, soon
from tests.api.evaluation.protocol import failure, success, validate
from tests.http import Api

ADA = {"targetingKey": "ada"}
BETA = ADA | {"group": "beta-users"}


@pytest.fixture
def shop(api: Api) -> Api:
    """A project with a feature of each type, all enabled in production."""
    api.make_project()
    for key, default in (("dark-mode", None), ("limit", 5), ("strict", True)):
        api.post("/projects/shop/features", {"key": key, "default": {"enabled": True, "value": default}})
    change(api, {"enabled": True})
    return api


def flags_of(app: Application, context: dict[str, Any]) -> dict[str, Any]:
    """Return flag key -> its bulk evaluation."""
    answer = success(app.evaluate(context), "bulkEvaluationSuccess")
    return {flag["key"]: flag for flag in answer["flags"]}


def test_the_type_of_a_feature_decides_what_its_flag_is(shop: Api) -> None:
    app = application(shop)

    flags = flags_of(app, ADA)

    assert {key: flag["value"] for key, flag in flags.items()} == {"checkout": "classic", "dark-mode": True, "limit": 5, "strict": True}
    assert {flag["reason"] for flag in flags.values()} == {"STATIC"}
    assert {flag["variant"] for flag in flags.values()} == {"default"}
    for key, flag in flags.items():
        assert success(app.evaluate(ADA, key), "serverEvaluationSuccess") == flag


def test_a_disabled_flag_has_no_value_unless_it_is_a_toggle(shop: Api) -> None:
    app = application(shop)
    for feature in ("checkout", "dark-mode", "limit", "strict"):
        change(shop, {"enabled": False}, feature)

    soon("all disabled", lambda: flags_of(app, ADA)["strict"]["reason"] == "DISABLED")
    flags = flags_of(app, ADA)

    assert flags.pop("dark-mode") == {"key": "dark-mode", "value": False, "reason": "STATIC", "variant": "default"}
    assert [(flag["reason"], flag["variant"], "value" in flag) for flag in flags.values()] == [("DISABLED", "disabled", False)] * 3


def test_a_flag_without_a_value_uses_the_code_default(shop: Api) -> None:
    app = application(shop)
    change(shop, {"value": None}, "limit")

    soon("no value", lambda: "value" not in flags_of(app, ADA)["limit"])

    assert flags_of(app, ADA)["limit"] == {"key": "limit", "reason": "STATIC", "variant": "default"}


def test_an_override_is_a_targeting_match_and_a_rollout_is_a_split(shop: Api) -> None:
    app = application(shop)
    change(shop, {"rollout": {"percent": 50, "value": "new"}, "overrides": {"beta-users": {"value": "beta"}}})

    soon("the override", lambda: flags_of(app, BETA)["checkout"]["value"] == "beta")

    assert flags_of(app, BETA)["checkout"] == {"key": "checkout", "value": "beta", "reason": "TARGETING_MATCH", "variant": "beta-users"}
    everyone = [flags_of(app, {"targetingKey": f"user-{number}"})["checkout"] for number in range(40)]
    assert {flag["reason"] for flag in everyone} == {"SPLIT"}
    assert {(flag["variant"], flag["value"]) for flag in everyone} == {("rollout", "new"), ("default", "classic")}


def test_bulk_evaluation_is_not_modified_until_something_changes(shop: Api) -> None:
    app = application(shop)
    first = app.evaluate(ADA)
    etag = first.headers["etag"]

    again = app.evaluate(ADA, **{"If-None-Match": etag})
    weak = app.evaluate(ADA, **{"If-None-Match": f'"other", W/{etag}'})
    somebody_else = app.evaluate(BETA, **{"If-None-Match": etag})
    change(shop, {"value": "new"})

    assert [(each.status_code, each.content, each.headers["etag"]) for each in (again, weak)] == [(304, b"", etag)] * 2
    assert somebody_else.status_code == 200
    soon("the change", lambda: app.evaluate(ADA, **{"If-None-Match": etag}).status_code == 200)


def test_bulk_evaluation_names_the_event_stream(shop: Api) -> None:
    answer = success(application(shop).evaluate(ADA), "bulkEvaluationSuccess")

    [stream] = answer["eventStreams"]
    assert (stream["type"], stream["endpoint"]["requestUri"].rpartition("/")[0]) == ("sse", "/ofrep/v1/streams")
    assert not set(keys_of(shop)) & set(stream["endpoint"]["requestUri"].split("/"))
    assert answer["metadata"]["environment"] == "production"


def test_both_keys_and_both_headers_are_accepted(shop: Api) -> None:
    client_key, server_key = keys_of(shop)

    for key in (client_key, server_key):
        assert Application(shop, key).evaluate(ADA).status_code == 200
        assert Application(shop, key).ofrep({"context": ADA}, **{"X-API-Key": key}).status_code == 200


@pytest.mark.parametrize("key", ["", "wrong", "ser.wrong", "fh_the_bootstrap_key_of_the_tests", "x" * 5_000, "a%00b", "é"])
@pytest.mark.parametrize("flag", ["", "checkout"])
def test_a_wrong_key_is_rejected(api: Api, key: str, flag: str) -> None:
    api.make_project()
    headers: dict[bytes, bytes] = {b"Authorization": f"Bearer {key}".strip().encode()}
    nobody = Application(api, key)
    path = f"{nobody.address}/ofrep/v1/evaluate/flags/{flag}".rstrip("/")

    answer = nobody.client.post(path, json={"context": ADA}, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "classic" not in answer.text


@pytest.mark.parametrize("flag", ["no-such-flag", "Checkout", "%00", "x" * 300, "%F0%9F%9A%80"])
def test_an_unknown_flag_is_not_found(shop: Api, flag: str) -> None:
    failure(application(shop).evaluate(ADA, flag), 404, "FLAG_NOT_FOUND", "flagNotFound")


BAD = [
    (b"", "PARSE_ERROR"),
    (b"{", "PARSE_ERROR"),
    (b"\xff\xfe", "PARSE_ERROR"),
    (b"[" * 100_000, "PARSE_ERROR"),
    (b"null", "INVALID_CONTEXT"),
    (b"[]", "INVALID_CONTEXT"),
    (b"{}", "INVALID_CONTEXT"),
    (b'{"context": null}', "INVALID_CONTEXT"),
    (b'{"context": "ada"}', "INVALID_CONTEXT"),
    (b'{"context": {"targetingKey": 5}}', "INVALID_CONTEXT"),
    (b'{"context": {"targetingKey": "\\ud800"}}', "INVALID_CONTEXT"),
    (b'{"context": {"targetingKey": "\\u0000"}}', "INVALID_CONTEXT"),
    (b'{"context": {"targetingKey": "%s"}}' % (b"x" * 301), "INVALID_CONTEXT"),
    (b'{"context": {"targetingKey": "ada", "n": 1e999}}', "INVALID_CONTEXT"),
    (b'{"context": {"targetingKey": "ada", "n": NaN}}', "INVALID_CONTEXT"),
    (b'{"context": {"targetingKey": "ada", "n": %s}}' % (b"9" * 400), "INVALID_CONTEXT"),
    (b'{"context": {"targetingKey": "ada", "n": %s}}' % (b"9" * 5_000), "PARSE_ERROR"),
    (b'{"context": {"targetingKey": "ada", "n": "%s"}}' % (b"9" * 400), "INVALID_CONTEXT"),
    (b'{"context": {"targetingKey": "ada", "n": "%s"}}' % (b"x" * 2_001), "INVALID_CONTEXT"),
    (b'{"context": {"targetingKey": "ada", %s}}' % b", ".join(b'"t%d": 1' % n for n in range(101)), "INVALID_CONTEXT"),
]


@pytest.mark.parametrize("flag", ["", "/checkout"])
def test_each_kind_of_bad_input_has_its_error_code(shop: Api, flag: str) -> None:
    app = application(shop)
    headers = {"Authorization": f"Bearer {app.key}", "Content-Type": "application/json"}

    for body, code in BAD:
        answer = app.client.post(f"{app.address}/ofrep/v1/evaluate/flags{flag}", content=body, headers=headers)
        failure(answer, 400, code, "evaluationFailure" if flag else "bulkEvaluationFailure")


RULES_THAT_READ_THE_IDENTIFIER = [
    {"type": "ALL", "conditions": [{"operator": "PERCENTAGE_SPLIT", "value": "50"}]},
    {"type": "ALL", "conditions": [{"property": "$.identity.identifier", "operator": "EQUAL", "value": "ada"}]},
    {"type": "ANY", "rules": [{"type": "NONE", "conditions": [{"property": "$.identity.key", "operator": "IS_SET"}]}]},
]


def test_without_a_targeting_key_a_flag_that_is_the_same_for_everyone_has_its_value(shop: Api) -> None:
    app = application(shop)

    for context in ({}, {"targetingKey": None}, {"targetingKey": ""}, {"plan": "pro"}):
        flags = flags_of(app, context)
        assert {key: flag["value"] for key, flag in flags.items()} == {"checkout": "classic", "dark-mode": True, "limit": 5, "strict": True}
        assert {flag["reason"] for flag in flags.values()} == {"STATIC"}
        assert success(app.evaluate(context, "dark-mode"), "serverEvaluationSuccess") == flags["dark-mode"]


def test_without_a_targeting_key_the_traits_decide_about_a_segment(shop: Api) -> None:
    by_trait = {"type": "ALL", "conditions": [{"property": "plan", "operator": "PERCENTAGE_SPLIT", "value": "100"}]}
    shop.post("/projects/shop/segments", {"key": "plans", "rules": [by_trait]})
    change(shop, {"overrides": {"beta-users": {"value": "beta"}}})
    change(shop, {"overrides": {"plans": {"value": 7}}}, "limit")
    app = application(shop)

    inside, outside = flags_of(app, {"group": "beta-users", "plan": "pro"}), flags_of(app, {})

    assert [(flag["value"], flag["reason"]) for flag in (inside["checkout"], inside["limit"])] == [
        ("beta", "TARGETING_MATCH"),
        (7, "TARGETING_MATCH"),
    ]
    assert [(flag["value"], flag["reason"]) for flag in (outside["checkout"], outside["limit"])] == [("classic", "STATIC"), (5, "STATIC")]


@pytest.mark.parametrize("rule", [None, *RULES_THAT_READ_THE_IDENTIFIER])
def test_without_a_targeting_key_only_a_flag_that_depends_on_it_has_an_error(shop: Api, rule: dict[str, Any] | None) -> None:
    if rule:
        shop.post("/projects/shop/segments", {"key": "some", "rules": [rule]})
        change(shop, {"overrides": {"some": {"value": 7}}}, "limit")
    else:
        change(shop, {"rollout": {"percent": 99.99, "value": 7}}, "limit")
    app = application(shop)

    single = failure(app.evaluate({}, "limit"), 400, "TARGETING_KEY_MISSING", "evaluationFailure")
    answer = app.evaluate({"plan": "pro"})

    assert answer.status_code == 200
    validate("bulkEvaluationSuccess", answer.json())
    flags = {flag["key"]: flag for flag in answer.json()["flags"]}
    assert list(flags) == ["checkout", "dark-mode", "limit", "strict"]
    assert flags.pop("limit") == single
    assert {flag["reason"] for flag in flags.values()} == {"STATIC"}
    assert success(app.evaluate(ADA, "limit"), "serverEvaluationSuccess")["value"] in (5, 7)


def test_a_body_that_is_too_large_is_refused(shop: Api) -> None:
    answer = application(shop).evaluate(ADA | {"padding": "x" * 300_000})

    assert answer.status_code == 413


def test_structured_context_fields_are_ignored(shop: Api) -> None:
    change(shop, {"overrides": {"beta-users": {"value": "beta"}}})
    app = application(shop)
    context = BETA | {"nested": {"group": "staff"}, "list": [1], "nothing": None}

    soon("the override", lambda: flags_of(app, context)["checkout"]["value"] == "beta")


def test_a_client_gets_at_least_the_announced_version(shop: Api) -> None:
    app = application(shop)
    version = int(success(app.evaluate(ADA), "bulkEvaluationSuccess")["metadata"]["version"])
    change(shop, {"value": "new"})

    for told in ({"flagConfigEtag": str(version + 1)}, {"flagConfigLastModified": str(version // 1_000_000 + 3_600)}):
        answer = app.ofrep({"context": ADA}, f"?{urlencode(told)}", **{"X-API-Key": app.key})
        flags = {flag["key"]: flag["value"] for flag in success(answer, "bulkEvaluationSuccess")["flags"]}
        assert flags["checkout"] == "new"
    for nonsense in ({"flagConfigEtag": "x" * 50}, {"flagConfigEtag": "9" * 20}, {"flagConfigLastModified": "2026-02-20T21:28:18Z"}):
        assert app.ofrep({"context": ADA}, f"?{urlencode(nonsense)}", **{"X-API-Key": app.key}).status_code == 200
