"""`flaghoist import flagsmith`: what applications see afterwards, and what the report says. Replayed, or real with `make flagsmith`."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from flagsmith import Flagsmith
from flagsmith.offline_handlers import OfflineHandler

from tests.api.evaluation.applications import keys_of
from tests.cli.conftest import Terminal
from tests.emptied import empty_database
from tests.flagsmith.conversation import KEY, Answered, Asked, speaking
from tests.flagsmith.everything import USERS, with_overrides, with_remarks, with_segments, with_values, with_variants
from tests.flagsmith.project import BOTH, PLAIN, VERSIONED, ShopInFlagsmith
from tests.http import Api, get_url
from tests.ports import free_port

OURS = {PLAIN: "development", VERSIONED: "production"}


@pytest.fixture
def api(shared_api_on_sqlite: Api, shared_sqlite: str) -> Iterator[Api]:
    """An API with a project that has the environments of Flagsmith, and no segments."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    shared_api_on_sqlite.post("/projects", {"key": "shop"})
    for environment in OURS.values():
        shared_api_on_sqlite.post("/projects/shop/environments", {"key": environment})
    yield shared_api_on_sqlite
    empty_database(shared_sqlite)
    structlog.reset_defaults()


@pytest.fixture
def terminal(api: Api) -> Terminal:
    """A terminal that has the API key of the organisation in Flagsmith."""
    return Terminal(api.address, FLAGSMITH_API_KEY=KEY, COLUMNS="200")


class Document(OfflineHandler):
    """An environment document, for Flagsmith's SDK."""

    def __init__(self, document: Any) -> None:
        self._document = document

    def get_environment(self) -> Any:
        """Return it."""
        return self._document


def shown(document: Any) -> dict[str, dict[str, tuple[bool, Any]]]:
    """Return what Flagsmith's SDK tells each user from a document: user -> feature -> enabled and value."""
    sdk = Flagsmith(offline_mode=True, offline_handler=Document(document))
    return {
        user: {each.feature_name: (each.enabled, each.value) for each in sdk.get_identity_flags(user, traits).all_flags()}
        for user, traits in USERS.items()
    }


def shares(document: Any, feature: str) -> list[tuple[bool, Any]]:
    """Return what Flagsmith's SDK tells 400 users about a feature."""
    sdk = Flagsmith(offline_mode=True, offline_handler=Document(document))
    found = [sdk.get_identity_flags(f"user-{number}").get_flag(feature) for number in range(400)]
    return [(each.enabled, each.value) for each in found]


def document_of(api: Api, environment: str) -> Any:
    """Return our environment document."""
    url = f"{api.address}/flagsmith/api/v1/environment-document/"
    return get_url(url, headers={"X-Environment-Key": keys_of(api, environment)[1]}).raise_for_status().json()


def test_flagsmiths_sdk_tells_users_the_same_as_before(api: Api, terminal: Terminal, shop: ShopInFlagsmith) -> None:
    with_segments(shop)
    with_values(shop)
    with_overrides(shop)

    terminal.run("import", "flagsmith", shop.address, "--from", str(shop.id), "--yes")

    assert terminal.code == 0, terminal.err
    for environment in BOTH:
        before = shown(shop.document(environment))
        after = shown(document_of(api, OURS[environment]))
        for user, expected in before.items():
            assert after[user] == expected, (environment, user)
            assert {name: type(value) for name, (_, value) in after[user].items()} == {
                name: type(value) for name, (_, value) in expected.items()
            }
        assert len({json.dumps(each, sort_keys=True) for each in before.values()}) >= 3, "the users are told apart"
    types = {each["key"]: each["type"] for each in api.get("/projects/shop/features?limit=200")["items"]}
    assert {key: kind for key, kind in types.items() if not key.startswith("for-")} == {
        "all-b": "string",
        "blank": "string",
        "number": "integer",
        "off-for-adults": "toggle",
        "on-at-first": "toggle",
        "ordered": "string",
        "switch": "boolean",
        "text": "string",
        "toggle": "toggle",
        "value-for-team": "integer",
    }


