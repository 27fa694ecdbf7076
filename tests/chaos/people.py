"""People who add flags and send controls over HTTP while everything fails, and who record the answers."""

import heapq
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx

from tests.chaos.plan import Plan, Planned
from tests.http import Api
from tests.waiting import CEILING

RETRY_AFTER = 1.0
"""Seconds after which an unanswered request is sent again under the same Idempotency-Key."""
ASK_AGAIN_AFTER = 2.0
"""Seconds after which a refused request is made again, as a new one."""
THREADS = 4
EXPECTED = frozenset({200, 201, 202, 409, 503})


@dataclass
class Acknowledged:
    """A release whose addition was acknowledged: its id, its plan, and the last status for each control."""

    id: str
    planned: Planned
    answers: dict[str, int] = field(default_factory=dict)

    @property
    def expected_statuses(self) -> tuple[str, ...]:
        """The statuses in which it may end according to the answers."""
        ended_by = {"remove": "removed", "rollback": "rolled_back"}
        statuses = [ended_by[control] for control, status in self.answers.items() if control in ended_by and status < 300]
        return tuple(statuses or ["completed"])


class People:
    """Carries out a plan on a few threads. Unanswered requests are sent again."""

    def __init__(self, api: Api, plan: Plan) -> None:
        self.api = api
        self.acknowledged: list[Acknowledged] = []
        self.answers: Counter[int] = Counter()
        self.surprises: list[str] = []
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._busy = 0
        self._changed = threading.Condition()
        self._stopped = False
        self._threads = [threading.Thread(target=self._work) for _ in range(THREADS)]
        for planned in plan.releases:
            self._later(planned.at, lambda planned=planned: self._add(planned, 0))  # type: ignore[misc]

    def start(self) -> None:
        """Start sending."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop sending."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(CEILING)

    @property
    def is_done(self) -> bool:
        """True if everything was sent and answered."""
        with self._changed:
            return not self._due and not self._busy

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), what))
            self._changed.notify()

    def _work(self) -> None:
        while (what := self._next()) is not None:
            try:
                what()
            except Exception as error:
                self.surprises.append(f"a request could not be made: {error!r}")
            with self._changed:
                self._busy -= 1

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._stopped:
                left = self._due[0][0] - time.monotonic() if self._due else None
                if left is not None and left <= 0:
                    self._busy += 1
                    return heapq.heappop(self._due)[2]
                self._changed.wait(left)
        return None

    def _ask(self, path: str, body: Any, key: str, answered: Callable[[httpx.Response], None]) -> None:
        """Send a request until it is answered. A 5xx is no answer."""
        try:
            answer = self.api.request("POST", path, body, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            self._later(RETRY_AFTER, lambda: self._ask(path, body, key, answered))
            return
        self.answers[answer.status_code] += 1
        if answer.status_code not in EXPECTED:
            self.surprises.append(f"POST {path} was answered by {answer.status_code}: {answer.text[:300]}")
        if answer.status_code >= 500:
            self._later(RETRY_AFTER, lambda: self._ask(path, body, key, answered))
        else:
            answered(answer)

    def _add(self, planned: Planned, times: int) -> None:
        launches = {name: _at(seconds) for name, seconds in planned.launches.items()}
        body = {"feature": planned.feature, "pipeline": planned.pipeline, "starting_stage": planned.starting_stage, "parameters": launches}
        body["accept"] = ["lowers_share"]

        def answered(answer: httpx.Response) -> None:
            if answer.status_code == 201:
                release = Acknowledged(answer.json()["id"], planned)
                self.acknowledged.append(release)
                self._continue(release, 0)
            elif answer.json().get("code") == "already_releasing":
                self._later(ASK_AGAIN_AFTER, lambda: self._add(planned, times + 1))
            else:
                self.surprises.append(f"{planned.feature} was not added: {answer.text[:300]}")

        self._ask("/projects/shop/releases", body, f"add-{planned.number}-{times}", answered)

    def _continue(self, release: Acknowledged, number: int) -> None:
        if number < len(release.planned.controls):
            self._later(release.planned.controls[number].after, lambda: self._steer(release, number, 0))

    def _steer(self, release: Acknowledged, number: int, times: int) -> None:
        control = release.planned.controls[number].name

        def answered(answer: httpx.Response) -> None:
            release.answers[control] = answer.status_code
            if control == "pause" and answer.status_code == 409:
                return
            if control == "resume" and answer.status_code == 409 and self._is_paused(release):
                self._later(ASK_AGAIN_AFTER, lambda: self._steer(release, number, times + 1))
                return
            self._continue(release, number + 1)

        key = f"{control}-{release.planned.number}-{times}"
        self._ask(f"/projects/shop/releases/{release.id}/{control}", {"reason": "as planned"}, key, answered)

    def _is_paused(self, release: Acknowledged) -> bool:
        try:
            answer = self.api.request("GET", f"/projects/shop/releases/{release.id}")
        except httpx.TransportError:
            return True
        return not answer.is_success or answer.json()["status"] == "paused"


def _at(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")
