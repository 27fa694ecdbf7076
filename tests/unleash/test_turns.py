"""The limit of calls that are in flight at the same time."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest

from activities.providers.errors import ProviderThrottled
from activities.providers.flag_system import SegmentKeys, SystemFlag
from activities.providers.systems import ConnectedSystem
from activities.providers.unleash.admin_api import UnleashAdminApi
from activities.providers.unleash.system import UnleashProject
from domain.flags.connection import Connection
from domain.flags.provider import ProviderKind
from domain.flags.variant import Variants
from tests.unleash.shop import ENVIRONMENTS, Shop

pytestmark = pytest.mark.xdist_group("unleash")


def test_calls_at_the_same_time_stay_within_the_limit(shop: Shop) -> None:
    connection = Connection(kind=ProviderKind.UNLEASH, address=shop.unleash.address, environments=ENVIRONMENTS, calls=3)
    watched = _Counting(shop.api)
    system = ConnectedSystem(connection, watched)

    with ThreadPoolExecutor(30) as pool:
        found = list(pool.map(lambda _: system.flags(shop.feature, {}), range(60)))

    assert watched.most == 3
    assert all(each.keys() == ENVIRONMENTS.keys() for each in found)


def test_call_that_gets_no_turn_is_throttled(shop: Shop) -> None:
    connection = Connection(kind=ProviderKind.UNLEASH, address=shop.unleash.address, environments=ENVIRONMENTS, calls=1)
    system = ConnectedSystem(connection, UnleashProject(shop.api, "default"), turn_seconds=0)

    with system._turn(), pytest.raises(ProviderThrottled):
        system.features()
    assert system.features()


class _Counting(UnleashProject):
    """Counts the calls that are in flight at the same time."""

    def __init__(self, api: UnleashAdminApi) -> None:
        super().__init__(api, "default")
        self._lock, self._now, self.most = Lock(), 0, 0

    def flags(self, feature: str, segments: SegmentKeys, variants: Variants = ()) -> Mapping[str, SystemFlag]:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            return super().flags(feature, segments, variants)
        finally:
            with self._lock:
                self._now -= 1
