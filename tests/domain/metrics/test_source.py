"""Metric sources: their addresses, which never have a password."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.metrics.source import MetricSource

SECRET = "hunter2-the-password"  # noqa: S105 (of no one)


def source(kind: str, address: str, **more: Any) -> MetricSource:
    return MetricSource.model_validate({"key": "main", "name": "Main", "kind": kind, "address": address, **more})


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("prometheus", "https://prometheus.example"),
        ("prometheus", "http://127.0.0.1:9090/prefix/"),
        ("http", "https://shop.example/metrics"),
        ("sql", "postgresql://reader@db.example/shop"),
        ("sql", "postgresql+psycopg://reader@db.example:5433/shop?sslmode=verify-full&sslrootcert=system"),
        ("sql", "postgresql://reader@[::1]:5432/shop"),
        ("sql", "sqlite:///shop.db"),
        ("sql", "sqlite:////srv/metrics/shop.db"),
    ],
)
def test_an_address_has_the_form_of_its_kind(kind: str, address: str) -> None:
    assert source(kind, address).address == address


@pytest.mark.parametrize(
    ("kind", "address", "remedy"),
    [
        ("prometheus", "ftp://prometheus.example", "https://prometheus.example"),
        ("prometheus", "https://", "https://prometheus.example"),
        ("prometheus", "https://prometheus.example?tenant=1", "parts of metrics"),
        ("prometheus", "https://reader@prometheus.example", "`username`"),
        ("http", "https://shop.example:99999", "valid URL"),
        ("http", "https://shop.example/a b", "without spaces"),
        ("sql", "mysql://reader@db.example/shop", "postgresql:// or sqlite:///"),
        ("sql", "postgresql://db.example/shop", "must name a user"),
        ("sql", "postgresql://reader@db.example", "a database"),
        ("sql", "postgresql://reader@one.example,two.example/shop", "one host"),
        ("sql", "postgresql://reader@%2Fvar%2Frun/shop", "one host"),
        ("sql", "postgresql://reader@db.example/shop?host=/var/run", "no options but sslmode"),
        ("sql", "postgresql://reader@db.example/shop?hostaddr=10.0.0.1", "no options but sslmode"),
        ("sql", "postgresql://reader@db.example/shop?passfile=/etc/passwd", "no options but sslmode"),
        ("sql", "postgresql://reader@db.example/shop?service=other", "no options but sslmode"),
        ("sql", "postgresql://reader@db.example/shop?sslrootcert=/etc/passwd", "no options but sslmode"),
        ("sql", "sqlite://", "FLAGHOIST_METRICS_FOLDER"),
        ("sql", "sqlite:///shop.db?mode=rwc", "without '?'"),
        ("sql", "sqlite://host/shop.db", "FLAGHOIST_METRICS_FOLDER"),
    ],
)
def test_another_address_is_refused_with_the_remedy(kind: str, address: str, remedy: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        source(kind, address)

    (error,) = refusal.value.errors()
    assert error["loc"] == ("address",)
    assert remedy in error["msg"]


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("sql", f"postgresql://reader:{SECRET}@db.example/shop"),
        ("sql", f"postgresql://reader@db.example/shop?password={SECRET}"),
        ("prometheus", f"https://reader:{SECRET}@prometheus.example"),
        ("http", f"https://:{SECRET}@shop.example"),
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(kind: str, address: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        source(kind, address)

    (error,) = refusal.value.errors()
    assert "`credential`" in error["msg"]
    assert SECRET not in error["msg"]


def test_a_username_is_for_http_only() -> None:
    assert source("prometheus", "https://prometheus.example", username="reader").username == "reader"
    with pytest.raises(ValidationError, match="write the user into the address"):
        source("sql", "sqlite:///shop.db", username="reader")


@pytest.mark.parametrize("username", ["a:b", "", "a b", "é"])
def test_a_username_fits_into_basic_authentication(username: str) -> None:
    with pytest.raises(ValidationError):
        source("prometheus", "https://prometheus.example", username=username)
