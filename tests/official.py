"""The official SDKs, as an application starts them."""

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flagsmith import Flagsmith
from openfeature import api as openfeature
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.provider import AbstractProvider
from openfeature_flagsmith.provider import FlagsmithProvider

from tests.waiting import CEILING


@contextmanager
def flagsmith_sdk(address: str, key: str, **options: Any) -> Iterator[Flagsmith]:
    """Flagsmith's SDK, in remote evaluation unless the options say otherwise."""
    api = f"{address}/flagsmith/api/v1/"
    # Its stream has no end but the server's, and outlives the block. A traceback that it logs until then would make pytest crash
    # when that reports a failure: in Python 3.11.7 both parse source code, which two threads can't do at once (python/cpython#106905).
    logging.getLogger("flagsmith.streaming_manager").disabled = True
    sdk = Flagsmith(environment_key=key, api_url=api, realtime_api_url=api, **options)
    try:
        yield sdk
    finally:
        if stream := getattr(sdk, "event_stream_thread", None):
            stream.stop()
        if polling := getattr(sdk, "environment_data_polling_manager_thread", None):
            polling.stop()
            polling.join(CEILING)
        sdk.session.close()


@contextmanager
def openfeature_with_ofrep(address: str, key: str) -> Iterator[OpenFeatureClient]:
    """OpenFeature's SDK with its provider for OFREP."""
    provider = OFREPProvider(address, headers_factory=lambda: {"Authorization": f"Bearer {key}"})
    with _client(provider) as client:
        yield client
    provider.session.close()


@contextmanager
def openfeature_with_flagsmith(address: str, key: str, **options: Any) -> Iterator[OpenFeatureClient]:
    """OpenFeature's SDK with Flagsmith's provider."""
    with flagsmith_sdk(address, key, **options) as sdk, _client(FlagsmithProvider(sdk)) as client:
        yield client


@contextmanager
def _client(provider: AbstractProvider) -> Iterator[OpenFeatureClient]:
    domain = uuid.uuid4().hex
    openfeature.set_provider(provider, domain)
    yield openfeature.get_client(domain)
    openfeature.clear_providers()


def somebody(identifier: str | None = "ada", **traits: Any) -> EvaluationContext:
    """Return an evaluation context."""
    return EvaluationContext(identifier, traits)