def test_variants_are_served_in_the_same_shares_and_for_the_same_segments(api: Api, terminal: Terminal, shop: ShopInFlagsmith) -> None:
    with_variants(shop)
    drawn_anew = "The shares of its variants have other identities here."

    report = terminal.read_json("import", "flagsmith", shop.address, "--from", str(shop.id), "--yes")

    assert {each["key"]: (each["variants"], each["remarks"]) for each in report["features"]} == {
        "split": ([{"key": "c", "value": "c"}, {"key": "bigger", "value": "b"}], [drawn_anew]),
        "for-team": ([{"key": "7", "value": 7}], []),
    }
    for environment in BOTH:
        before, after = shown(shop.document(environment)), shown(document_of(api, OURS[environment]))
        assert [each["for-team"] for each in after.values()] == [each["for-team"] for each in before.values()]
        assert {each["for-team"][1] for each in before.values()} == {1, 7}
        for document in (shop.document(environment), document_of(api, OURS[environment])):
            counts = Counter(value for _, value in shares(document, "split"))
            assert {value: 20 <= count / 400 * 100 <= 50 for value, count in counts.items()} == {"a": True, "b": True, "c": True}, counts


def test_report_names_what_was_not_copied_and_nothing_is_written_in_a_dry_run(api: Api, terminal: Terminal, shop: ShopInFlagsmith) -> None:
    with_remarks(shop)

    report = terminal.read_json("import", "flagsmith", shop.address, "--from", shop.name, "--dry-run")

    assert {each["key"]: each["remarks"] for each in report["features"]} == {
        "split": [
            "The value of the variant '5' was not copied, because the feature has the type string.",
            "The shares of its variants have other identities here.",
            *(
                f"{environment}: The shares of the variants were cut to two decimals, or left out with their variants."
                for environment in OURS.values()
            ),
        ],
        "mixed": ["development: The value 5 for 'beta' was not copied, because the feature has the type string."],
        "halved": ["development: The override for 'Odd' was not copied, because that segment was not."],
        "secret": ["Only server keys get it in Flagsmith. Here, every key of an application does."],
        "for-one": ["development: 1 identity has a state of its own, which was not copied."],
    }
    assert report["remarks"] == [
        "The segment 'Half' has a share of identities (PERCENTAGE_SPLIT). Other identities are in it here.",
        "The segment 'Odd' was not copied: The value has a comment, or the flag x, which allows comments: write it without.",
        "Applications in 'Development' don't get features that are off, because Flagsmith hides them. Here, they get them as off.",
        "1 archived feature was not copied.",
    ]
    assert api.get("/projects/shop/features")["items"] == []
    assert api.get("/projects/shop/segments")["items"] == []


