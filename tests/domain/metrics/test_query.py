"""Parameters of queries: values never change what a query means."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.metrics.metric import MetricQuestion
from domain.metrics.query import (
    QueryRefused,
    bound_in,
    bound_values,
    mistakes_in_promql,
    mistakes_in_sql,
    mistakes_in_url,
    names_window,
    promql,
    url_path,
)

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def question(**more: Any) -> MetricQuestion:
    values: dict[str, Any] = {"project": "shop", "metric": "errors", "feature": "checkout", "environment": "production"}
    return MetricQuestion(**values | {"since": AT - timedelta(hours=1, minutes=30, seconds=5), "at": AT} | more)


def test_promql_gets_each_parameter() -> None:
    query = 'rate(errors{flag="{feature}", env=\'{environment}\', v="{variant}", p="{project}"}[{window}])'

    sent = promql(query, question(variant="b"))

    assert sent == 'rate(errors{flag="checkout", env=\'production\', v="b", p="shop"}[1h30m5s])'
    assert names_window(query)


def test_braces_of_promql_are_left_alone() -> None:
    query = 'sum by (code) (errors{code=~"5.{2}"}) / {__name__="requests"}'

    assert promql(query, question()) == query
    assert not list(mistakes_in_promql(query))


@pytest.mark.parametrize(
    ("since", "window"),
    [(timedelta(0), "1s"), (timedelta(seconds=0.4), "1s"), (timedelta(minutes=-5), "1s"), (timedelta(days=3, hours=2), "3d2h")],
)
def test_a_window_is_written_as_in_promql(since: timedelta, window: str) -> None:
    assert promql("x[{window}]", question(since=AT - since)) == f"x[{window}]"


@pytest.mark.parametrize("quotes", ['"', "'"])
@given(value=st.text(max_size=20))
def test_a_value_stays_inside_its_quotes(quotes: str, value: str) -> None:
    sent = promql(f"x{{flag={quotes}{{feature}}{quotes}}}", question(feature=value))

    inside = sent.removeprefix(f"x{{flag={quotes}").removesuffix(f"{quotes}}}")
    assert "\n" not in inside
    unescaped, rest = [], inside
    while rest:
        assert not rest.startswith(quotes)
        step = 2 if rest.startswith("\\") else 1
        unescaped.append({"\\n": "\n", "\\r": "\r"}.get(rest[:step], rest[step - 1 : step]))
        rest = rest[step:]
    assert "".join(unescaped) == value


def test_a_missing_variant_is_empty() -> None:
    assert promql('x{v="{variant}"}', question()) == 'x{v=""}'


@pytest.mark.parametrize(
    ("query", "code", "remedy"),
    [
        ('x{flag="{featur}"}', "unknown_parameter", "Did you mean 'feature'?"),
        ('x{flag="{ feature }"}', "unknown_parameter", "Did you mean 'feature'?"),
        ("x{Feature}", "unknown_parameter", "Did you mean 'feature'?"),
        ('x{flag="{flag}"}', "unknown_parameter", "The parameters are"),
        ("x{feature}", "unquoted_parameter", 'flag="{feature}"'),
        ("x{flag=`{feature}`}", "unquoted_parameter", "not in backticks"),
        ('x{a="\\"", flag={feature}}', "unquoted_parameter", "inside quotes"),
    ],
)
def test_a_mistake_in_promql_is_found(query: str, code: str, remedy: str) -> None:
    (mistake,) = mistakes_in_promql(query)

    assert mistake.code == code
    assert remedy in mistake.message


def test_comments_in_promql_are_ignored() -> None:
    query = 'x{flag="{feature}"} # don\'t use {featur} or "{feature}\n'

    assert not list(mistakes_in_promql(query))
    assert promql(query, question()) == query.replace("{feature}", "checkout", 1)


def test_a_url_gets_percent_encoded_values() -> None:
    sent = url_path("/v1/{project}/errors?flag={feature}&seconds={window}", question(feature="a/b&c=d e?#ü"))

    assert sent == "/v1/shop/errors?flag=a%2Fb%26c%3Dd%20e%3F%23%C3%BC&seconds=5405"


@pytest.mark.parametrize("value", ["..", ".", "../admin", "%2e%2e", "..%2fadmin", "a/../../b", "..\\admin"])
def test_a_value_can_not_leave_the_address(value: str) -> None:
    with pytest.raises(QueryRefused):
        url_path("/v1/{feature}/errors", question(feature=value))


@pytest.mark.parametrize(
    "path",
    ["//evil.example/", "https://evil.example/", "errors", "/a/../b", "/a/%2e%2e/b", "/a\\b", "/a b", "/a#b", "/ü", "@evil.example/"],
)
def test_a_path_stays_below_its_address(path: str) -> None:
    (mistake,) = mistakes_in_url(path)

    assert mistake.code == "invalid_path"


@pytest.mark.parametrize("path", ["/errors", "?flag={feature}", "/v1.2/..a/{feature}.json"])
def test_other_paths_are_fine(path: str) -> None:
    assert not list(mistakes_in_url(path))


def test_an_unknown_parameter_of_a_url_is_refused() -> None:
    assert "Did you mean 'environment'?" in next(mistakes_in_url("/{enviroment}")).message


def test_sql_binds_its_parameters() -> None:
    query = "SELECT count(*) FROM orders WHERE flag = :feature AND at > :since AND at::date <= :now AND note <> '12:30'"

    assert bound_in(query) == ["feature", "since", "now"]
    assert bound_values(question())["since"] == AT - timedelta(hours=1, minutes=30, seconds=5)
    assert not list(mistakes_in_sql(query))


@pytest.mark.parametrize(
    ("query", "code", "remedy"),
    [
        ("SELECT :featur", "unknown_parameter", "Did you mean 'feature'?"),
        ("SELECT '{\"a\":1}'", "unknown_parameter", "'\\:'"),
        ("SELECT '{feature}'", "parameter_in_braces", "write :feature without quotes"),
        ("SELECT '{enviroment}'", "parameter_in_braces", "write :environment"),
        ("SELECT {window}", "parameter_in_braces", "write :since"),
    ],
)
def test_a_mistake_in_sql_is_found(query: str, code: str, remedy: str) -> None:
    (mistake,) = mistakes_in_sql(query)

    assert mistake.code == code
    assert remedy in mistake.message


def test_other_braces_of_sql_are_left_alone() -> None:
    assert not list(mistakes_in_sql("SELECT '{vip}'::text[]"))
