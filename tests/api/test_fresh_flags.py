"""Views of flags that are kept elsewhere, while the other system fails."""

from collections.abc import Mapping
from threading import Barrier

import pytest
from pydantic import SecretStr

from activities.dns import Resolver
from activities.providers.elsewhere import FlagsElsewhere
from activities.providers.errors import ProviderUnavailable
from activities.providers.flag_system import SystemFeature, SystemFlag, SystemSegment
from activities.providers.sealing import Sealer
from activities.providers.systems import FlagSystems
from activities.store.database import Database
from activities.store.identifiers import new_id
from api import fresh_flags
from api.fresh_flags import READERS, FreshFlags
from domain.flags.connection import Connection
from domain.flags.flag import FlagState
from domain.flags.provider import ProviderKind
from domain.flags.variant import Variants
from tests.waiting import CEILING
from tests.world import NOW

ON = SystemFlag(FlagState(enabled=True), ("A strategy of others.",))


class Features:
    """A flag system with as many features as are read at the same time. It can be down."""

    def __init__(self) -> None:
        self.is_down = False
        self.calls = 0
        self.reading = Barrier(READERS)

    def features(self) -> list[SystemFeature]:
        """Return the features."""
        self._call()
        return [SystemFeature(f"feature-{number}") for number in range(READERS)]

    def segments(self) -> list[SystemSegment]:
        """Return no segments."""
        return []

    def flags(self, _feature: str, _segments: Mapping[str, str], _variants: Variants) -> Mapping[str, SystemFlag]:
        """Return a flag once as many others are being read."""
        self._call()
        self.reading.wait(CEILING)
        return {"live": ON}

    def close(self) -> None:
        """Close nothing."""

    def _call(self) -> None:
        self.calls += 1
        if self.is_down:
            raise ProviderUnavailable("The connection failed.")


@pytest.fixture
def system() -> Features:
    return Features()


@pytest.fixture
def fresh(sqlite: Database, system: Features) -> FreshFlags:
    """The flags of the project `shop`, which is connected to that system."""
    with sqlite.transaction() as store:
        store.projects.insert(NOW, id=(project := new_id()), key="shop", name="Shop", provider=ProviderKind.UNLEASH)
        store.environments.insert(NOW, id=new_id(), project_id=project, key="production", name="Production")
        connection = Connection(kind=ProviderKind.UNLEASH, address="https://unleash.example", environments={"production": "live"})
        store.connections.write(project, connection, None, NOW)

    def opened(_connection: Connection, _credential: SecretStr | None) -> Features:
        return system

    systems = FlagSystems(Sealer(), Resolver(allow_private=False), opened=opened)  # type: ignore[arg-type] # it is read only
    return FreshFlags(sqlite, FlagsElsewhere(sqlite, systems))


def test_flags_of_a_list_are_read_at_the_same_time(fresh: FreshFlags) -> None:
    fresh.prefer_every("shop")

    with fresh.database.reading() as store:
        project = store.projects.get("shop")
        names = store.system_names.all(project.id, "feature")
        [production] = store.environments.all(project.id)
        states = [store.features.state(each, production) for each in store.features.all(project.id)]
    assert states == [ON.state] * READERS
    assert {each.foreign["production"][0] for each in names.values()} == {"A strategy of others."}


def test_views_of_a_system_that_is_down_ask_once_and_then_pause(
    fresh: FreshFlags, system: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.is_down = True
    for _ in range(3):
        fresh.prefer("shop")
        fresh.prefer_all("shop", ["feature-1", "feature-2"])
    assert system.calls == 1

    with pytest.raises(ProviderUnavailable):
        fresh.require("shop")
    assert system.calls == 2, "a decision always asks"

    monkeypatch.setattr(fresh_flags, "PAUSE", 0.0)
    system.is_down = False
    fresh.prefer("shop")
    with fresh.database.reading() as store:
        project = store.projects.get("shop")
        assert store.system_names.find(project.id, "feature", "feature-1")
        stored = store.connections.find(project.id)
        assert stored
        assert stored.outage is None
