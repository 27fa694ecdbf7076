"""Name lookups with a time limit: the system's resolver has none of its own that is short enough."""

import queue
import threading

from activities.dns import Lookup

LOOKUP_SECONDS = 4.0


def bounded(lookup: Lookup, seconds: float = LOOKUP_SECONDS) -> Lookup:
    """Return the same lookup, which raises OSError after that time. The thread that still waits ends by itself."""

    def look_up(host: str, port: int) -> list[str]:
        answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

        def run() -> None:
            try:
                answers.put(lookup(host, port))
            except (OSError, UnicodeError) as error:
                answers.put(error)

        threading.Thread(target=run, name="metric-lookup", daemon=True).start()
        try:
            found = answers.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError("the lookup took too long") from None
        if isinstance(found, Exception):
            raise found
        return found

    return look_up
