"""`flaghoist import unleash` against a real Unleash: what applications see afterwards, and what the report says."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tests.api.evaluation.applications import application
from tests.cli.conftest import Terminal
from tests.emptied import empty_database
from tests.http import Api
from tests.pipelines import pipeline, stage
from tests.ports import free_port
from tests.unleash.server import PROJECT, UnleashServer
from tests.unleash.source import Source, constraint, variant

pytestmark = pytest.mark.xdist_group("unleash")

HALF = {"rollout": "50", "stickiness": "default"}
CONTEXTS: list[dict[str, Any]] = [
    {"userId": "ann", "properties": {"plan": "pro", "age": "17", "version": "1.9.0", "mail": "ann@acme.example"}},
    {"userId": "bob", "properties": {"plan": "free", "age": "40", "version": "2.0.0", "mail": "bob@other.example"}},
    {"userId": "eve,the first", "properties": {"plan": "trial", "age": "18", "version": "2.1.0", "mail": "eve@acme.example.org"}},
    {"userId": "zoe", "properties": {}},
]


@pytest.fixture
def api(shared_api_on_sqlite: Api, shared_sqlite: str) -> Iterator[Api]:
    """An API with a project that has the environments of Unleash."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    shared_api_on_sqlite.make_project()
    yield shared_api_on_sqlite
    empty_database(shared_sqlite)
    structlog.reset_defaults()


@pytest.fixture
def terminal(api: Api, unleash: UnleashServer) -> Terminal:
    """A terminal that has the token of an administrator of Unleash."""
    return Terminal(api.address, UNLEASH_TOKEN=unleash.admin_token, COLUMNS="200")


@pytest.fixture
def source(unleash: UnleashServer) -> Source:
    """A source of features."""
    return Source(unleash)


def shown(api: Api, context: dict[str, Any]) -> dict[str, list[Any]]:
    """Return what an application with Flagsmith's SDK API gets for a context: key -> [enabled, value or None as text]."""
    found = application(api, "development").identify(context["userId"], transient=True, **context["properties"])
    return {key: [enabled, None if value is None else str(value)] for key, (enabled, value) in found.items()}


def test_applications_see_the_same_as_before(api: Api, terminal: Terminal, source: Source) -> None:
    pro = source.segment("Pro users", constraint("plan", "IN", "pro", " trial "))
    source.feature("everyone")
    source.feature("off", on=False)
    source.feature("all-disabled", {"disabled": True})
    source.feature("segment", {"segments": [pro]})
    source.feature("in", {"constraints": [constraint("userId", "IN", "ann", "eve,the first")]})
    source.feature("not-in", {"constraints": [constraint("plan", "NOT_IN", "pro")]})
    source.feature("inverted", {"constraints": [constraint("plan", "IN", "pro", inverted=True)]})
    source.feature("not-not-in", {"constraints": [constraint("plan", "NOT_IN", "pro", inverted=True)]})
    source.feature("contains", {"constraints": [constraint("mail", "STR_CONTAINS", "@acme", "nothing")]})
    source.feature("starts", {"constraints": [constraint("mail", "STR_STARTS_WITH", "eve@", "b")]})
    source.feature("ends", {"constraints": [constraint("mail", "STR_ENDS_WITH", "acme.example")]})
    source.feature("less", {"constraints": [constraint("age", "NUM_LT", "18")]})
    source.feature("at-least", {"constraints": [constraint("age", "NUM_GTE", "18")]})
    source.feature("not-less", {"constraints": [constraint("age", "NUM_LT", "18", inverted=True)]})
    source.feature("newer", {"constraints": [constraint("version", "SEMVER_GT", "1.9.0")]})
    source.feature("both", {"constraints": [constraint("age", "NUM_GT", "10")], "segments": [pro]})
    source.feature("or", {"segments": [pro]}, {"constraints": [constraint("userId", "IN", "bob")]})
    source.feature("first-wins", {"segments": [pro], "variants": variant("a")}, {"variants": variant("b")})
    source.feature("numbers", {"segments": [pro], "variants": variant("3", "number")}, {"variants": variant("0", "number")})
    source.feature("unreached", {"variants": variant("all")}, {"segments": [pro], "variants": variant("never")})

    terminal.run("import", "unleash", source.unleash.address, "--yes")

    assert terminal.code == 0, terminal.err
    expected = source.seen(CONTEXTS)
    for context, before in zip(CONTEXTS, expected, strict=True):
        after = shown(api, context)
        assert {name: after[name] for name in before} == before, context
    assert len({json.dumps(each) for each in expected}) == len(CONTEXTS), "the contexts are told apart"


