"""Connections to Temporal, configured by Temporal's own environment variables, and by a file with the API key."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.common import HeaderCodecBehavior
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import Runtime

from activities.tracing import Tracer
from workflows.payloads import data_converter
from workflows.service.traces import Traces


class CredentialsUnreadable(Exception):
    """The settings of the connection, or a file that they name, can't be read."""


@dataclass(frozen=True)
class Connection:
    """How a process connects, besides Temporal's own environment variables."""

    api_key_file: Path | None = None
    """The file with the API key. It takes precedence over the variable."""
    payload_keys: Sequence[str] = ()
    """The keys that encrypt payloads, the current one first."""
    runtime: Runtime | None = None
    """The runtime of the SDK, by default that of all clients without one."""
    tracer: Tracer | None = None
    """The tracer, if traces are on."""

    async def connect(self, *, lazy: bool = True) -> Client:
        """Return a client. A lazy one connects when it is first used. Raises CredentialsUnreadable."""
        return await self.connect_with(await asyncio.to_thread(self.load_config), lazy=lazy)

    async def connect_with(self, config: ClientConnectConfig, *, lazy: bool) -> Client:
        """Return a client with this configuration."""
        return await Client.connect(
            **config,
            data_converter=data_converter(self.payload_keys),
            header_codec_behavior=HeaderCodecBehavior.NO_CODEC,
            interceptors=[Traces(self.tracer)] if self.tracer else [],
            lazy=lazy,
            runtime=self.runtime,
        )

    def load_config(self) -> ClientConnectConfig:
        """Read the environment and all files that it names. Raises CredentialsUnreadable."""
        try:
            config = ClientConfig.load_client_connect_config()
            key = self.api_key_file.read_text(encoding="utf-8").strip() if self.api_key_file else None
        except (OSError, RuntimeError, ValueError) as error:
            message = f"The credentials for Temporal can't be read: {error}. Check the files in TEMPORAL_TLS_* and the API key's file."
            raise CredentialsUnreadable(message) from error
        if self.api_key_file and not key:
            raise CredentialsUnreadable(f"The file {self.api_key_file} has no API key. Write the key into it, and nothing else.")
        config.setdefault("target_host", "127.0.0.1:7233")
        if key:
            config["api_key"] = key
            config.setdefault("tls", True)
        return config


ENVIRONMENT = Connection()
"""A connection that Temporal's environment variables configure alone."""


def uses(client: Client, config: ClientConnectConfig) -> bool:
    """True if the client was made with the same address and credentials."""
    used: Any = client.service_client.config
    wanted = (config["target_host"], config.get("api_key"), config.get("tls"), config.get("rpc_metadata", {}))
    return (used.target_host, used.api_key, used.tls, used.rpc_metadata) == wanted
