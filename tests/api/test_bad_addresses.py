"""Invalid paths, queries and headers."""

from itertools import product

from tests.api.answers import audit_log, pointers, problem_of
from tests.api.routes import PLACES
from tests.http import Api, get_url
from tests.pipelines import pipeline, stage

INVALID_SLUGS = ["%00", "%2e%2e", "a%20b", "Upper", "x" * 5_000, "%F0%9F%9A%80", "%ff", "a%0A"]


def test_invalid_key_in_a_path_is_not_found(api: Api) -> None:
    api.make_project()
    valid = {"project": "shop", "environment": "development", "feature": "checkout"}

    for method, template in (route.split() for route in PLACES):
        names = [part[1:-1] for part in template.split("/") if part.startswith("{")]
        for slug in INVALID_SLUGS if names and method in ("GET", "DELETE") else ():
            answer = api.request(method, template.format(**valid | {names[-1]: slug}))
            problem_of(answer, 404, "not_found")


LISTS = [
    "/projects",
    "/keys",
    *(f"/projects/shop/{each}" for each in ("environments", "segments", "features", "pipelines", "releases", "audit")),
]


INVALID_CURSORS = ["", "x", "%00", "djE6", "djI6YQ", "djE6AA", "é", "x" * 301, "%ff%fe", "7__t"]


def test_invalid_cursor_is_refused(api: Api) -> None:
    api.make_project()

    for path, cursor in product(LISTS, INVALID_CURSORS):
        answer = api.request("GET", f"{path}?cursor={cursor}")
        code = "invalid" if len(cursor) > 300 else "cursor_invalid"
        assert pointers(problem_of(answer, 422, code)) == ["/cursor"]


def test_limit_out_of_range_is_refused(api: Api) -> None:
    api.make_project()

    for path in LISTS:
        for limit in ("0", "-1", "201", "ten", "1.5", "", "9" * 400, "1e3", "NaN"):
            assert pointers(problem_of(api.request("GET", f"{path}?limit={limit}"), 422, "invalid")) == ["/limit"]


def test_unknown_filter_is_refused_instead_of_ignored(api: Api) -> None:
    api.make_project()

    for path in LISTS:
        assert pointers(problem_of(api.request("GET", f"{path}?state=running"), 422, "invalid")) == ["/state"]


INVALID_FILTERS = [
    ("releases", "status=flying"),
    ("releases", "status=RUNNING"),
    ("releases", "since=yesterday"),
    ("releases", "since=2026-01-01T00:00:00"),
    ("releases", "since=0001-01-01T00:00:00%2B14:00"),
    ("releases", "until=9999-12-31T23:59:59-14:00"),
    ("releases", "until=2026-02-30T00:00:00Z"),
    ("releases", "until=99999999999999999999999"),
    ("releases", "feature=Not%20a%20slug"),
    ("releases", "stage=%00"),
    ("releases", f"added_by={'x' * 121}"),
    ("audit", "event=release.flown"),
    ("audit", "since=2026-13-01T00:00:00Z"),
    ("audit", "until="),
    ("audit", "since=5"),
    ("audit", "since=1767225600.5"),
    ("releases", "until=1767225600"),
    ("audit", "owner=%00"),
    ("audit", "stage=a%1Bb"),
    ("audit", "release=%2e%2e"),
]


def test_invalid_filter_value_is_pointed_at(api_on_both: Api) -> None:
    api_on_both.make_project()

    for noun, query in INVALID_FILTERS:
        answer = api_on_both.request("GET", f"/projects/shop/{noun}?{query}")
        assert pointers(problem_of(answer, 422, "invalid")) == [f"/{query.split('=')[0]}"]


def test_earliest_and_latest_representable_times_are_accepted(api_on_both: Api) -> None:
    api_on_both.make_project()

    listed = api_on_both.get("/projects/shop/audit", since="0001-01-01T00:00:00Z", until="9999-12-31T23:59:59Z")

    assert len(listed["items"]) == len(audit_log(api_on_both))


INVALID_ETAGS = ["", "abc", "1", '"1" "2"', '*, "1"', ",,", "9" * 400, '"1', "W/abc", 'w/"1"', '"a b"']


def test_invalid_if_match_is_refused(api: Api) -> None:
    api.make_project()
    definition = pipeline(stage("Development"))
    draft = api.post("/projects/shop/pipelines", definition)
    path = f"/projects/shop/pipelines/{draft['id']}"
    before = audit_log(api)

    for etag in INVALID_ETAGS:
        headers = {"If-Match": etag}
        replaced = api.request("PUT", path, definition, headers=headers)
        deleted = api.request("DELETE", path, headers=headers)
        published = api.request("POST", f"{path}/publish", headers=headers)
        for answer in (replaced, deleted, published):
            problem = problem_of(answer, 422, "invalid")
            assert [(each["in"], each["pointer"]) for each in problem["errors"]] == [("header", "/if-match")]

    assert audit_log(api) == before


def test_invalid_idempotency_key_is_refused(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Development")))
    release = api.add()

    for key in ("two words", "x" * 129, "", "tab\there"):
        answer = api.request("POST", f"/projects/shop/releases/{release['id']}/retry", {}, headers={"Idempotency-Key": key})
        assert pointers(problem_of(answer, 422, "invalid")) == ["/idempotency-key"]


def test_invalid_authorization_header_is_answered_with_the_right_form(api: Api) -> None:
    for header in (b"", b"Bearer", b"Basic Zm9vOmJhcg==", b"fh_secret", b"Bearer \xff\xfe", b"Bearer a b c"):
        answer = get_url(f"{api.address}/api/v1/projects", headers={b"Authorization": header})
        problem_of(answer, 401, "not_authenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