def test_report_names_what_was_not_copied_and_nothing_is_written_in_a_dry_run(api: Api, terminal: Terminal, source: Source) -> None:
    split = [variant("a")[0] | {"name": name, "weight": 500} for name in ("a", "b")]
    name = source.feature("Split", {"title": "A and B", "variants": split}, {"parameters": HALF})
    soon = source.segment("Soon", constraint("currentTime", "DATE_AFTER", "2026-01-01T00:00:00.000Z"))
    features = api.get("/projects/shop/features?limit=200")

    report = terminal.read_json("import", "unleash", source.unleash.address, "--dry-run")

    [found] = [each for each in report["features"] if each["key"] == name.lower()]
    assert found == {
        "key": name.lower(),
        "type": "toggle",
        "variants": [],
        "flags": {"development": {"enabled": False, "rollout": {"percent": 50, "enabled": True}}, "production": {"enabled": False}},
        "result": "create",
        "remarks": [
            f"Its key is '{name.lower()}': keys are lower-case.",
            "development: The strategy 'A and B' was not copied, because it splits its users into 2 variants.",
        ],
        "error": None,
    }
    reason = "it has a constraint on the current time. Use a stage that waits until then"
    assert f"The segment 'Soon-{source.end}' was not copied, because {reason}." in report["remarks"]
    assert api.get("/projects/shop/features?limit=200") == features
    source.unleash.call("DELETE", f"/api/admin/segments/{soon}")


def test_second_import_changes_only_what_it_is_told_to(api: Api, terminal: Terminal, source: Source) -> None:
    pro = source.segment("Pro", constraint("plan", "IN", "pro"))
    name = source.feature("again", {"segments": [pro]})
    terminal.run("import", "unleash", source.unleash.address, "--yes")
    before = api.get(f"/projects/shop/features/{name}")
    api.patch(f"/projects/shop/environments/development/features/{name}", {"enabled": True})
    segments = api.get("/projects/shop/segments?limit=200")

    assert results(terminal.read_json("import", "unleash", source.unleash.address, "--yes"))[name] == "left alone"
    assert api.get(f"/projects/shop/features/{name}")["environments"]["development"]["enabled"]

    assert results(terminal.read_json("import", "unleash", source.unleash.address, "--yes", "--update"))[name] == "updated"
    assert api.get(f"/projects/shop/features/{name}") == before
    assert api.get("/projects/shop/segments?limit=200") == segments


def test_segment_of_another_meaning_keeps_its_key_and_the_copy_gets_a_number(api: Api, terminal: Terminal, source: Source) -> None:
    pro = source.segment("Pro", constraint("plan", "IN", "pro"))
    name = source.feature("numbered", {"segments": [pro]})
    taken = f"pro-{source.end}"
    rules = [{"type": "ALL", "rules": [], "conditions": [{"property": "plan", "operator": "EQUAL", "value": "free"}]}]
    api.post("/projects/shop/segments", {"key": taken, "rules": rules})

    terminal.run("import", "unleash", source.unleash.address, "--yes")

    assert list(api.get(f"/projects/shop/features/{name}")["environments"]["development"]["overrides"]) == [f"{taken}-2"]


