"""Suggestions for misspelt names."""

import time

import pytest

from domain.text import LONGEST_COMPARED, MOST_COMPARED, closest, did_you_mean

TRIGGERS = ["ON_ENTER", "WAIT_FOR", "WAIT_UNTIL"]


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("start_at", ["feature", "starts_at", "starting_stage"], "starts_at"),
        ("start", ["feature", "starts_at", "starting_stage"], "starts_at"),
        ("startsAt", ["feature", "starts_at"], "starts_at"),
        ("WAITFOR", TRIGGERS, "WAIT_FOR"),
        ("wait_for", TRIGGERS, "WAIT_FOR"),
        ("prod", ["development", "production"], "production"),
        ("dev", ["dev-eu-central-1", "dev-us-east-1"], None),
        ("de", ["development"], None),
        ("moon", ["development", "production"], None),
        ("", ["a"], None),
        ("a", [], None),
        (5, ["5"], None),
        (None, ["none"], None),
    ],
)
def test_closest_name_is_found_whatever_its_case(word: object, known: list[str], expected: str | None) -> None:
    assert closest(word, known) == expected
    assert did_you_mean(word, known) == (f" Did you mean '{expected}'?" if expected else "")


def test_long_words_and_long_lists_cost_little() -> None:
    known = [f"{'x' * 50}-{number}" for number in range(100 * MOST_COMPARED)]

    began = time.perf_counter()
    did_you_mean("x" * (LONGEST_COMPARED + 1), known)
    did_you_mean("x" * 1_000_000, known)
    did_you_mean("y" * LONGEST_COMPARED, known)

    assert time.perf_counter() - began < 5
