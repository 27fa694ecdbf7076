"""Applications with the official SDKs watch a real release climb, and each sees each stage."""

import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flag_engine.utils.hashing import get_hashed_percentage_for_object_ids

from tests.api.evaluation.applications import Application, keys_of
from tests.e2e.stack import running_stack
from tests.official import flagsmith_sdk, openfeature_with_ofrep, somebody
from tests.pipelines import enable, hold, pipeline, rollout, set_value, stage

pytestmark = pytest.mark.e2e

CLIMB = pipeline(
    stage("Beta users", "production", "2s", [enable("beta-users"), set_value("one-page", "beta-users")]),
    stage("Everyone", "production", "2s", [rollout(25, 25, "3s", value="one-page")]),
    hold("Watch", "1h"),
)
PEOPLE = [f"user-{number}" for number in range(24)]

Look = Callable[[], Hashable]


class Watcher:
    """One application, which looks again and again, and notes when it saw something new."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.seen: list[tuple[float, Any]] = []
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def states(self) -> list[Any]:
        """What it saw, one after the other. While a change comes in between two of its questions it sees a bit of both."""
        return [state for _, state in self.seen]

    def first_saw(self, states: list[Any]) -> list[float]:
        """When it saw each of these for the first time; one that it never saw fails the test."""
        return [next(at for at, state in self.seen if state == wanted) for wanted in states]

    def _watch(self) -> None:
        while not self.stopped.is_set():
            now = self.look()
            if not self.seen or self.seen[-1][1] != now:
                self.seen.append((time.time(), now))
            time.sleep(0.02)


@contextmanager
def watching(**looks: Look) -> Iterator[dict[str, Watcher]]:
    """Applications that watch at the same time."""
    watchers = {name: Watcher(look) for name, look in looks.items()}
    for watcher in watchers.values():
        watcher.thread.start()
    yield watchers
    for watcher in watchers.values():
        watcher.stopped.set()
        watcher.thread.join(10)


def in_the_release(value_of: Callable[[str, dict[str, str]], Any]) -> Look:
    """Whether a beta user has the new value, and who of the people has."""

    def look() -> Hashable:
        beta = value_of("beta", {"group": "beta-users"}) == "one-page"
        return beta, frozenset(each for each in PEOPLE if value_of(each, {}) == "one-page")

    return look


def value_in(flags: Any) -> Any:
    """The value of the flag, while it is enabled."""
    flag = flags.get_flag("checkout")
    return flag.value if flag.enabled else None


def expected(app: Application) -> list[Any]:
    """What is to be seen after each change, from what Flagsmith's SDKs hash."""
    document = app.flagsmith("GET", "environment-document/").json()
    salt, number = document["api_key"], document["feature_states"][0]["feature"]["id"]
    places = {each: get_hashed_percentage_for_object_ids([number, f"{salt}_{each}"]) for each in PEOPLE}
    shares = [frozenset(each for each, place in places.items() if place <= share) for share in (0, 25, 50, 75, 100)]
    return [(True, share) for share in shares]


def test_official_sdks_see_each_stage_of_a_release(tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with running_stack(tmp_path, database_url) as stack, ExitStack() as clients:
        api = stack.api
        api.make_project()
        client_key, server_key = keys_of(api)
        ofrep = clients.enter_context(openfeature_with_ofrep(api.address, client_key))
        remote = clients.enter_context(flagsmith_sdk(api.address, client_key))
        local = {"enable_local_evaluation": True}
        polling = clients.enter_context(flagsmith_sdk(api.address, server_key, environment_refresh_interval_seconds=0.1, **local))
        realtime = clients.enter_context(flagsmith_sdk(api.address, server_key, enable_realtime_updates=True, **local))
        api.publish(CLIMB)

        with watching(
            ofrep=in_the_release(lambda who, traits: ofrep.get_string_value("checkout", "own", somebody(who, **traits))),
            remote=in_the_release(lambda who, traits: value_in(remote.get_identity_flags(who, dict(traits)))),
            local=in_the_release(lambda who, traits: value_in(polling.get_identity_flags(who, dict(traits)))),
            realtime=in_the_release(lambda who, traits: value_in(realtime.get_identity_flags(who, dict(traits)))),
        ) as watchers:
            release = api.add()
            watched = api.wait_for_stage(release["id"], "Watch", 60)
            time.sleep(2)

        made = [datetime.fromisoformat(each["made_at"]).timestamp() for visit in watched["history"] for each in visit["changes"]]
        stages = expected(Application(api, server_key))
        for name, watcher in watchers.items():
            told = watcher.first_saw(stages)
            with capsys.disabled():
                delays = ", ".join(f"{seen - at:.2f}" for at, seen in zip(made, told, strict=True))
                sys.stdout.write(f"\n{name}: seconds from each change to the application: {delays}")
            assert told == sorted(told), name
            assert all(before <= after for before, after in pairwise(people for _, people in watcher.states())), f"{name}: nobody leaves"