def test_second_import_changes_only_what_it_is_told_to(api: Api, terminal: Terminal, shop: ShopInFlagsmith) -> None:
    shop.override(PLAIN, shop.feature("colour", "red"), shop.segments["beta"], 3, "blue")
    part = {"type": "unicode", "string_value": "b", "default_percentage_allocation": 30}
    shop.feature("split", "a", multivariate_options=[part])
    command = ("import", "flagsmith", shop.address, "--from", str(shop.id), "--environment", f"{PLAIN}=production", "--yes")
    first = terminal.read_json(*command)
    api.patch("/projects/shop/environments/production/features/colour", {"value": "by hand"})
    api.patch("/projects/shop/environments/production/features/split", {"allocation": {}})
    api.patch("/projects/shop/features/split", {"variants": [{"key": "b", "value": "by hand"}, {"key": "mine", "value": "m"}]})
    changed = api.get("/projects/shop/features")

    second = terminal.read_json(*command)

    assert [{each["result"] for each in report["features"]} for report in (first, second)] == [{"created"}, {"left alone"}]
    assert [{each["result"] for each in report["segments"]} for report in (first, second)] == [{"created"}, {"left alone"}]
    assert f"The environment '{VERSIONED}' was not copied. Use --environment {VERSIONED}=OURS." in second["remarks"]
    assert api.get("/projects/shop/features") == changed

    updated = terminal.read_json(*command, "--update")

    assert {each["result"] for each in updated["features"]} == {"updated"}
    colour, split = api.get("/projects/shop/features/colour"), api.get("/projects/shop/features/split")
    flag = colour["environments"]["production"]
    assert (flag["value"], colour["environments"]["development"]["value"]) == ("red", None)
    assert {field: flag["overrides"]["beta"][field] for field in ("enabled", "value", "priority")} == {
        "enabled": True,
        "value": "blue",
        "priority": 3,
    }
    assert split["variants"] == [{"key": "b", "value": "b"}, {"key": "mine", "value": "m"}]
    assert split["environments"]["production"]["allocation"] == {"b": 30}


def answer(asked: Asked) -> Answered:
    """Answer as a Flagsmith with two projects of the same name and an empty one."""
    environments = {"1": ["Production", "QA", "qa"], "2": ["Production"], "3": ["Live", "Live"]}
    if asked.path == "/api/v1/projects/":
        return Answered(200, [{"id": int(each), "name": "Other" if each == "3" else "Shop"} for each in environments])
    project = asked.path.partition("project=")[2].partition("&")[0]
    listed = environments.get(project, [])
    return Answered(
        200, {"results": [{"id": number, "name": each, "project": 1, "api_key": each} for number, each in enumerate(listed)], "next": None}
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Name the project in Flagsmith by --from. It has Shop (1), Shop (2), Other (3)."),
        (["--from", "Shop"], "Flagsmith has several projects 'Shop'. Use the id."),
        (["--from", "Moon"], "Flagsmith has no project 'Moon' that this key can see. It has Shop (1)"),
        (["--from", "3"], "No environment has the same key in both. Flagsmith has Live, Live, and this project development, production"),
        (["--from", "3", "--environment", "Live=production"], "The project 'Other' has several environments 'Live' in Flagsmith."),
        (["--from", "2", "--environment", "qa=production"], "The project 'Shop' has no environment 'qa' in Flagsmith. It has Production."),
        (["--from", "2", "--environment", "Production=moon"], "The project has no environment 'moon'. It has development, production."),
    ],
)
def test_mistake_is_named_before_anything_is_written(api: Api, terminal: Terminal, options: list[str], message: str) -> None:
    with speaking(answer) as address:
        terminal.run("import", "flagsmith", address, "--yes", *options)

    assert terminal.code == 2
    assert message in terminal.err
    assert api.get("/projects/shop/features")["items"] == []


def test_environments_that_get_the_same_key_must_be_named(api: Api, terminal: Terminal) -> None:
    api.post("/projects/shop/environments", {"key": "qa"})
    with speaking(answer) as address:
        terminal.run("import", "flagsmith", address, "--yes", "--from", "1")

    assert terminal.code == 2
    assert "Several environments of Flagsmith have the same key here. Use --environment THEIRS=OURS." in terminal.err


def test_flagsmith_that_refuses_or_is_down_is_named(terminal: Terminal) -> None:
    with speaking(lambda _: Answered(401, {"detail": "Valid Master API Key not found."})) as address:
        assert terminal.run("import", "flagsmith", address, "--yes").code == 1
        assert "Flagsmith: Valid Master API Key not found." in terminal.err
    assert terminal.run("import", "flagsmith", f"http://127.0.0.1:{free_port()}", "--yes").code == 3
    assert terminal.run("import", "flagsmith", "api.flagsmith.com", "--yes").code == 2
    assert "'api.flagsmith.com' is not the address of Flagsmith's API" in terminal.err
