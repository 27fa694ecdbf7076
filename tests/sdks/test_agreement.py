"""Rules that were accepted without a warning mean the same to Flagsmith's SDKs for Python and Node, and to our API."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import serve_without_temporal
from tests.sdks.agreement import disagreements
from tests.sdks.cases import CASES, condition, rule
from tests.sdks.engines import FAST, Engine, started
from tests.sdks.shop import Shop
from tests.sdks.strategies import people, rules_alike_in, warned_engines
from tests.sdks.table import GUIDE, OURS, answers, rewritten_table, warned, with_table

pytestmark = pytest.mark.xdist_group("sdks")

SIZE = 40


class Running(NamedTuple):
    """A project, and two SDKs that evaluate its environment locally."""

    shop: Shop
    engines: dict[str, Engine]


@pytest.fixture(scope="module")
def running(migrated_sqlite: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One environment for all tests of this file: the SDKs take seconds to start."""
    path = tmp_path_factory.mktemp("sdks") / "flaghoist.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    for api in serve_without_temporal(f"sqlite:///{path}"):
        shop = Shop(api, SIZE)
        with started(FAST, shop.address, shop.server_key) as engines:
            yield Running(shop, engines)


@settings(max_examples=2, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.lists(rules_alike_in(*FAST), min_size=SIZE, max_size=SIZE), people(25))
def test_random_rules_without_a_warning_put_the_same_identities_into_a_segment(running: Running, rules: list[Any], identities: Any) -> None:
    assert disagreements(running.shop, running.engines, rules, identities) == []


def test_ordinary_conditions_put_the_same_identities_into_a_segment(running: Running) -> None:
    written = [
        *(("EQUAL", value) for value in ("pro", "5", "1.5", "true", "a,b", "", "null")),
        *(("NOT_EQUAL", value) for value in ("pro", "5", "true", "1.2.4:semver")),
        *(("GREATER_THAN", value) for value in ("1.5", "5", "2026-01-31", "1.0.0:semver")),
        *(("LESS_THAN_INCLUSIVE", value) for value in ("1.5", "a", "0")),
        *(("IN", value) for value in ("pro,free", "0,1,5", "02134,pro", "true")),
        *(("CONTAINS", "pr"), ("NOT_CONTAINS", "pr"), ("REGEX", "pr.$"), ("REGEX", ".*@"), ("MODULO", "2|1"), ("MODULO", "5|0")),
    ]
    traits = [True, False, 0, 1, 5, -3, 2.0, 1.5, "", "pro", "5", "05", "1.50", "true", "True", "é", "1.2.3", "v1.2.3", "2026-02-01"]
    traits += ["02134", 2134, "1042", "9", "a,b", "null", "x@y.com", "-0", " pro"]
    cases = [[rule("ALL", condition(operator, value))] for operator, value in written]
    identities = [("nobody", {}), *((f"user-{number}", {"trait": trait}) for number, trait in enumerate(traits))]

    assert {engine for case in cases for engine in warned_engines(case) or ()} <= {"Java"}
    assert disagreements(running.shop, running.engines, cases, identities) == []


@pytest.mark.parametrize(
    ("operator", "value", "inside", "outside"),
    [
        ("REGEX", "beta", ["beta", "beta-1"], ["my-beta"]),
        ("NOT_EQUAL", "pro", ["free", 5, True], ["pro", None]),
        ("NOT_EQUAL", "5", ["pro", 6, 5.5], [5, "5", 5.0, "05", None]),
        ("NOT_CONTAINS", "be", ["pro", 5, False], ["beta", None]),
        ("GREATER_THAN", "1.5", [2, 1.6, "2", "10"], [1, 1.5, "1.5", True, "pro", None]),
        ("LESS_THAN", "10", [9, "9", -5], ["10", 10, "abc", False]),
        ("GREATER_THAN", "2026-01-31", ["2026-02-01"], ["2026-01-31", 2027, "9", None]),
        ("IN", "02134,02135", ["02134", "02135", 2134], ["0213", 2136]),
        ("IN", "0,1", [0, 1, "1", 1.0], [2, True, False]),
        ("CONTAINS", "42", ["1042", 1042, "a42"], ["1024", None]),
        ("EQUAL", "true", [True, "true"], [False, 1, None]),
        ("EQUAL", "pro", ["pro"], [True, 5, "Pro"]),
        ("MODULO", "2|1", [3, -3, "3"], [2, True, "3x", None]),
        ("GREATER_THAN", "1.2.3:semver", ["1.10.0"], ["v1.10.0", "1.2.3", True, 2]),
    ],
)
def test_a_condition_has_one_meaning(running: Running, operator: str, value: str, inside: list[Any], outside: list[Any]) -> None:
    running.shop.write([[rule("ALL", condition(operator, value))]])
    people = [(f"user-{number}", {} if trait is None else {"trait": trait}) for number, trait in enumerate([*inside, *outside])]

    found = running.shop.answers(running.engines, people)

    expected = [True] * len(inside) + [False] * len(outside)
    assert {name: [running.shop.name_of(0) in each for each in answer] for name, answer in found.items()} == dict.fromkeys(found, expected)


def test_the_table_of_differences_is_as_the_sdks_answer(running: Running) -> None:
    found = answers(running.shop, FAST)

    rows = [line.split(" | ")[2:5] for line in GUIDE.read_text().split("<!-- differences -->")[1].splitlines() if line.startswith("| `")]
    assert [list(each.values()) for each in found] == [[cell.strip("| ") for cell in row] for row in rows]


def test_the_table_of_rewritten_conditions_is_up_to_date() -> None:
    assert with_table(GUIDE.read_text(), "rewritten", rewritten_table()) == GUIDE.read_text()


def test_each_sdk_that_differs_in_the_table_is_named_by_a_warning() -> None:
    table = GUIDE.read_text().split("<!-- differences -->")[1]
    head, *rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines() if line.startswith("| ")]
    for case, row in zip(CASES, rows, strict=True):
        answer = dict(zip(head, row, strict=True))
        differing = {sdk for sdk in ("Python", "Node", "Go", "Java") if answer[sdk] != answer[OURS]}
        assert differing, case.words
        assert differing <= (warned_engines([case.rule]) or set()), warned(case.rule)
