"""A project of a real Unleash as a flag system: what is applied is read back, and what people made stays."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.providers.errors import ProviderUnauthorized
from activities.providers.unleash.admin_api import UnleashAdminApi
from activities.providers.unleash.documents import NewStrategy, Segment
from activities.providers.unleash.flag_state import flag_in
from activities.providers.unleash.ours import KnownFeature
from activities.providers.unleash.system import UnleashProject
from domain.errors import EnvironmentNotFound, FeatureNotFound, Invalid, KeptByOthers, SegmentNotFound
from domain.flags.flag import FlagState, Override, Rollout
from domain.flags.patch import FlagPatch
from tests.unleash.conftest import Connect
from tests.unleash.features import DEV, in_development, new_feature
from tests.unleash.people import personal_token
from tests.unleash.server import PROJECT, UnleashServer
from tests.unleash.source import constraint

pytestmark = pytest.mark.xdist_group("unleash")

ALL = NewStrategy(name="flexibleRollout", title="Everybody", parameters={"rollout": "100", "stickiness": "default", "groupId": "x"})
FIFTH = ALL.model_copy(update={"title": "Testers", "parameters": {"rollout": "20", "stickiness": "default", "groupId": "x"}})


@pytest.fixture(scope="module")
def segments(unleash: UnleashServer) -> dict[str, str]:
    """Two segments of Unleash by the keys that they have here."""
    keys = {}
    for key in ("beta", "staff"):
        body = {"name": f"{key}-{os.urandom(4).hex()}", "constraints": [constraint("plan", "IN", key)]}
        keys[key] = str(unleash.call("POST", "/api/admin/segments", body)["id"])
    return keys


@pytest.fixture
def system(admin: UnleashAdminApi) -> UnleashProject:
    """The default project."""
    return UnleashProject(admin, PROJECT)


def enabled_for(*keys: str) -> dict[str, Override]:
    """Overrides as they are read: on, and with the value of everyone."""
    return {key: Override(enabled=True, inherits=("value",), priority=number) for number, key in enumerate(keys)}


def patch_to(state: FlagState, now: FlagState) -> FlagPatch:
    """Return the patch that brings a flag from one state to another."""
    overrides: dict[str, Any] = dict.fromkeys(now.overrides) | {key: {"enabled": True} for key in state.overrides}
    return FlagPatch(enabled=state.enabled, rollout=state.rollout, overrides=overrides)


states = st.builds(
    FlagState,
    enabled=st.booleans(),
    rollout=st.none() | st.builds(Rollout, percent=st.integers(1, 99), enabled=st.just(True)),
    overrides=st.sampled_from([enabled_for(), enabled_for("beta"), enabled_for("staff"), enabled_for("beta", "staff")]),
)


def served(state: FlagState) -> tuple[bool, Rollout | None, set[str]]:
    """Return what matters of a state: the order of overrides means nothing to Unleash."""
    return state.enabled, state.rollout, set(state.overrides)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(targets=st.lists(states, min_size=1, max_size=4), with_others=st.booleans())
def test_state_that_is_applied_is_read_back_and_others_stay(
    admin: UnleashAdminApi, system: UnleashProject, segments: dict[str, str], targets: list[FlagState], with_others: bool
) -> None:
    feature = new_feature(admin)
    others = [admin.add_strategy(PROJECT, feature, DEV, FIFTH)] if with_others else []
    if others:
        admin.switch(PROJECT, feature, DEV, "on")
    for target in targets:
        now = system.flags(feature, segments)[DEV].state
        patch = patch_to(target, now)

        system.apply(feature, DEV, patch, segments)
        once = in_development(admin, feature)
        system.apply(feature, DEV, patch, segments)

        assert served(system.flags(feature, segments)[DEV].state) == served(target)
        assert in_development(admin, feature) == once, "applied twice is applied once"
        assert [each for each in once.strategies if each.title == "Testers"] == others
        assert system.flags(feature, segments)["production"].state == FlagState()


def test_change_takes_few_calls(unleash: UnleashServer, admin: UnleashAdminApi, system: UnleashProject, segments: dict[str, str]) -> None:
    feature = new_feature(admin)
    steps: list[dict[str, Any]] = [
        {"overrides": {"beta": {"enabled": True}}},
        {"rollout": {"percent": 10, "enabled": True}},
        {"rollout": {"percent": 50, "enabled": True}},
        {"enabled": True, "rollout": None},
    ]
    written = []
    for step in steps:
        before = events(unleash, feature)
        system.apply(feature, DEV, FlagPatch.model_validate(step), segments)
        written.append(events(unleash, feature) - before)

    assert written == [2, 1, 1, 1], "the first one also switches the feature on"


def events(unleash: UnleashServer, feature: str) -> int:
    """Return the number of events that Unleash knows of a feature: one for each call that changed something."""
    return int(unleash.call("GET", f"/api/admin/events/{feature}")["totalEvents"])


def test_strategy_of_ours_that_a_person_changed_is_theirs(
    admin: UnleashAdminApi, system: UnleashProject, segments: dict[str, str], feature: str
) -> None:
    system.apply(feature, DEV, FlagPatch(enabled=True), segments)
    [ours] = in_development(admin, feature).strategies
    changed = ours.model_copy(update={"constraints": [constraint("plan", "IN", "pro")]})
    admin.update_strategy(PROJECT, feature, DEV, changed)

    found = system.flags(feature, segments)[DEV]

    assert found.state == FlagState()
    assert found.foreign == ("The strategy 'Flaghoist: everyone' was not made by Flaghoist, and serves some users.",)
    system.apply(feature, DEV, FlagPatch(enabled=True), segments)
    assert len(in_development(admin, feature).strategies) == 2


def test_feature_that_a_person_switched_off_is_off(admin: UnleashAdminApi, system: UnleashProject, feature: str) -> None:
    system.apply(feature, DEV, FlagPatch(enabled=True, rollout={"percent": 5}), {})
    admin.switch(PROJECT, feature, DEV, "off")

    assert system.flags(feature, {})[DEV].state == FlagState()


def test_feature_that_is_on_without_strategies_is_on_for_everyone(admin: UnleashAdminApi, system: UnleashProject, feature: str) -> None:
    admin.add_strategy(PROJECT, feature, DEV, ALL.model_copy(update={"disabled": True}))
    environment = in_development(admin, feature).model_copy(update={"enabled": True})

    assert flag_in(environment, KnownFeature(feature)).state.enabled


def test_strategy_of_others_that_serves_everyone_prevents_disabling(admin: UnleashAdminApi, system: UnleashProject, feature: str) -> None:
    admin.add_strategy(PROJECT, feature, DEV, ALL)
    admin.switch(PROJECT, feature, DEV, "on")
    assert system.flags(feature, {})[DEV].state.enabled
    before = in_development(admin, feature)

    system.apply(feature, DEV, FlagPatch(enabled=True), {})
    with pytest.raises(KeptByOthers, match="'Everybody' was not made by Flaghoist and serves everyone"):
        system.apply(feature, DEV, FlagPatch(enabled=False), {})

    assert in_development(admin, feature) == before


def test_strategy_of_others_is_not_switched_on_for_a_segment(
    admin: UnleashAdminApi, system: UnleashProject, segments: dict[str, str], feature: str
) -> None:
    admin.add_strategy(PROJECT, feature, DEV, FIFTH)
    before = in_development(admin, feature)

    with pytest.raises(KeptByOthers, match="'Testers' was not made by Flaghoist and would also serve its users"):
        system.apply(feature, DEV, FlagPatch(overrides={"beta": {"enabled": True}}), segments)

    assert in_development(admin, feature) == before


@pytest.mark.parametrize(
    ("patch", "refusal"),
    [
        ({"value": "red"}, Invalid),
        ({"overrides": {"beta": {"enabled": False}}}, Invalid),
        ({"overrides": {"beta": {"enabled": True, "value": 1}}}, Invalid),
        ({"overrides": {"nobody": {"enabled": True}}}, SegmentNotFound),
        ({"rollout": {"percent": 12.5}}, Invalid),
        ({"rollout": {"percent": 12, "enabled": False}}, Invalid),
        ({"rollout": {"percent": 12, "value": "red"}}, Invalid),
    ],
)
def test_request_that_unleash_cannot_express_changes_nothing(
    admin: UnleashAdminApi, system: UnleashProject, segments: dict[str, str], feature: str, patch: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        system.apply(feature, DEV, FlagPatch.model_validate({"enabled": True} | patch), segments)

    assert in_development(admin, feature).strategies == []


def test_unknown_and_archived_features_and_unknown_environments_are_not_found(system: UnleashProject, feature: str, archived: str) -> None:
    for name in ("no-such-feature", archived):
        with pytest.raises(FeatureNotFound):
            system.flags(name, {})
        with pytest.raises(FeatureNotFound):
            system.apply(name, DEV, FlagPatch(enabled=True), {})
    with pytest.raises(EnvironmentNotFound):
        system.apply(feature, "moon", FlagPatch(enabled=True), {})


def test_lists_have_features_and_segments(system: UnleashProject, segments: dict[str, str], feature: str, archived: str) -> None:
    names = [each.name for each in system.features()]
    assert feature in names
    assert archived not in names
    found = {each.reference: each for each in system.segments()}
    assert found.keys() >= set(segments.values())
    assert found[segments["beta"]].digest != found[segments["staff"]].digest
    assert system.environments() == [DEV, "production"]


def test_check_passes_with_the_rights_of_an_editor_and_names_what_a_viewer_lacks(unleash: UnleashServer, connect: Connect) -> None:
    editor, viewer = (UnleashProject(connect(unleash.address, personal_token(unleash, role)), PROJECT) for role in ("Editor", "Viewer"))

    assert all(each.passed for each in editor.check([DEV, "production"]))
    assert [each.message.partition(": ")[0] for each in viewer.check([DEV]) if not each.passed] == [
        f"The owner of the token lacks permissions in '{DEV}'"
    ]


def test_check_names_unknown_tokens_projects_and_environments(unleash: UnleashServer, connect: Connect) -> None:
    admin = connect(unleash.address, unleash.admin_token)

    def failures(api: UnleashAdminApi, project: str = PROJECT, environment: str = DEV) -> list[str]:
        return [each.message for each in UnleashProject(api, project).check([environment]) if not each.passed]

    assert failures(admin, environment="moon") == [
        "The environment 'moon' is not enabled for the project 'default'. Enabled are: development, production."
    ]
    assert failures(admin, project="nowhere") == [
        "There is no project 'nowhere' in Unleash that the token can see, or it has no environments. "
        "Check its id in Unleash, and the owner's rights."
    ]
    [refused] = failures(connect(unleash.address, "*:*.unknown"))
    assert refused.startswith("The token is refused: ")
    with pytest.raises(ProviderUnauthorized):
        connect(unleash.address, "*:*.unknown").features(PROJECT)


def test_segment_that_changes_gets_another_digest(unleash: UnleashServer, system: UnleashProject) -> None:
    name = f"segment-{os.urandom(4).hex()}"
    made = Segment.model_validate(
        unleash.call("POST", "/api/admin/segments", {"name": name, "constraints": [constraint("plan", "IN", "a")]})
    )
    before = next(each.digest for each in system.segments() if each.name == name)
    body = {"name": name, "constraints": [constraint("plan", "IN", "b")]}
    unleash.call("PUT", f"/api/admin/segments/{made.id}", body)

    assert next(each.digest for each in system.segments() if each.name == name) != before


@pytest.mark.parametrize("strategy", [ALL, FIFTH], ids=["everyone", "some"])
def test_feature_that_was_off_is_off_again_after_a_rollback(
    admin: UnleashAdminApi, system: UnleashProject, feature: str, strategy: NewStrategy
) -> None:
    admin.add_strategy(PROJECT, feature, DEV, strategy)
    before = in_development(admin, feature)

    system.apply(feature, DEV, FlagPatch(enabled=True), {})
    assert system.flags(feature, {})[DEV].state.enabled
    system.apply(feature, DEV, FlagPatch(enabled=False), {})

    assert in_development(admin, feature) == before
    assert system.flags(feature, {})[DEV].state == FlagState()


def test_feature_that_was_on_for_some_stays_on_for_them(admin: UnleashAdminApi, system: UnleashProject, feature: str) -> None:
    admin.add_strategy(PROJECT, feature, DEV, FIFTH)
    admin.switch(PROJECT, feature, DEV, "on")
    before = in_development(admin, feature)

    system.apply(feature, DEV, FlagPatch(enabled=True), {})
    system.apply(feature, DEV, FlagPatch(enabled=False), {})

    assert in_development(admin, feature) == before
