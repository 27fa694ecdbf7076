"""A client of Flagsmith that waits while it is throttled, for reading whole projects."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from activities.providers.errors import ProviderThrottled
from activities.providers.flagsmith.admin_api import FlagsmithAdminApi

WAIT = timedelta(seconds=10)
"""If Flagsmith does not say how long to wait."""

LONGEST_WAIT = timedelta(minutes=2)
"""For one call. The hosted service counts calls per minute."""


class PatientApi(FlagsmithAdminApi):
    """The Admin API. A call that is throttled is repeated when Flagsmith allows it."""

    pause: Callable[[float], None] = staticmethod(time.sleep)

    def _call(self, method: str, path: str, body: Any = None, parameters: dict[str, int | str] | None = None) -> Any:
        waited = timedelta()
        while True:
            try:
                return super()._call(method, path, body, parameters)
            except ProviderThrottled as throttled:
                wait = WAIT if throttled.retry_after is None else max(throttled.retry_after, timedelta(seconds=1))
                waited += wait
                if waited > LONGEST_WAIT:
                    raise
                self.pause(wait.total_seconds())
