"""Metrics from a real Prometheus."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.metrics.prometheus_server import PrometheusServer
from tests.metrics.shop import Watched, unknown_of
from tests.waiting import wait_for

pytestmark = pytest.mark.xdist_group("prometheus")


@pytest.fixture
def shop(shop: Watched, prometheus: PrometheusServer) -> Watched:
    """A project with that Prometheus as its source."""
    shop.write_source("prometheus", prometheus.address)
    return shop


@pytest.mark.parametrize("query", ["vector(7)", "scalar(vector(7))", "7", "sum(vector(3)) + 4 # seven"])
def test_one_number_is_the_value(shop: Watched, query: str) -> None:
    assert shop.ask(query).value == 7


def test_a_parameter_selects_the_series_of_a_flag(shop: Watched, prometheus: PrometheusServer) -> None:
    prometheus.expose(
        'errors{flag="checkout",env="production",variant="b"} 3', 'errors{flag="other",env="production"} 9', until='errors{flag="other"}'
    )

    assert shop.ask('errors{flag="{feature}",env="{environment}",variant="{variant}"}', variant="b").value == 3
    assert shop.ask("errors{flag='{feature}'}", feature="other").value == 9


@pytest.mark.parametrize("hostile", ['"} or vector(1) #', "'} or vector(1) #", "\\", '\\"} or vector(1) #', "a\nb", "{project}", "`"])
@pytest.mark.parametrize("quotes", ['"', "'"])
def test_a_value_with_quotes_changes_nothing(shop: Watched, hostile: str, quotes: str) -> None:
    template = "absent_metric{f=QfeatureQ, v=QvariantQ}".replace("QfeatureQ", f"{quotes}{{feature}}{quotes}")
    query = template.replace("QvariantQ", f"{quotes}{{variant}}{quotes}")

    code, _ = unknown_of(shop.ask(query, feature=hostile, variant=hostile))

    assert code == "no_data"


@pytest.mark.parametrize(
    ("query", "code", "said"),
    [
        ("absent_metric", "no_data", "no series"),
        ("vector(0) / vector(0)", "not_a_number", "finite"),
        ("vector(1) / vector(0)", "not_a_number", "finite"),
        ("0/0", "not_a_number", "finite"),
        ('"text"', "not_a_number", "text"),
        ("label_replace(vector(1), 'a', 'x', '', '') or label_replace(vector(2), 'a', 'y', '', '')", "ambiguous", "sum(...)"),
        ("up[5m]", "ambiguous", "rate(...)"),
        ("sum(", "source_refused", "parse error"),
        ("unknown_function(up)", "source_refused", "unknown function"),
    ],
)
def test_an_unusable_answer_can_not_tell(shop: Watched, query: str, code: str, said: str) -> None:
    found, message = unknown_of(shop.ask(query))

    assert found == code
    assert said in message


def test_a_selector_with_old_data_is_stale(shop: Watched, prometheus: PrometheusServer) -> None:
    # A sample with its own time gets no staleness marker: Prometheus returns it for five minutes.
    old = int((time.time() - 150) * 1_000)
    prometheus.expose(f"batch_errors 3 {old}", until="batch_errors")

    code, message = unknown_of(shop.ask("batch_errors"))

    assert code == "stale"
    assert "at most 2 min" in message
    assert shop.ask("batch_errors", max_age="5m").value == 3
    assert shop.ask("sum(batch_errors)").value == 3  # The age of a sum is unknown, so it needs `freshness`.
    assert unknown_of(shop.ask("sum(batch_errors)", freshness="max(timestamp(batch_errors))"))[0] == "stale"


def test_a_dead_target_is_noticed(shop: Watched, prometheus: PrometheusServer) -> None:
    prometheus.expose("requests_total 1", until="count_over_time(requests_total[1m]) > 2")
    freshness = "max(timestamp(requests_total))"
    assert shop.ask("increase(requests_total[1m])", freshness=freshness).value == 0

    prometheus.expose("other 1", until="absent(requests_total)")

    assert shop.ask("increase(requests_total[1m])").value == 0  # A rate still has an answer for as long as its range.
    code, message = unknown_of(shop.ask("increase(requests_total[1m])", freshness=freshness))
    assert code == "no_data"
    assert "freshness" in message
    assert unknown_of(shop.ask("requests_total"))[0] == "no_data"


@pytest.mark.parametrize("freshness", ["vector(-1e300)", "vector(0)/vector(0)", "sum("])
def test_an_unusable_freshness_can_not_tell(shop: Watched, freshness: str) -> None:
    assert "freshness" in unknown_of(shop.ask("vector(1)", freshness=freshness))[1]


def test_groups_come_by_two_labels(shop: Watched, prometheus: PrometheusServer) -> None:
    prometheus.expose(
        *('seen{arm="on"} 200', 'seen{arm="off"} 400', 'failed{arm="on"} 20', 'failed{arm="off"} 10'), until='failed{arm="off"}'
    )
    query = """
        label_replace(label_replace(sum by (arm) (seen), "group", "$1", "arm", "(.*)"), "column", "n", "", "")
        or label_replace(label_replace(sum by (arm) (failed), "group", "$1", "arm", "(.*)"), "column", "successes", "", "")
    """

    sample = shop.ask(query, shape="GROUPS")

    groups = {group.name: group for group in sample.groups}
    assert groups["on"].n == 200
    assert groups["on"].mean == pytest.approx(0.1)
    assert groups["on"].variance == pytest.approx(200 / 199 * 0.1 * 0.9)
    assert groups["off"].mean == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("seen_by_none", "no_data"),
        ("vector(1)", "ambiguous"),
        ("1", "ambiguous"),
        ('label_replace(vector(9),"group","a","","")', "ambiguous"),
    ],
)
def test_groups_without_their_labels_can_not_tell(shop: Watched, query: str, code: str) -> None:
    assert unknown_of(shop.ask(query, shape="GROUPS"))[0] == code


def test_a_history_has_one_sample_for_each_interval(shop: Watched, prometheus: PrometheusServer) -> None:
    prometheus.expose("steady 5", until="count_over_time(steady[1m]) > 3")
    shop.write_metric("steady")
    at = datetime.now(UTC)

    samples = shop.reader.samples(shop.question(since=at - timedelta(seconds=4), at=at), timedelta(seconds=1))

    assert [(sample.at - at).total_seconds() for sample in samples] == [-4, -3, -2, -1, 0]
    assert samples[-2].value == samples[-1].value == 5


def test_a_history_says_where_it_has_no_value(shop: Watched) -> None:
    shop.write_metric("vector(time()) % 2 / 0 * 0 + 1")
    at = datetime.fromtimestamp(1_800_000_000, UTC)

    samples = shop.reader.samples(shop.question(since=at - timedelta(seconds=3), at=at), timedelta(seconds=1))

    assert [sample.unknown.code if sample.unknown else sample.value for sample in samples] == ["no_data"] * 3 + ["not_a_number"]


def test_a_long_history_has_a_coarser_step(shop: Watched) -> None:
    shop.write_metric("vector(1)")
    at = datetime.now(UTC)

    samples = shop.reader.samples(shop.question(since=at - timedelta(days=3), at=at), timedelta(seconds=1))

    assert 490 <= len(samples) <= 501
    assert all(sample.value == 1 for sample in samples)


def test_a_query_with_a_window_has_no_history(shop: Watched) -> None:
    shop.write_metric("vector(1) + 0 * absent_over_time(x[{window}])")

    (sample,) = shop.reader.samples(shop.question(), timedelta(seconds=1))

    assert sample.value == 1


def test_a_source_that_was_changed_is_asked_at_its_new_address(shop: Watched, prometheus: PrometheusServer) -> None:
    shop.write_metric("vector(1)")
    shop.write_source("prometheus", "http://127.0.0.1:1")
    assert unknown_of(shop.reader.sample(shop.question()))[0] == "source_down"

    shop.write_source("prometheus", prometheus.address)

    wait_for("the new address to be asked", lambda: shop.reader.sample(shop.question()).value == 1)


def test_a_prometheus_answers_its_check(shop: Watched) -> None:
    with shop.world.database.reading() as store:
        stored = store.metric_sources.get(shop.world.project.id, "main")

    assert shop.reader.answers("shop", stored) == (True, "It answers queries with a vector.")
