"""The sizes of a worker's pools, which all follow from one setting."""

from typing import NamedTuple

WEBHOOK_SLOTS = 8
"""The number of webhooks that a worker delivers to at the same time."""

WATCH_SLOTS = 1000
"""The number of stages that a worker watches at the same time. Further ones wait for a slot or for another worker."""

SOURCE_THREADS = 32
"""The number of questions to metric sources at the same time."""

LOOP_THREADS = 8
"""The number of threads on which the outbox relay, the reconciler and the webhook dispatcher use the database."""


class WorkerPools(NamedTuple):
    """The pools of a worker that runs `changes` ordinary activities at the same time, and as many local ones.

    Changes, controls and holds are local activities. A change whose local attempt failed is a regular activity, with slots and threads of
    its own, because in an outage it keeps them for long.
    """

    changes: int

    @property
    def local_activities(self) -> int:
        """The number of changes, controls and holds that are tried within workflow tasks at the same time."""
        return self.changes

    @property
    def local_changes(self) -> int:
        """The number of these that may be changes. They leave slots to controls and holds when the database is slow."""
        return max(1, self.local_activities // 2)

    @property
    def workflow_tasks(self) -> int:
        """The number of workflow tasks at the same time. Each may wait for a local activity, so more would wait for each other."""
        return self.changes + self.local_activities

    @property
    def threads(self) -> int:
        """The number of threads for activities. None waits for a thread while it has a slot."""
        return self.changes + self.local_activities

    @property
    def connections(self) -> int:
        """The number of database connections. There is one for each thread that works with it.

        Threads that ask sources share them: they read definitions for a moment, and not again for some seconds.
        """
        return self.threads + WEBHOOK_SLOTS + LOOP_THREADS


def pools_for(worker_threads: int, *, is_sqlite: bool) -> WorkerPools:
    """Return the pools for a setting, where 0 is the default. SQLite gets small ones: it allows one writer at a time."""
    return WorkerPools(worker_threads or (4 if is_sqlite else 20))
