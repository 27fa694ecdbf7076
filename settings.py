"""Every knob, with its default and its meaning. Read only at the process_exit."""

import ipaddress
import logging
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import structlog
from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _rate(text: str) -> str:
    if text and not re.fullmatch(r"[1-9][0-9]{0,4}/(second|minute|hour)", text):
        raise ValueError("must be a number of requests, at most 99999, per second, minute or hour, such as 600/minute; empty for no limit")
    return text


def _origins(text: str) -> str:
    for origin in text.split(",") if text else ():
        if not re.fullmatch(r"\*|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", origin.strip()):
            raise ValueError(
                "must be origins such as https://shop.example or http://localhost:3000, with commas between; * for all; empty for none"
            )
    return text


def _listening_address(text: str) -> str:
    host, _, port = text.rpartition(":")
    try:
        if text and not (ipaddress.ip_address(host.strip("[]")) and 1 <= int(port) <= 65535):
            raise ValueError(port)
    except ValueError as error:
        raise ValueError("must be an IP address and a port, such as 127.0.0.1:9464 or [::1]:9464; empty for no metrics") from error
    return text


class Settings(BaseSettings):
    """Flaghoist's settings, each an environment variable that begins with FLAGHOIST_."""

    model_config = SettingsConfigDict(env_prefix="FLAGHOIST_", frozen=True)

    home: Path = Field(default=Path(".flaghoist"), description="Where the embedded stack keeps its state.")
    database_url: str = Field(
        default="", description="An SQLAlchemy URL: `sqlite:///…` or `postgresql+psycopg://…`. Empty: SQLite under FLAGHOIST_HOME."
    )
    host: str = Field(default="127.0.0.1", description="The address the API listens on.")
    port: int = Field(default=8080, ge=1, le=65535, description="The port the API listens on.")
    temporal_port: int = Field(default=7233, ge=1, le=65535, description="The port of the embedded Temporal server.")
    temporal_ui_port: int = Field(default=8233, ge=1, le=65535, description="The port of the embedded Temporal Web UI.")
    temporal_ui_url: str = Field(default="", description="Where people reach the Temporal Web UI, for links. Empty: the embedded one.")
    bootstrap_key: SecretStr = Field(
        default=SecretStr(""), description="A first key with every right, at least 20 characters; made by `flaghoist dev` if not given."
    )
    reconcile_seconds: float = Field(
        default=15, gt=0, le=3600, description="How often the workers look for releases whose workflow was ended at Temporal."
    )
    worker_threads: int = Field(
        default=0, ge=0, le=200, description="How many activities a worker runs at once. 0: 4 on SQLite, 20 on PostgreSQL."
    )
    worker_metrics: Annotated[str, AfterValidator(_listening_address)] = Field(
        default="",
        description="Where a worker serves its metrics, such as `127.0.0.1:9464`. Empty: nowhere. One port per worker.",
    )
    rate_limit: Annotated[str, AfterValidator(_rate)] = Field(
        default="",
        description="How many requests each key may send, such as `600/minute`. Every API process counts for itself. Empty: no limit.",
    )
    cors_origins: Annotated[str, AfterValidator(_origins)] = Field(
        default="",
        description="Which websites may read flags from a browser, such as `https://shop.example`, with commas between; `*` for all. "
        "Empty: none.",
    )
    webhooks_allow_private: bool = Field(
        default=False,
        description="Whether webhooks may lead to private and loopback addresses, and by plain HTTP. Not where others make webhooks.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="The least that is logged.")
    log_format: Literal["json", "text"] = Field(default="json", description="How log lines are written.")

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.home.absolute() / 'flaghoist.db'}"

    @property
    def websites(self) -> list[str]:
        """Which websites may read flags from a browser."""
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]

    @property
    def temporal_ui(self) -> str:
        """Where people reach the Temporal Web UI."""
        return (self.temporal_ui_url or f"http://127.0.0.1:{self.temporal_ui_port}").rstrip("/")


class _StandardError:
    """Where lines go. One that can't be written is lost, and nothing else is: a full disk must stop neither requests nor the outbox."""

    def write(self, text: str) -> int:
        """Write if that can be done."""
        with suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Have it written if that can be done."""
        with suppress(OSError):
            sys.stderr.flush()


def configure_logs(settings: Settings) -> None:
    """One line per event on standard error, ours and the libraries' alike."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    lines: Any = _StandardError()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper("iso", utc=True),
    ]
    text = settings.log_format == "text"
    renderer = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if text
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer] if not text else [*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(lines),
    )
    handler = logging.StreamHandler(lines)
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer], foreign_pre_chain=shared
    )
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=max(level, logging.INFO), force=True)
    logging.getLogger("temporalio").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpcore").setLevel(logging.WARNING)
