"""Reading a project of a Flagsmith for an import: limits of Flaghoist, unclear names, and being throttled."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from pydantic import SecretStr

from activities.dns import Resolver
from activities.providers.errors import ProviderThrottled
from activities.providers.flagsmith.documents import Option, Segment, VariantShare
from activities.providers.flagsmith.patient_api import PatientApi
from activities.providers.flagsmith.segment_copy import CopiedSegments
from activities.providers.flagsmith.state_copy import SegmentState, State, StateCopy, StateThere
from activities.providers.flagsmith.variant_copy import VariantCopy
from domain.flags.allocation import MOST_VARIANTS
from domain.flags.flag import LAST_PRIORITY, LONGEST_STRING, MOST_OVERRIDES, FeatureType
from domain.flags.patch import FlagPatch
from tests.flagsmith.everything import rule
from tests.receiver import Receiver, answering, receiving


def state_copy(kind: FeatureType, segments: Mapping[int, str]) -> StateCopy:
    return StateCopy(kind, segments, VariantCopy(kind, ()))


def test_override_of_each_segment_has_a_priority_of_its_own() -> None:
    overrides = tuple(
        SegmentState(number, "", priority, State(True, None)) for number, priority in enumerate((0, 0, 0, 5, LAST_PRIORITY + 7))
    )
    copy = state_copy(FeatureType.TOGGLE, {number: f"s{number}" for number in range(5)})

    patch = copy.patch("production", StateThere(State(False, None), overrides))

    assert [each["priority"] for each in patch["overrides"].values()] == [0, 1, 2, 5, LAST_PRIORITY]
    assert FlagPatch.model_validate(patch)


def test_flag_keeps_as_many_overrides_as_it_may_have() -> None:
    overrides = tuple(SegmentState(number, f"S{number}", number, State(True, None)) for number in range(MOST_OVERRIDES + 1))
    copy = state_copy(FeatureType.TOGGLE, {number: f"s{number}" for number in range(MOST_OVERRIDES + 1)})

    patch = copy.patch("production", StateThere(State(True, None), overrides))

    assert list(patch["overrides"]) == [f"s{number}" for number in range(MOST_OVERRIDES)]
    assert copy.remarks == ["production: The override for 'S100' was not copied, because a flag has at most 100."]


def test_value_that_is_too_long_is_not_copied() -> None:
    copy = state_copy(FeatureType.STRING, {})

    assert copy.patch("production", StateThere(State(True, "a" * LONGEST_STRING)))["value"] == "a" * LONGEST_STRING
    assert copy.remarks == []
    assert copy.patch("production", StateThere(State(True, "a" * LONGEST_STRING + "b")))["value"] is None
    assert copy.remarks == [f"production: The value was not copied, because it is longer than {LONGEST_STRING} characters."]


def test_value_true_is_not_copied_as_the_number_one() -> None:
    copy = state_copy(FeatureType.INTEGER, {})

    assert copy.patch("production", StateThere(State(True, True))) == {"enabled": True, "value": None}
    assert copy.remarks == ["production: The value True was not copied, because the feature has the type integer."]


@pytest.mark.parametrize(
    ("rules", "remark"),
    [
        ([rule("ANY", ("$.environment.key", "EQUAL", "a"))], "was not copied: The property must be the key of a trait, or one of "),
        ([rule("ANY", ("plan", "LIKE", "a"))], "was not copied: Its rules Input should be "),
        ([rule("ANY")], "was not copied: The rule has no conditions, so every identity would match it."),
        ([rule("ANY", ("$.environment.name", "EQUAL", "Production"))], "compares $.environment.name, which may differ here."),
    ],
)
def test_segment_that_differs_here_is_named(rules: list[dict[str, Any]], remark: str) -> None:
    copied = CopiedSegments([Segment(id=1, name="Odd", rules=rules)])

    [found] = copied.remarks
    assert found.startswith(f"The segment 'Odd' {remark}")
    assert (1 in copied.keys) == ("not copied" not in remark)


@contextmanager
def patient(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[tuple[PatientApi, Receiver, list[float]]]:
    """A client that notes its pauses instead of making them, and the server that it asks."""
    pauses: list[float] = []
    with (
        receiving() as server,
        closing(PatientApi(server.url(""), SecretStr("key"), attempt_seconds=30, resolver=Resolver(allow_private=True))) as api,
    ):
        server.answer = answer
        api.pause = pauses.append
        yield api, server, pauses


def test_throttled_call_is_repeated_when_flagsmith_allows_it() -> None:
    with patient(answering(429, **{"Retry-After": "17"})) as (api, server, pauses):

        def allow(seconds: float) -> None:
            pauses.append(seconds)
            server.answer = answering(204)

        api.pause = allow
        api.set_priority(1, 2)

        assert pauses == [17]
        assert len(server.received) == 2


def test_call_that_stays_throttled_gives_up_after_two_minutes() -> None:
    with patient(answering(429)) as (api, server, pauses), pytest.raises(ProviderThrottled):
        api.projects()

    assert sum(pauses) == timedelta(minutes=2).total_seconds()
    assert len(server.received) == len(pauses) + 1


def test_keys_of_variants_are_names_and_never_reserved() -> None:
    values = ("Blue", "control", '{"a": 1}', "", None, "blue")
    options = [Option(id=number, string_value=value) for number, value in enumerate(values)]

    copy = VariantCopy(FeatureType.STRING, [*options, Option(id=7, string_value="x", key="Given")])

    assert [each.key for each in copy.variants] == ["blue", "control-2", "variant-3", "variant-4", "variant-5", "blue-2", "given"]
    assert [each.value for each in copy.variants] == [*values, "x"]


def test_shares_are_cut_to_two_decimals_and_never_exceed_everyone() -> None:
    copy = VariantCopy(FeatureType.STRING, [Option(id=number, string_value=f"v{number}") for number in range(MOST_VARIANTS + 1)])

    def allocated(*shares: float) -> tuple[dict[str, Any], bool]:
        return copy.allocation(
            [VariantShare(multivariate_feature_option=each, percentage_allocation=share) for each, share in enumerate(shares)]
        )

    assert allocated(0, 0) == ({}, True)
    assert allocated(100) == ({"v0": 100}, True)
    assert copy.remarks == [f"Its variant 'v{MOST_VARIANTS}' was not copied: there are too many."]
    assert allocated(14.29, 0.57, 29) == ({"v0": 14.29, "v1": 0.57, "v2": 29}, True)
    assert allocated(33.339, 66.669) == ({"v0": 33.33, "v1": 66.66}, False)
    assert allocated(*([0.0] * MOST_VARIANTS), 5) == ({}, False)
    assert copy.remarks[1:] == ["The shares of its variants have other identities here."]
