"""Applications with the official SDKs follow a real release, and each sees every step."""

import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flag_engine.utils.hashing import get_hashed_percentage_for_object_ids

from tests.api.evaluation.applications import Application, keys_of
from tests.e2e.stack import running_stack
from tests.http import Api
from tests.official import flagsmith_sdk, openfeature_with_ofrep, somebody
from tests.pipelines import enable, hold, pipeline, rollout, set_value, stage
from tests.waiting import CEILING, wait_for

pytestmark = pytest.mark.e2e

CLIMB = pipeline(
    stage("Beta users", "production", "1h", [enable("beta-users"), set_value("one-page", "beta-users")]),
    stage("Everyone", "production", "1h", [rollout(25, 25, "1h", value="one-page")]),
    hold("Watch", "1h"),
)
"""Each step waits until the test advances it, so that no application is too slow to see one."""
PEOPLE = [f"user-{number}" for number in range(24)]

Look = Callable[[], Hashable]


class Watcher:
    """An application that evaluates the flag again and again, and records when it saw something new."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.seen: list[tuple[float, Any]] = []
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def states(self) -> list[Any]:
        """Everything that it saw, in order. A change between two of its questions shows it a mixture of before and after."""
        return [state for _, state in self.seen]

    def has_seen(self, state: Any) -> bool:
        """True if it saw this."""
        return state in self.states()

    def first_saw(self, states: list[Any]) -> list[float]:
        """Return when it saw each of these for the first time."""
        return [next(at for at, state in self.seen if state == expected) for expected in states]

    def _watch(self) -> None:
        while not self.stopped.is_set():
            now = self.look()
            if not self.seen or self.seen[-1][1] != now:
                self.seen.append((time.time(), now))
            time.sleep(0.02)


@contextmanager
def watching(**looks: Look) -> Iterator[dict[str, Watcher]]:
    """Run applications side by side."""
    watchers = {name: Watcher(look) for name, look in looks.items()}
    for watcher in watchers.values():
        watcher.thread.start()
    try:
        yield watchers
    finally:
        for watcher in watchers.values():
            watcher.stopped.set()
        for watcher in watchers.values():
            watcher.thread.join(CEILING)


def in_the_release(value_of: Callable[[str, dict[str, str]], Any]) -> Look:
    """Return a function that evaluates whether a beta user has the new value, and which of the people have it."""

    def look() -> Hashable:
        beta = value_of("beta", {"group": "beta-users"}) == "one-page"
        return beta, frozenset(each for each in PEOPLE if value_of(each, {}) == "one-page")

    return look


def value_in(flags: Any) -> Any:
    """Return the value of the flag if it is enabled."""
    flag = flags.get_flag("checkout")
    return flag.value if flag.enabled else None


def expected(app: Application) -> list[Any]:
    """Compute what is to be seen after each change from what Flagsmith's SDKs hash."""
    document = app.flagsmith("GET", "environment-document/").json()
    salt, number = document["api_key"], document["feature_states"][0]["feature"]["id"]
    places = {each: get_hashed_percentage_for_object_ids([number, f"{salt}_{each}"]) for each in PEOPLE}
    shares = [frozenset(each for each, place in places.items() if place <= share) for share in (0, 25, 50, 75, 100)]
    return [(True, share) for share in shares]


def times_of_changes(api: Api, release: str) -> list[float]:
    """Return when each change of the release was made."""
    changes = [change for visit in api.release(release)["history"] for change in visit["changes"]]
    return [datetime.fromisoformat(change["made_at"]).timestamp() for change in changes]


def advance(api: Api, release: str, changes: int) -> None:
    """Cut the present wait short, and return once that many changes are made."""
    api.post(f"/projects/shop/releases/{release}/advance")
    wait_for(f"change {changes}", lambda: len(times_of_changes(api, release)) == changes)


def test_official_sdks_see_every_step_of_a_release(tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
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
            states = expected(Application(api, server_key))
            release = api.add()
            api.wait_for_release(release["id"], "running")
            for made, state in enumerate(states, start=1):
                advance(api, release["id"], made)
                for name, watcher in watchers.items():
                    wait_for(f"{name} to see change {made}", partial(watcher.has_seen, state))

        for name, watcher in watchers.items():
            seen = watcher.first_saw(states)
            with capsys.disabled():
                delays = ", ".join(f"{saw - made:.2f}" for made, saw in zip(times_of_changes(api, release["id"]), seen, strict=True))
                sys.stdout.write(f"\n{name}: seconds from each change to the application: {delays}")
            assert seen == sorted(seen), name
            shares = [people for _, people in watcher.states()]
            assert all(before <= after for before, after in pairwise(shares)), f"{name}: nobody loses the new value again"
