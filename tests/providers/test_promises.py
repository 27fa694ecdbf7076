"""What every flag provider promises, tried on every adapter."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from activities.providers.builtin import BuiltinProvider
from activities.providers.provider import FlagProvider
from domain.errors import Invalid, NotFound, Refusal
from domain.flags.flag import FlagState, Override
from domain.flags.patch import FlagPatch
from tests.world import NOW, World


@contextmanager
def builtin(world: World) -> Iterator[FlagProvider]:
    """Flags in our own store."""
    with world.database.transaction() as store:
        yield BuiltinProvider(store, world.project)


ADAPTERS = {"builtin": builtin}
"""A new adapter is one more line here."""

PATCHES: dict[str, dict[str, Any]] = {
    "enabled": {"enabled": True},
    "a value": {"value": "one-page"},
    "no value": {"value": None},
    "both": {"enabled": True, "value": "one-page"},
    "an override made": {"overrides": {"staff": {"enabled": True}}},
    "an override changed": {"overrides": {"beta-users": {"value": None, "inherits": ["enabled"], "priority": 5}}},
    "an override taken away": {"overrides": {"beta-users": None}},
    "an override that is not there taken away": {"overrides": {"staff": None}},
    "all overrides taken away": {"overrides": "remove"},
    "nothing": {},
}
BEFORE = FlagState(enabled=False, value="classic", overrides={"beta-users": Override(enabled=True, value="beta", priority=0)})


class Subject:
    """A provider with the flag `checkout`, overridden for beta users in production."""

    def __init__(self, world: World, adapter: str) -> None:
        self.world, self.adapter = world, adapter
        self.patch({"overrides": {"beta-users": {"enabled": True, "value": "beta"}}})

    def patch(self, patch: dict[str, Any], feature: str = "checkout", environment: str = "production") -> Any:
        with ADAPTERS[self.adapter](self.world) as provider:
            return provider.patch(feature, environment, FlagPatch.model_validate(patch), NOW)

    def read(self, feature: str = "checkout", environment: str = "production") -> FlagState:
        with ADAPTERS[self.adapter](self.world) as provider:
            return provider.read(feature, environment)


@pytest.fixture(params=ADAPTERS)
def subject(world: World, request: pytest.FixtureRequest) -> Subject:
    return Subject(world, request.param)


def test_patching_twice_is_the_same_as_patching_once_and_unnamed_fields_are_left_alone(subject: Subject) -> None:
    for name, written in PATCHES.items():
        patch, before = FlagPatch.model_validate(written), subject.read()

        first = subject.patch(written)
        once = subject.read()
        second = subject.patch(written)

        assert once == first.state == patch.applied(before), name
        assert (subject.read(), second.before) == (once, second.after), name
        assert first.before.named == patch.named, name
        subject.patch(first.before.model_dump())
        assert subject.read() == before == BEFORE, name


def test_a_flag_is_changed_in_its_own_environment_only(subject: Subject) -> None:
    subject.patch({"enabled": True, "value": "one-page"})

    assert subject.read("checkout", "staging") == FlagState(enabled=False, value="classic")


@pytest.mark.parametrize(
    ("kind", "code", "wanted"),
    [
        (NotFound, "feature_not_found", ({"enabled": True}, "search", "production")),
        (NotFound, "environment_not_found", ({"enabled": True}, "checkout", "moon")),
        (NotFound, "segment_not_found", ({"enabled": True, "overrides": {"nobody": {"enabled": True}}}, "checkout", "production")),
        (Invalid, "value_type_wrong", ({"enabled": True, "value": 7}, "checkout", "production")),
        (Invalid, "value_type_wrong", ({"enabled": True, "value": True}, "checkout", "production")),
        (Invalid, "value_type_wrong", ({"enabled": True, "overrides": {"staff": {"value": 7}}}, "checkout", "production")),
        (Invalid, "invalid", ({"enabled": True, "overrides": {"staff": {"priority": 0}}}, "checkout", "production")),
    ],
    ids=["feature", "environment", "segment", "integer", "boolean", "override", "priority"],
)
def test_what_can_not_be_is_refused_and_nothing_of_it_done(
    subject: Subject, kind: type[Refusal], code: str, wanted: tuple[dict[str, Any], str, str]
) -> None:
    with pytest.raises(kind) as refused:
        subject.patch(*wanted)

    assert refused.value.code() == code
    assert subject.read() == BEFORE, "all or nothing"


def test_an_override_of_a_segment_that_is_gone_can_still_be_taken_away(subject: Subject) -> None:
    with subject.world.database.transaction() as store:
        store.segments.delete(store.segments.get("beta-users", subject.world.project.id).id, NOW)

    subject.patch({"overrides": {"beta-users": None}})

    assert subject.read().overrides == {}


@pytest.mark.parametrize(("feature", "environment"), [("search", "production"), ("checkout", "moon")])
def test_reading_what_is_not_there_is_refused(subject: Subject, feature: str, environment: str) -> None:
    with pytest.raises(NotFound, match="There is no"):
        subject.read(feature, environment)
