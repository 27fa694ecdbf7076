"""The fixture of a project in Flagsmith: replayed, or with `FLAGSMITH_ADDRESS` real and recorded."""

import os
from collections.abc import Iterator

import pytest

from tests.flagsmith.conversation import RECORDED, Recorder, Replay, speaking
from tests.flagsmith.project import ShopInFlagsmith


@pytest.fixture
def shop(request: pytest.FixtureRequest) -> Iterator[ShopInFlagsmith]:
    """A new project. A conversation is recorded if the real Flagsmith keeps the promise, and has to be used up when it is replayed."""
    name = request.node.name
    path = RECORDED / f"{name.replace('[', '.').rstrip(']')}.json"
    real = os.environ.get("FLAGSMITH_ADDRESS")
    answering = Recorder(real, os.environ["FLAGSMITH_API_KEY"]) if real else Replay(path)
    failed_before = request.session.testsfailed
    with speaking(answering) as address:
        shop = ShopInFlagsmith(address, name)
        yield shop
        shop.close()
    answering.close()
    if isinstance(answering, Replay):
        assert answering.unused == []
    elif "FLAGSMITH_RECORD" in os.environ and request.session.testsfailed == failed_before and request.path.name.startswith("test_"):
        answering.save(path)
