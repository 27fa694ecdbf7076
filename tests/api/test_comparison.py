"""Two environments compared over HTTP."""

from typing import Any

import pytest

from tests.api.answers import audit_log, problem_of
from tests.http import Api

COMPARED = "/projects/shop/environments/development/compare/production"
FLAG = "/projects/shop/environments/{environment}/features/{feature}"


def _change(api: Api, environment: str, feature: str = "checkout", **patch: Any) -> None:
    api.patch(FLAG.format(environment=environment, feature=feature), patch)


def _differences(api: Api, feature: str = "checkout") -> Any:
    return {each["key"]: each["differences"] for each in api.get(COMPARED)["items"]}.get(feature, [])


def test_environments_in_which_all_flags_have_the_same_state_have_no_difference(api: Api) -> None:
    api.make_project()
    _change(api, "development", overrides={"staff": {"value": "a"}})
    _change(api, "production", overrides={"staff": {"value": "a"}})
    _change(api, "staging", enabled=True)

    assert api.get(COMPARED) == {"items": [], "next": None}


def test_each_field_that_differs_has_both_values(api: Api) -> None:
    api.make_project()
    _change(api, "development", enabled=True, overrides={"beta-users": {"enabled": True}, "staff": {"value": "a", "priority": 7}})
    _change(api, "production", rollout={"percent": 12.5, "value": "new"}, overrides={"staff": {"value": "a", "priority": 3}})

    assert api.get(COMPARED)["items"] == [
        {
            "key": "checkout",
            "name": "checkout",
            "differences": [
                {"field": "enabled", "left": True, "right": False},
                {"field": "rollout", "left": None, "right": {"percent": 12.5, "value": "new"}},
                {"field": "overrides/beta-users", "left": {"enabled": True, "inherits": ["value"], "priority": 0}, "right": None},
                {
                    "field": "overrides/staff",
                    "left": {"value": "a", "inherits": ["enabled"], "priority": 7},
                    "right": {"value": "a", "inherits": ["enabled"], "priority": 3},
                },
            ],
        }
    ]


@pytest.mark.parametrize(("before", "after"), [("1", "one"), (0, 50), (False, True), ("", None), (1, None)])
def test_values_keep_their_type(api: Api, before: Any, after: Any) -> None:
    api.make_project()
    api.post("/projects/shop/features", {"key": "typed", "default": {"value": before}})
    _change(api, "production", "typed", value=after)

    assert _differences(api, "typed") == [{"field": "value", "left": before, "right": after}]


def test_sides_are_those_of_the_path(api: Api) -> None:
    api.make_project()
    _change(api, "production", enabled=True)

    [compared] = api.get("/projects/shop/environments/production/compare/development")["items"]

    assert compared["differences"] == [{"field": "enabled", "left": True, "right": False}]


def test_right_values_can_be_sent_as_a_change_of_the_left_environment(api: Api) -> None:
    api.make_project()
    _change(api, "production", enabled=True, value="new", rollout={"percent": 5}, overrides={"staff": {"value": "a", "priority": 4}})

    for each in _differences(api):
        segment = each["field"].removeprefix("overrides/")
        field: dict[str, Any] = {each["field"]: each["right"]} if segment == each["field"] else {"overrides": {segment: each["right"]}}
        _change(api, "development", **field)

    assert _differences(api) == []


def test_all_features_are_listed_if_asked(api: Api) -> None:
    api.make_project()
    api.post("/projects/shop/features", {"key": "banner"})
    _change(api, "production", enabled=True)

    listed = api.get(COMPARED, differs=False)["items"]

    assert [(each["key"], len(each["differences"])) for each in listed] == [("banner", 0), ("checkout", 1)]


