"""Local attempts at changes leave slots to others while the database is slow."""

import threading
import time

import pytest
from temporalio.exceptions import ApplicationError

from activities.local_turns import LocalTurns


def test_a_turn_is_free_again_whatever_happened_in_it() -> None:
    turns = LocalTurns(1)
    for _ in range(3):
        with pytest.raises(KeyError), turns.turn():
            raise KeyError

    with turns.turn():
        pass


def test_after_a_wait_in_vain_nobody_waits_until_a_turn_has_ended_well(monkeypatch: pytest.MonkeyPatch) -> None:
    turns, waits = LocalTurns(1), list[float]()
    acquire = threading.BoundedSemaphore.acquire

    def noting(semaphore: threading.BoundedSemaphore, blocking: bool = True, timeout: float | None = None) -> bool:
        waits.append(timeout or 0)
        return acquire(semaphore, blocking, 0)

    monkeypatch.setattr(threading.BoundedSemaphore, "acquire", noting)
    with turns.turn():
        for _ in range(3):
            with pytest.raises(ApplicationError), turns.turn():
                pass
    with turns.turn(), pytest.raises(ApplicationError), turns.turn():
        pass

    assert [wait > 0 for wait in waits] == [True, True, False, False, True, True]


def test_a_turn_that_becomes_free_is_taken() -> None:
    turns, entered = LocalTurns(1), threading.Event()

    def take_one() -> None:
        with turns.turn():
            entered.set()
            time.sleep(0.05)

    other = threading.Thread(target=take_one)
    other.start()
    entered.wait()
    with turns.turn():
        other.join()
