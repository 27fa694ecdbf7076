"""The promises of every flag provider, run against every adapter."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from activities.providers.builtin import BuiltinProvider
from activities.providers.provider import FlagPlace, FlagProvider
from domain.errors import Invalid, NotFound, Refusal
from domain.flags.flag import FlagState, Override
from domain.flags.patch import FlagPatch
from tests.world import NOW, World


@contextmanager
def builtin(world: World, *, changing: bool) -> Iterator[FlagProvider]:
    """The built-in provider, in a transaction or in a read-only one."""
    with world.database.transaction() if changing else world.database.reading() as store:
        yield BuiltinProvider(store, world.project)


ADAPTERS = {"builtin": builtin}
"""A new adapter is one more line here."""

PATCHES: dict[str, dict[str, Any]] = {
    "enabled": {"enabled": True},
    "a value": {"value": "one-page"},
    "no value": {"value": None},
    "both": {"enabled": True, "value": "one-page"},
    "an override created": {"overrides": {"staff": {"enabled": True}}},
    "an override changed": {"overrides": {"beta-users": {"value": None, "inherits": ["enabled"], "priority": 5}}},
    "an override removed": {"overrides": {"beta-users": None}},
    "a missing override removed": {"overrides": {"staff": None}},
    "all overrides removed": {"overrides": "remove"},
    "nothing": {},
}
DEFAULT = FlagState(enabled=False, value="classic")
BEFORE = FlagState(enabled=False, value="classic", overrides={"beta-users": Override(enabled=True, value="beta", priority=0)})
UNKNOWN_PLACES = [("search", "production", "feature_not_found"), ("checkout", "moon", "environment_not_found")]


class Subject:
    """A provider with the flag `checkout`, overridden for beta users in production."""

    def __init__(self, world: World, adapter: str) -> None:
        self.world, self.adapter = world, adapter
        self.patch({"overrides": {"beta-users": {"enabled": True, "value": "beta"}}})

    @contextmanager
    def changing(self) -> Iterator[FlagProvider]:
        with ADAPTERS[self.adapter](self.world, changing=True) as provider:
            yield provider

    @contextmanager
    def looking(self) -> Iterator[FlagProvider]:
        with ADAPTERS[self.adapter](self.world, changing=False) as provider:
            yield provider

    def patch(self, patch: dict[str, Any], feature: str = "checkout", environment: str = "production") -> Any:
        with self.changing() as provider:
            return provider.patch(feature, environment, FlagPatch.model_validate(patch), NOW)

    def read(self, feature: str = "checkout", environment: str = "production") -> FlagState:
        with self.changing() as provider:
            return provider.read(feature, environment)

    def look(self, feature: str = "checkout", environment: str = "production") -> FlagState:
        with self.looking() as provider:
            return provider.look(feature, environment)


@pytest.fixture(params=ADAPTERS)
def subject(world: World, request: pytest.FixtureRequest) -> Subject:
    return Subject(world, request.param)


def test_patching_twice_equals_patching_once_and_leaves_unnamed_fields_alone(subject: Subject) -> None:
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


def test_patch_changes_one_environment_only(subject: Subject) -> None:
    subject.patch({"enabled": True, "value": "one-page"})

    assert subject.read("checkout", "staging") == DEFAULT


@pytest.mark.parametrize(
    ("kind", "code", "arguments"),
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
def test_refused_patch_changes_nothing(
    subject: Subject, kind: type[Refusal], code: str, arguments: tuple[dict[str, Any], str, str]
) -> None:
    with pytest.raises(kind) as refused:
        subject.patch(*arguments)

    assert refused.value.code() == code
    assert subject.read() == BEFORE, "all or nothing"


def test_override_of_a_deleted_segment_can_be_removed(subject: Subject) -> None:
    with subject.world.database.transaction() as store:
        store.segments.delete(store.segments.get("beta-users", subject.world.project.id).id, NOW)

    subject.patch({"overrides": {"beta-users": None}})

    assert subject.read().overrides == {}


@pytest.mark.parametrize(("feature", "environment", "code"), UNKNOWN_PLACES)
def test_unknown_flag_can_neither_be_read_nor_looked_at(subject: Subject, feature: str, environment: str, code: str) -> None:
    for method in (subject.read, subject.look):
        with pytest.raises(NotFound) as refused:
            method(feature, environment)

        assert refused.value.code() == code


def test_look_returns_what_read_returns(subject: Subject) -> None:
    assert subject.look() == subject.read() == BEFORE
    assert subject.look("checkout", "staging") == DEFAULT


def test_look_all_returns_every_environment_of_the_known_features(subject: Subject) -> None:
    subject.world.add_feature("banner")
    subject.world.add_feature("search")

    with subject.looking() as provider:
        states = provider.look_all(["checkout", "banner", "unknown"])
        nothing = provider.look_all([])

    elsewhere = {"development": DEFAULT, "staging": DEFAULT}
    assert states == {"checkout": elsewhere | {"production": BEFORE}, "banner": elsewhere | {"production": DEFAULT}}
    assert nothing == {}


def test_patch_is_visible_within_its_transaction(subject: Subject) -> None:
    with subject.changing() as provider:
        provider.look("checkout", "staging")
        after = provider.patch("checkout", "staging", FlagPatch(value="one-page", overrides={"staff": {"enabled": True}}), NOW).state

        assert provider.read("checkout", "staging") == provider.look("checkout", "staging") == after
        assert provider.look_all(["checkout"])["checkout"]["staging"] == after
        assert provider.overridden_for("staff") == [FlagPlace("checkout", "staging")]


def test_questions_are_answered_while_a_change_holds_the_lock(subject: Subject) -> None:
    """On PostgreSQL the change holds the feature's row; on SQLite it is the one writer."""
    with subject.changing() as changing, subject.looking() as looking:
        changing.patch("checkout", "production", FlagPatch(value="one-page", overrides="remove"), NOW)

        assert looking.look("checkout", "production") == BEFORE
        assert looking.look_all(["checkout"])["checkout"]["production"] == BEFORE
        assert looking.overridden_for("beta-users") == [FlagPlace("checkout", "production")]
        assert (len(looking.environments()), len(looking.segments())) == (3, 2)


def test_environments_and_segments_are_those_of_the_project(subject: Subject) -> None:
    with subject.looking() as provider:
        assert provider.environments() == {"development", "staging", "production"}
        assert provider.segments() == {"beta-users", "staff"}


def test_overrides_are_found_by_segment(subject: Subject) -> None:
    subject.world.add_feature("banner")
    for feature, environment in (("checkout", "development"), ("banner", "staging")):
        subject.patch({"overrides": {"beta-users": {"enabled": True}}}, feature, environment)

    with subject.looking() as provider:
        assert provider.overridden_for("beta-users") == [("banner", "staging"), ("checkout", "development"), ("checkout", "production")]
        assert provider.overridden_for("staff") == provider.overridden_for("unknown") == []
