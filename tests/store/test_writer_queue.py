"""Writers take turns, and no exception leaves a turn taken, wherever it is raised."""

import ctypes
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from activities.store.writer_queue import WriterQueue
from tests.threads import at_once
from tests.waiting import CEILING, wait_for

INTERRUPTIONS = 400


class Interrupted(BaseException):
    """Raised into a thread at any point, like a cancellation by Temporal's SDK."""


def interrupt(thread: threading.Thread) -> None:
    assert thread.ident
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Interrupted))


def test_one_thread_at_a_time_has_the_turn() -> None:
    queue, inside, most = WriterQueue(), list[int](), list[int]()

    def write() -> None:
        for _ in range(200):
            with queue.turn(CEILING):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0)
                inside.pop()

    at_once(write, write, write, write)

    assert most == [1] * 800
    assert queue.is_empty


def test_turns_are_taken_in_the_order_in_which_they_were_asked_for() -> None:
    queue, order, threads = WriterQueue(), list[int](), list[threading.Thread]()

    def write(number: int) -> None:
        with queue.turn(CEILING):
            order.append(number)

    with queue.turn(CEILING):
        for number in range(8):
            threads.append(threading.Thread(target=write, args=[number]))
            threads[-1].start()
            wait_for("the thread to queue", lambda: len(queue._tickets) == len(threads) + 1, interval=0.001)

    for thread in threads:
        thread.join(CEILING)
    assert order == list(range(8))


def test_writer_goes_on_without_its_turn_after_the_timeout() -> None:
    queue, reached = WriterQueue(), list[str]()

    def write() -> None:
        with queue.turn(0.05):
            reached.append("the block")

    with queue.turn(CEILING):
        at_once(write)

        assert reached == ["the block"]

    assert queue.is_empty


def test_no_turn_stays_taken_after_exceptions_at_random_points() -> None:
    queue, ends, draw = WriterQueue(), threading.Event(), random.Random(7)  # noqa: S311 (reproducible, not a secret)

    def write_until_the_end() -> None:
        while not ends.is_set():
            with suppress(Interrupted):
                while not ends.is_set():
                    _write_for_a_moment(queue)

    threads = [threading.Thread(target=_shielded(write_until_the_end)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(INTERRUPTIONS):
        interrupt(draw.choice(threads))
        time.sleep(draw.uniform(0, 0.002))
    ends.set()
    for thread in threads:
        thread.join(CEILING)

    assert not any(thread.is_alive() for thread in threads)
    wait_for("an empty queue", lambda: queue.is_empty, seconds=10)


def _write_for_a_moment(queue: WriterQueue) -> None:
    with queue.turn(CEILING):
        pass


def _shielded(work: Callable[[], None]) -> Callable[[], None]:
    """Begin again after an interruption between two rounds of the work."""

    def run() -> None:
        is_done = False
        while not is_done:
            with suppress(Interrupted):
                work()
                is_done = True

    return run