def test_pages_contain_only_what_is_asked_for_and_none_is_empty(api_on_both: Api) -> None:
    api_on_both.make_project()
    for number in range(7):
        api_on_both.post("/projects/shop/features", {"key": f"f{number}"})
        if number % 2:
            _change(api_on_both, "production", f"f{number}", enabled=True)

    assert _pages(api_on_both, limit=2) == [["f1", "f3"], ["f5"]]
    assert _pages(api_on_both, limit=3) == [["f1", "f3", "f5"]]
    assert _pages(api_on_both, limit=5, differs=False) == [["checkout", "f0", "f1", "f2", "f3"], ["f4", "f5", "f6"]]


def test_differences_are_found_behind_any_number_of_equal_features(api: Api) -> None:
    api.make_project()
    for number in range(201):
        api.post("/projects/shop/features", {"key": f"f{number:03}"})
    _change(api, "production", "f000", enabled=True)
    _change(api, "production", "f200", enabled=True)

    assert _pages(api, limit=1) == [["f000"], ["f200"]]


def test_comparing_needs_a_role_in_the_project_and_changes_nothing(api: Api) -> None:
    api.make_project()
    _change(api, "production", enabled=True)
    viewer = api.make_key("vera", {"project": "shop", "role": "viewer"})
    operator = api.make_key("olga", {"project": "shop", "role": "operator", "environments": ["development"]})
    api.make_project("other")
    stranger = api.make_key("stan", {"project": "other", "role": "admin"})
    before = audit_log(api)

    assert [each["key"] for caller in (viewer, operator) for each in caller.get(COMPARED)["items"]] == ["checkout"] * 2
    problem_of(stranger.request("GET", COMPARED), 404, "not_found")
    problem_of(api.with_key(None).request("GET", COMPARED), 401, "not_authenticated")
    assert audit_log(api) == before


@pytest.mark.parametrize("environments", ["development/compare/productoin", "productoin/compare/development"])
def test_an_unknown_environment_is_refused_with_the_closest_known_one(api: Api, environments: str) -> None:
    api.make_project()

    refused = problem_of(api.request("GET", f"/projects/shop/environments/{environments}"), 404, "environment_not_found")

    assert refused["detail"] == "There is no environment 'productoin'. Did you mean 'production'?"


def test_an_environment_is_not_compared_with_itself(api: Api) -> None:
    api.make_project()

    refused = problem_of(api.request("GET", "/projects/shop/environments/staging/compare/staging"), 422, "invalid")

    assert refused["detail"] == "'staging' can't be compared with itself: choose two different environments."


def test_an_invalid_cursor_is_refused(api: Api) -> None:
    api.make_project()

    problem_of(api.request("GET", f"{COMPARED}?cursor=x"), 422, "cursor_invalid")


def _pages(api: Api, **params: Any) -> list[list[str]]:
    pages: list[list[str]] = []
    cursor = None
    while True:
        page = api.get(COMPARED, **params | ({"cursor": cursor} if cursor else {}))
        pages.append([each["key"] for each in page["items"]])
        cursor = page["next"]
        if cursor is None:
            return pages


def test_environments_of_two_projects_are_compared_by_the_keys_of_features(api: Api) -> None:
    api.make_project()
    api.make_project("other")
    api.post("/projects/shop/features", {"key": "only-here"})
    api.post("/projects/other/features", {"key": "only-there"})
    _change(api, "development", enabled=True)

    found = api.get(COMPARED, other_project="other")["items"]

    assert [(each["key"], [tuple(difference.values()) for difference in each["differences"]]) for each in found] == [
        ("checkout", [("enabled", True, False)]),
        ("only-here", [("feature", True, False)]),
        ("only-there", [("feature", False, True)]),
    ]
    assert api.get(COMPARED, other_project="other", limit=2)["next"]
    same = api.get("/projects/shop/environments/production/compare/production", other_project="other")["items"]
    assert [each["key"] for each in same] == ["only-here", "only-there"]


def test_other_project_must_be_visible(api: Api) -> None:
    api.make_project()
    api.make_project("other")
    viewer = api.make_key("viewer", {"project": "shop", "role": "viewer"})

    problem_of(viewer.request("GET", f"{COMPARED}?other_project=other"), 404, "not_found")
