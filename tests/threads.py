"""Functions run at the same instant."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def at_once(*jobs: Callable[[], T]) -> list[T]:
    """Start the jobs at the same instant on a thread each, and return their results."""
    barrier, answers, failures = threading.Barrier(len(jobs)), dict[int, T](), list[BaseException]()

    def run(number: int, job: Callable[[], T]) -> None:
        try:
            barrier.wait()
            answers[number] = job()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=each) for each in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return [answers[number] for number in range(len(jobs))]
