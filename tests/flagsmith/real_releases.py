"""Whole releases on a real Flagsmith, with Temporal, the API and a worker as processes, as Flagsmith's own SDK sees them.

`make flagsmith` runs them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import pytest
from flagsmith import Flagsmith

from tests.e2e.stack import Stack, running_stack
from tests.flagsmith.conversation import KEY
from tests.flagsmith.project import BOTH, VERSIONED, ShopInFlagsmith
from tests.pipelines import enable, hold, pipeline, rollout, set_value, stage, until
from tests.waiting import CEILING, wait_for

pytestmark = pytest.mark.e2e

TESTER, OTHER = {"plan": "pro"}, {"plan": "free"}
Seen = tuple[Any, ...]


class Look(NamedTuple):
    """The values that are served: to anyone in the first environment, and to a tester and to others in the second. None if it is off."""

    at: datetime
    seen: Seen


class Watcher:
    """Flagsmith's SDK in local evaluation. It fetches the environments again and again, and keeps each look that differs from the last."""

    def __init__(self, shop: ShopInFlagsmith, feature: str) -> None:
        self.looks: list[Look] = []
        self._feature = feature
        url = f"{os.environ['FLAGSMITH_ADDRESS']}/api/v1/"
        options: Any = {
            "api_url": url,
            "enable_local_evaluation": True,
            "environment_refresh_interval_seconds": 3_600,
            "request_timeout_seconds": CEILING,
        }
        self._first, self._second = (Flagsmith(environment_key=shop.server_key(each), **options) for each in BOTH)
        self._ended = Event()
        self._thread = Thread(target=self._watch)

    @contextmanager
    def watching(self) -> Iterator["Watcher"]:
        """Look while the block runs."""
        self._thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            self._thread.join(CEILING)
            for sdk in (self._first, self._second):
                sdk.environment_data_polling_manager_thread.stop()
                sdk.session.close()

    def until(self, *expected: Seen) -> None:
        """Wait for as many looks, and compare all."""
        wait_for(f"{len(expected)} states", lambda: len(self.looks) >= len(expected))
        assert [each.seen for each in self.looks] == list(expected)

    def _watch(self) -> None:
        while not self._ended.is_set():
            at = datetime.now(UTC)
            self._first.update_environment()
            self._second.update_environment()
            seen = (self._served(self._first, OTHER), self._served(self._second, TESTER), self._served(self._second, OTHER))
            if [each.seen for each in self.looks][-1:] != [seen]:
                self.looks.append(Look(at, seen))

    def _served(self, sdk: Flagsmith, traits: dict[str, str]) -> Any:
        found: Any = sdk.get_identity_flags(traits["plan"], traits).get_flag(self._feature)
        return found.value if found.enabled else None


@pytest.fixture
def stack(tmp_path: Path, sqlite_url: str, shop: ShopInFlagsmith, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """The product with a project that is connected to the one in Flagsmith."""
    monkeypatch.setenv("FLAGHOIST_SECRET_KEYS", "A" * 43 + "=")
    monkeypatch.setenv("FLAGHOIST_PROVIDERS_ALLOW_PRIVATE", "true")
    with running_stack(tmp_path, sqlite_url) as stack:
        stack.api.post("/projects", {"key": "shop"})
        connection = {"kind": "flagsmith", "address": shop.address, "project": str(shop.id), "credential": KEY}
        stack.api.request("PUT", "/projects/shop/connection", connection).raise_for_status()
        yield stack


def test_progressive_release_climbs_and_the_sdk_sees_each_step(stack: Stack, shop: ShopInFlagsmith) -> None:
    shop.feature("checkout", "classic")
    new = "one-page"
    stack.api.publish(
        pipeline(
            stage("Development", "development", actions=[enable(), set_value(new)]),
            stage("Testers", "production", "6s", [enable("beta"), set_value(new, "beta")]),
            stage("Everyone", "production", "6s", [enable() | {"overrides": "remove"}, set_value(new)]),
            hold("Watch", "3s"),
        )
    )

    with Watcher(shop, "checkout").watching() as watcher:
        watcher.until((None, None, None))
        release = stack.api.add()
        watcher.until((None, None, None), (new, None, None), (new, new, None), (new, new, new))
        ended = stack.api.wait_for_release(release["id"], "completed")

    assert outcomes(ended) == {"Development": "acted", "Testers": "acted", "Everyone": "acted", "Watch": "held"}


def test_scheduled_launch_is_off_until_its_time_and_the_sdk_sees_it(stack: Stack, shop: ShopInFlagsmith) -> None:
    feature = shop.feature("checkout", "classic", default_enabled=True)
    stack.api.publish(
        pipeline(
            stage("Preparation", "production", actions=[enable(enabled=False)]),
            {**stage("Launch", "production"), "trigger": until(parameter="launch_at")},
            hold("Watch", "3s"),
            parameters={"launch_at": {"type": "datetime"}},
        )
    )
    launch_at = datetime.now(UTC) + timedelta(seconds=15)

    with Watcher(shop, "checkout").watching() as watcher:
        watcher.until(("classic", "classic", "classic"))
        release = stack.api.add(parameters={"launch_at": launch_at.isoformat()}, accept=["lowers_share"])
        off = ("classic", None, None)
        watcher.until(("classic", "classic", "classic"), off, ("classic", "classic", "classic"))
        ended = stack.api.wait_for_release(release["id"], "completed")

    assert watcher.looks[-1].at >= launch_at
    assert [each["enabled"] for each in shop.states(VERSIONED, feature)] == [True]
    assert outcomes(ended) == {"Preparation": "acted", "Launch": "acted", "Watch": "held"}


def test_phased_rollout_only_adds_users_and_ends_without_a_trace(stack: Stack, shop: ShopInFlagsmith) -> None:
    feature = shop.feature("checkout", "classic")
    new = "one-page"
    growing = rollout(initial=20, step=40, every="5s", value=new)
    stack.api.publish(pipeline(stage("Rollout", "production", actions=[growing]), hold("Watch", "3s")))
    sdk = Flagsmith(environment_key=shop.environments[VERSIONED]["api_key"], api_url=f"{os.environ['FLAGSMITH_ADDRESS']}/api/v1/")
    users = [f"user-{number}" for number in range(40)]

    def served() -> set[str]:
        flags = {user: sdk.get_identity_flags(user).get_flag("checkout") for user in users}
        return {user for user, flag in flags.items() if (flag.enabled, flag.value) == (True, new)}

    release = stack.api.add()
    looks = [served()]
    while looks[-1] != set(users):
        looks.append(served())
    ended = stack.api.wait_for_release(release["id"], "completed")

    distinct = [look for number, look in enumerate(looks) if look != looks[max(number - 1, 0)]]
    assert all(before <= after for before, after in pairwise(looks))
    assert len(distinct) >= len(("20%", "60%", "everyone"))
    assert [(each["enabled"], each["value"]["string_value"]) for each in shop.states(VERSIONED, feature)] == [(True, new)]
    assert [each["name"] for each in shop.call("GET", f"/projects/{shop.id}/segments/")["results"]] == ["beta", "staff"]
    assert outcomes(ended) == {"Rollout": "acted", "Watch": "held"}


def outcomes(release: Any) -> dict[str, str]:
    """Return the outcome of each stage."""
    return {each["name"]: each["outcome"] for each in release["stages"]}
