"""The settings, each with its default and its meaning. Only entry points read them."""

import ipaddress
import logging
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import structlog
from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from activities.tracing import add_trace_id
from domain.access import Grant
from domain.flags.git_address import GIT_AUTHOR


def _rate(text: str) -> str:
    if text and not re.fullmatch(r"[1-9][0-9]{0,4}/(second|minute|hour)", text):
        raise ValueError("must be 1 to 99999 requests per second, minute or hour, such as 600/minute, or empty for no limit")
    return text


def _origins(text: str) -> str:
    for origin in text.split(",") if text else ():
        if not re.fullmatch(r"\*|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", origin.strip()):
            raise ValueError(
                "must be origins such as https://shop.example or http://localhost:3000, separated by commas, * for all, or empty for none"
            )
    return text


def _public_url(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^\s/]+(/[^\s?#]*)?", text):
        raise ValueError("must be a URL such as https://flags.example, or empty for no links")
    return text


def _listening_address(text: str) -> str:
    host, _, port = text.rpartition(":")
    try:
        if text and not (ipaddress.ip_address(host.strip("[]")) and 1 <= int(port) <= 65535):
            raise ValueError(port)
    except ValueError as error:
        raise ValueError("must be an IP address and a port, such as 127.0.0.1:9464 or [::1]:9464, or empty for none") from error
    return text


def _secret_keys(keys: SecretStr) -> SecretStr:
    for key in keys.get_secret_value().split(",") if keys.get_secret_value() else ():
        if not re.fullmatch(r"[A-Za-z0-9_-]{43}=", key.strip()):
            raise ValueError("must be keys of 32 bytes in URL-safe base64, separated by commas: `flaghoist secret-key` makes one")
    return keys


def _listed(keys: SecretStr) -> list[str]:
    return [key.strip() for key in keys.get_secret_value().split(",")] if keys.get_secret_value() else []


def _issuer(text: str) -> str:
    if text and not re.fullmatch(r"https://[^\s/?#]+(/[^\s?#]*)?|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?(/[^\s?#]*)?", text):
        raise ValueError("must be an https:// URL, exactly as the identity provider states it, or empty for none")
    return text


class Settings(BaseSettings):
    """Flaghoist's settings. Each is an environment variable that starts with FLAGHOIST_. An empty one counts as not set."""

    model_config = SettingsConfigDict(env_prefix="FLAGHOIST_", env_ignore_empty=True, frozen=True, hide_input_in_errors=True)

    home: Path = Field(default=Path(".flaghoist"), description="The folder in which the embedded stack keeps its state.")
    database_url: str = Field(
        default="", description="An SQLAlchemy URL: `sqlite:///…` or `postgresql+psycopg://…`. Empty: a SQLite file in FLAGHOIST_HOME."
    )
    host: str = Field(default="127.0.0.1", description="The address on which the API listens.")
    port: int = Field(default=8080, ge=1, le=65535, description="The port on which the API listens.")
    temporal_port: int = Field(default=7233, ge=1, le=65535, description="The port of the embedded Temporal server.")
    temporal_ui_port: int = Field(default=8233, ge=1, le=65535, description="The port of the embedded Temporal Web UI.")
    temporal_ui_url: str = Field(
        default="",
        description="The public URL of the Temporal Web UI, for links, and whose pages may read encrypted payloads. "
        "Empty: the embedded one.",
    )
    temporal_api_key_file: Path | None = Field(
        default=None,
        description="The file with the API key for Temporal, read again when it changes, instead of `TEMPORAL_API_KEY`. Empty: none.",
    )
    public_url: Annotated[str, AfterValidator(_public_url)] = Field(
        default="",
        description="The public URL of the API, such as `https://flags.example`, for links in the Temporal Web UI and for the way back "
        "from the OpenID provider. Empty: no links.",
    )
    bootstrap_key: SecretStr = Field(
        default=SecretStr(""),
        description="The first API key, with every right. At least 20 characters. Empty: `flaghoist dev` generates one.",
    )
    reconcile_seconds: float = Field(
        default=15,
        gt=0,
        le=3600,
        description="The interval in seconds at which workers look for releases whose workflow was ended in Temporal.",
    )
    worker_threads: int = Field(
        default=0,
        ge=0,
        le=200,
        description="The number of local activities, and of ordinary ones, that a worker runs at the same time. "
        "All its pools follow from it. 0: 4 on SQLite, 20 on PostgreSQL.",
    )
    deployment_name: str = Field(
        default="",
        pattern=r"^[^.]*$",
        description="The name of the Temporal worker deployment, for worker versioning. It needs FLAGHOIST_BUILD_ID. Empty: no versioning.",
    )
    build_id: str = Field(default="", description="The build of the workers within FLAGHOIST_DEPLOYMENT_NAME, such as `0.2.0`.")
    worker_metrics: Annotated[str, AfterValidator(_listening_address)] = Field(
        default="",
        description="The address on which a worker serves its metrics, such as `127.0.0.1:9464`. Each worker needs its own port. "
        "Empty: no metrics.",
    )
    worker_health: Annotated[str, AfterValidator(_listening_address)] = Field(
        default="",
        description="The address on which a worker answers `GET /healthz`, such as `127.0.0.1:9465`: 503 until it has polled for work, "
        "then 200. Empty: no health check.",
    )
    rate_limit: Annotated[str, AfterValidator(_rate)] = Field(
        default="",
        description="The maximum number of requests per key, such as `600/minute`. Each API process counts separately. Empty: no limit.",
    )
    cors_origins: Annotated[str, AfterValidator(_origins)] = Field(
        default="",
        description="The comma-separated origins of the websites that may read flags from a browser, such as `https://shop.example`. "
        "`*`: all. Empty: none.",
    )
    dashboard: bool = Field(default=True, description="Serve the dashboard at `/`.")
    oidc_issuer: Annotated[str, AfterValidator(_issuer)] = Field(
        default="",
        description="The issuer of the OpenID provider with which people sign in to the dashboard, such as `https://id.example`. "
        "It needs FLAGHOIST_OIDC_CLIENT_ID, FLAGHOIST_OIDC_GRANTS and FLAGHOIST_PUBLIC_URL. Empty: people sign in with API keys only.",
    )
    oidc_client_id: str = Field(default="", description="The id of Flaghoist at the OpenID provider.")
    oidc_client_secret: SecretStr = Field(
        default=SecretStr(""), description="The secret of Flaghoist at the OpenID provider. Empty: a public client."
    )
    oidc_scopes: str = Field(default="openid email profile", description="The scopes that are requested, separated by spaces.")
    oidc_name_claim: str = Field(
        default="email",
        description="The claim of the ID token that becomes the name of a person's owner. People must not be able to choose it freely.",
    )
    oidc_groups_claim: str = Field(default="groups", description="The claim of the ID token that lists a person's groups.")
    oidc_grants: dict[str, tuple[Grant, ...]] = Field(
        default={},
        description="The grants of each group as JSON, such as "
        '`{"developers": [{"project": "webshop", "role": "operator", "environments": ["staging"]}]}`. Other groups give no rights.',
    )
    webhooks_allow_private: bool = Field(
        default=False,
        description="Allow webhook URLs on private and loopback addresses and with plain HTTP. "
        "Unsafe if untrusted users can create webhooks.",
    )
    secret_keys: Annotated[SecretStr, AfterValidator(_secret_keys)] = Field(
        default=SecretStr(""),
        description="The keys with which credentials of flag systems and metric sources are encrypted, separated by commas. The first one "
        "encrypts, and all decrypt. `flaghoist secret-key` makes one. Empty: no credentials can be stored.",
    )
    payload_keys: Annotated[SecretStr, AfterValidator(_secret_keys)] = Field(
        default=SecretStr(""),
        description="The keys with which everything that Temporal stores about releases is encrypted, separated by commas. The first one "
        "encrypts, and all decrypt. `flaghoist secret-key` makes one. Every API and worker needs the same keys. Empty: not encrypted.",
    )
    providers_allow_private: bool = Field(
        default=False,
        description="Allow connections to flag systems on private and loopback addresses and with plain HTTP. "
        "Unsafe if untrusted users administer projects.",
    )
    flagd_folder: Path | None = Field(
        default=None,
        description="The folder that has the folders of files for flagd, and repositories with file:// addresses. Projects can be "
        "connected to those inside it, and to no others. Every API and worker must see the same files. Empty: none of them.",
    )
    git_author: str = Field(
        default=GIT_AUTHOR,
        pattern=r"^[^<>\n]*[^<>\s] <[^<>\s]+@[^<>\s]+>$",
        description="The author of commits in Git repositories with files for flagd. Some servers accept only addresses that they know.",
    )
    metrics_allow_private: bool = Field(
        default=False,
        description="Allow metric sources on private and loopback addresses and with plain HTTP. "
        "Unsafe if untrusted users administer projects.",
    )
    metrics_folder: Path | None = Field(
        default=None,
        description="The folder that has the SQLite files of metrics. Sources can name those inside it, and no others. "
        "Every API and worker must see the same files. Empty: no SQLite files.",
    )
    traces: Literal["off", "otlp"] = Field(
        default="off",
        description="Send traces by OTLP over HTTP. OpenTelemetry's own variables say where, such as `OTEL_EXPORTER_OTLP_ENDPOINT`.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="The lowest level that is logged.")
    log_format: Literal["json", "text"] = Field(default="json", description="The format of log lines.")

    @model_validator(mode="after")
    def _openid_is_complete(self) -> Self:
        needed = {"OIDC_CLIENT_ID": self.oidc_client_id, "OIDC_GRANTS": self.oidc_grants, "PUBLIC_URL": self.public_url}
        missing = [f"FLAGHOIST_{name}" for name, value in needed.items() if not value]
        if self.oidc_issuer and missing:
            raise ValueError(f"FLAGHOIST_OIDC_ISSUER also needs {', '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _versioning_is_complete(self) -> Self:
        if bool(self.deployment_name) != bool(self.build_id):
            raise ValueError("FLAGHOIST_DEPLOYMENT_NAME and FLAGHOIST_BUILD_ID need each other: set both, or neither")
        return self

    @property
    def sealing_keys(self) -> list[str]:
        """The keys that encrypt credentials, the current one first."""
        return _listed(self.secret_keys)

    @property
    def codec_keys(self) -> list[str]:
        """The keys that encrypt what Temporal stores, the current one first."""
        return _listed(self.payload_keys)

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.home.absolute() / 'flaghoist.db'}"

    @property
    def public_api(self) -> str:
        """The public URL of the API without a slash at its end, or nothing."""
        return self.public_url.rstrip("/")

    @property
    def websites(self) -> list[str]:
        """The origins of the websites that may read flags from a browser."""
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]

    @property
    def temporal_ui(self) -> str:
        """The URL of the Temporal Web UI."""
        return (self.temporal_ui_url or f"http://127.0.0.1:{self.temporal_ui_port}").rstrip("/")

    @property
    def temporal_ui_origin(self) -> str:
        """The origin of the pages of the Temporal Web UI, as browsers state it."""
        return "/".join(self.temporal_ui.split("/")[:3]).lower()


class _StandardError:
    """The stream for log lines. Lines that can't be written are lost: a full disk must stop neither requests nor the outbox."""

    def write(self, text: str) -> int:
        """Write the text, if possible."""
        with suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream, if possible."""
        with suppress(OSError):
            sys.stderr.flush()


def configure_logs(settings: Settings) -> None:
    """Log one line per event to standard error, both for our own events and for those of libraries."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    lines: Any = _StandardError()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        *([add_trace_id] if settings.traces != "off" else []),
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