def test_numbered_copies_do_not_take_each_others_keys(api: Api, terminal: Terminal, source: Source) -> None:
    pro = [source.segment(name, constraint("plan", "IN", name)) for name in ("Pro", "pro")]
    names = [source.feature(f"user-of-{number}", {"segments": [each]}) for number, each in enumerate(pro)]
    rules = [{"type": "ALL", "rules": [], "conditions": [{"property": "plan", "operator": "EQUAL", "value": "free"}]}]
    api.post("/projects/shop/segments", {"key": f"pro-{source.end}", "rules": rules})

    terminal.run("import", "unleash", source.unleash.address, "--yes")

    assert terminal.code == 0, terminal.err
    overrides = [list(api.get(f"/projects/shop/features/{each}")["environments"]["development"]["overrides"]) for each in names]
    found = [api.get(f"/projects/shop/segments/{key}")["rules"][0]["conditions"][0]["value"] for [key] in overrides]
    assert found == ["Pro", "pro"]


def test_plan_says_that_an_updated_feature_is_in_a_release(api: Api, terminal: Terminal, source: Source) -> None:
    name = source.feature("moving")
    terminal.run("import", "unleash", source.unleash.address, "--yes")
    api.publish(pipeline(stage("Development", wait="7d")))
    release = api.add(name)

    report = terminal.read_json("import", "unleash", source.unleash.address, "--dry-run", "--update")

    [found] = [each for each in report["features"] if each["key"] == name]
    assert found["remarks"] == [f"It is in release {release['id']}, which takes this for a change by hand."]


def test_refused_change_is_reported_and_the_others_are_made(api: Api, terminal: Terminal, source: Source) -> None:
    first, second = source.feature("refused"), source.feature("made")
    api.post("/projects/shop/features", {"key": first, "type": "integer"})
    source.unleash.call(
        "POST",
        f"/api/admin/projects/{PROJECT}/features/{first}/environments/development/strategies",
        {"name": "default", "variants": variant("text"), "sortOrder": -1},
    )

    terminal.run("import", "unleash", source.unleash.address, "--yes", "--update")

    assert terminal.code == 1, terminal.err
    assert f"{first}: The value is of type string, but the feature accepts integer values." in terminal.err
    assert api.get(f"/projects/shop/features/{second}")["environments"]["development"]["enabled"]


def test_environments_are_mapped(api: Api, terminal: Terminal, source: Source) -> None:
    name = source.feature("mapped")

    terminal.run("import", "unleash", source.unleash.address, "--yes", "--environment", "development=staging")

    environments = api.get(f"/projects/shop/features/{name}")["environments"]
    assert {key: flag["enabled"] for key, flag in environments.items()} == {"development": False, "staging": True, "production": False}


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--from", "other"], 2, "Unleash has no project 'other' that this token can see. It has default."),
        (["--environment", "qa=staging"], 2, "The project 'default' has no environment 'qa' in Unleash. It has development, production."),
        (["--environment", "development=qa"], 2, "The project has no environment 'qa'."),
        (["--environment", "development=staging", "--environment", "production=staging"], 2, "names one of our environments twice"),
        (["--token", "wrong"], 1, "Unleash: "),
    ],
)
def test_mistake_is_named_before_anything_is_written(
    api: Api, terminal: Terminal, source: Source, options: list[str], code: int, message: str
) -> None:
    features = api.get("/projects/shop/features")

    terminal.run("import", "unleash", source.unleash.address, "--yes", *options)

    assert terminal.code == code
    assert message in terminal.err
    assert api.get("/projects/shop/features") == features


def test_unleash_that_is_down_is_an_outage(terminal: Terminal) -> None:
    assert terminal.run("import", "unleash", f"http://127.0.0.1:{free_port()}", "--yes").code == 3
    assert "Unleash: " in terminal.err


@pytest.mark.parametrize("address", ["unleash.example", "ftp://unleash.example", "https://", "http://unleash.example:port"])
def test_address_that_is_none_is_a_usage_error(terminal: Terminal, address: str) -> None:
    assert terminal.run("import", "unleash", address, "--yes").code == 2
    assert f"'{address}' is not the address of Unleash" in terminal.err


def results(report: dict[str, Any]) -> dict[str, str]:
    """Return the result of each feature in a report."""
    return {each["key"]: each["result"] for each in report["features"]}
