"""The official SDKs over HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest
from flagsmith.exceptions import FlagsmithAPIError, FlagsmithFeatureDoesNotExistError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode

from domain.evaluation.identity import Identity
from domain.flags.flag import FlagState
from tests.api.evaluation.applications import Application, application, change, keys_of, soon
from tests.conftest import serve
from tests.domain.environment_strategies import identities, rules
from tests.domain.flag_strategies import SEGMENTS, VARIANTS, flags
from tests.http import Api
from tests.official import flagsmith_sdk, openfeature_with_flagsmith, openfeature_with_ofrep, somebody


@pytest.fixture
def shop(api: Api) -> Api:
    """A project with a feature of each type."""
    api.make_project()
    for key, default in (("dark-mode", None), ("limit", 5), ("strict", True)):
        api.post("/projects/shop/features", {"key": key, "default": {"enabled": True, "value": default}})
    change(api, {"enabled": True, "overrides": {"beta-users": {"value": "beta"}}})
    return api


def test_openfeature_reads_every_type_by_ofrep(shop: Api) -> None:
    with openfeature_with_ofrep(shop.address, keys_of(shop)[0]) as client:
        assert client.get_boolean_value("dark-mode", False, somebody()) is True
        assert client.get_boolean_value("strict", False, somebody()) is True
        assert client.get_integer_value("limit", 0, somebody()) == 5
        assert client.get_string_value("checkout", "own", somebody()) == "classic"
        beta = client.get_string_details("checkout", "own", somebody(group="beta-users"))

    assert (beta.value, beta.reason, beta.variant) == ("beta", "TARGETING_MATCH", "beta-users")


def test_openfeature_reads_a_flag_that_is_on_for_everyone_without_a_context(shop: Api) -> None:
    shop.post("/projects/shop/features", {"key": "kill", "default": {"enabled": True}})

    with openfeature_with_ofrep(shop.address, keys_of(shop)[0]) as client:
        assert client.get_boolean_value("kill", False) is True
        assert client.get_boolean_details("kill", False).reason == "STATIC"
        assert client.get_string_value("checkout", "own", EvaluationContext(attributes={"group": "beta-users"})) == "beta"


def test_openfeature_falls_back_to_the_applications_own_default(shop: Api) -> None:
    change(shop, {"enabled": False})
    change(shop, {"value": None}, "limit")
    change(shop, {"rollout": {"percent": 50}}, "strict")
    app = application(shop)
    soon("the changes", lambda: "value" not in app.evaluate({"targetingKey": "ada"}, "limit").json())

    with openfeature_with_ofrep(shop.address, app.key) as client:
        disabled = client.get_string_details("checkout", "own", somebody())
        without_value = client.get_integer_details("limit", 7, somebody())
        unknown = client.get_string_details("nothing", "own", somebody())
        of_nobody = client.get_boolean_details("strict", False, somebody(None))
        too_large = client.get_string_details("checkout", "own", somebody(bio="x" * 3_000))
    with openfeature_with_ofrep(shop.address, "wrong") as client:
        stranger = client.get_string_details("checkout", "own", somebody())

    assert (disabled.value, disabled.reason, disabled.error_code) == ("own", "DISABLED", None)
    assert (without_value.value, without_value.error_code) == (7, None)
    assert {each.value for each in (unknown, too_large, stranger)} == {"own"}
    assert of_nobody.value is False
    assert unknown.error_code is ErrorCode.FLAG_NOT_FOUND
    assert of_nobody.error_code is ErrorCode.TARGETING_KEY_MISSING
    assert too_large.error_code is ErrorCode.INVALID_CONTEXT
    assert (stranger.error_code, stranger.error_message) == (ErrorCode.GENERAL, "unauthorized")


def test_flagsmiths_sdk_reads_flags_in_remote_evaluation(shop: Api) -> None:
    with flagsmith_sdk(shop.address, keys_of(shop)[0]) as sdk:
        everybody = sdk.get_environment_flags()
        ada = sdk.get_identity_flags("ada", {"group": "beta-users", "age": {"value": 30, "transient": True}})
        later = sdk.get_identity_flags("ada")

        assert everybody.is_feature_enabled("dark-mode")
        assert everybody.get_feature_value("limit") == 5
        assert everybody.get_feature_value("checkout") == "classic"
        assert ada.get_feature_value("checkout") == later.get_feature_value("checkout") == "beta"
        with pytest.raises(FlagsmithFeatureDoesNotExistError):
            everybody.get_flag("nothing")
    with flagsmith_sdk(shop.address, "wrong") as sdk, pytest.raises(FlagsmithAPIError):
        sdk.get_environment_flags()


def test_flagsmiths_sdk_reads_flags_in_local_evaluation(shop: Api) -> None:
    with flagsmith_sdk(shop.address, keys_of(shop)[1], enable_local_evaluation=True, environment_refresh_interval_seconds=0.2) as sdk:
        assert sdk.get_environment_flags().get_feature_value("checkout") == "classic"
        assert sdk.get_identity_flags("ada", {"group": "beta-users"}).get_feature_value("checkout") == "beta"
        assert [segment.name for segment in sdk.get_identity_segments("ada", {"group": "staff"})] == ["staff"]

        change(shop, {"value": "new"})
        soon("the change, by polling", lambda: sdk.get_environment_flags().get_feature_value("checkout") == "new")


def test_openfeature_reads_flags_through_flagsmiths_provider(shop: Api) -> None:
    client_key, server_key = keys_of(shop)
    for key, options in ((client_key, {}), (server_key, {"enable_local_evaluation": True})):
        with openfeature_with_flagsmith(shop.address, key, **options) as client:
            beta = client.get_string_details("checkout", "own", somebody(group="beta-users"))
            assert (beta.value, beta.reason) == ("beta", "TARGETING_MATCH; segment=beta-users")
            assert client.get_string_value("checkout", "own", somebody("grace")) == "classic"
            assert client.get_boolean_value("dark-mode", False, somebody()) is True
            assert client.get_integer_value("limit", 0, somebody()) == 5
            assert client.get_string_details("nothing", "own", somebody()).error_code is ErrorCode.FLAG_NOT_FOUND


def test_realtime_updates_reach_flagsmiths_sdk_at_once(sqlite_url: str) -> None:
    """Without the stream, the SDK would poll after a minute, or never while realtime updates are on."""
    options: dict[str, Any] = {"enable_local_evaluation": True, "enable_realtime_updates": True}
    for api in serve(sqlite_url):
        api.make_project()
        with flagsmith_sdk(api.address, keys_of(api)[1], **options) as sdk:
            for number in range(3):
                change(api, {"value": f"v{number}"})
                value = f"v{number}"
                soon(value, lambda value=value: sdk.get_environment_flags().get_feature_value("checkout") == value)  # type: ignore[misc]


@pytest.fixture
def instance(sqlite_url: str) -> Iterator[Api]:
    """One API for many projects."""
    yield from serve(sqlite_url)


def write(api: Api, project: str, states: list[FlagState], segments: list[Any]) -> None:
    """Create a project with these flags in production."""
    api.post("/projects", {"key": project})
    api.post(f"/projects/{project}/environments", {"key": "production"})
    for key, rule in zip(SEGMENTS, segments, strict=True):
        api.post(f"/projects/{project}/segments", {"key": key, "rules": rule})
    for number, state in enumerate(states):
        variants = [each.model_dump() for each in VARIANTS]
        api.post(f"/projects/{project}/features", {"key": f"flag-{number}", "type": "string", "variants": variants})
        patch = state.model_dump(mode="json")
        for override in patch["overrides"].values():
            for field in override["inherits"]:
                del override[field]
        change(api, patch, f"flag-{number}", project=project)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(flags(), min_size=1, max_size=3), st.tuples(rules(), rules(), rules()), st.lists(identities(), min_size=2, max_size=4))
def test_local_evaluation_agrees_with_remote_evaluation(
    instance: Api, states: list[FlagState], segments: tuple[Any, ...], asked: list[Identity]
) -> None:
    project = f"project-{len(instance.get('/projects', limit=200)['items'])}"
    write(instance, project, states, list(segments))
    client_key, server_key = keys_of(instance, project=project)
    app = Application(instance, client_key)

    with (
        flagsmith_sdk(instance.address, client_key) as remote,
        flagsmith_sdk(instance.address, server_key, enable_local_evaluation=True, environment_refresh_interval_seconds=600) as local,
    ):
        for identity in asked:
            near = {each.feature_name: each for each in local.get_identity_flags(identity.identifier, dict(identity.traits)).all_flags()}
            far = remote.get_identity_flags(identity.identifier, dict(identity.traits), transient=True).all_flags()
            by_ofrep = app.evaluate(dict(identity.traits) | {"targetingKey": identity.identifier}).json()["flags"]

            assert near == {each.feature_name: each for each in far}
            assert {each["key"]: each.get("value") for each in by_ofrep} == {
                key: each.value if each.enabled else None for key, each in near.items()
            }
