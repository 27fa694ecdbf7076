"""Tables of the evidence of guardrails and of gates that sample something."""

from sqlalchemy import JSON, BigInteger, Column, Float, ForeignKey, Integer, SmallInteger, String, Table, UniqueConstraint

from activities.store.columns import UtcDateTime
from activities.store.tables import metadata

watches = Table(
    "watches",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("release_id", String(36), ForeignKey("releases.id"), nullable=False),
    Column("visit", Integer, nullable=False),
    Column("key", String(140), nullable=False),
    Column("observed", JSON, nullable=False),
    Column("sampled_at", UtcDateTime, nullable=False, index=True),
    UniqueConstraint("release_id", "visit", "key"),
)
"""The state of each guardrail and sampling gate in each visit of a release."""

samples = Table(
    "samples",
    metadata,
    Column("watch_id", Integer, ForeignKey("watches.id"), primary_key=True, autoincrement=False),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Float),
    Column("outcome", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""One row for each sample, kept small: `at` is in milliseconds since 1970, and `outcome` an index into `OUTCOMES`."""

looks = Table(
    "looks",
    metadata,
    Column("watch_id", Integer, ForeignKey("watches.id"), primary_key=True, autoincrement=False),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("look", JSON, nullable=False),
    Column("split", Float),
)
"""The numbers of an experiment at each look. `split` is the p-value of its split of users."""

decisions = Table(
    "decisions",
    metadata,
    Column("release_id", String(36), ForeignKey("releases.id"), primary_key=True),
    Column("visit", Integer, primary_key=True, autoincrement=False),
    Column("key", String(140), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("ships", String(64), nullable=False),
    Column("decision", JSON, nullable=False),
)
"""The final decisions of experiments. `ships` is the variant that is served to everyone, the control, or empty if a person decides."""

watchers = Table(
    "watchers",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("beats", BigInteger, nullable=False),
)
"""The workers that watch stages. Each counts up for as long as it lives, so others see that it does, whatever their clocks say."""

open_watches = Table(
    "open_watches",
    metadata,
    Column("release_id", String(36), ForeignKey("releases.id"), primary_key=True),
    Column("visit", Integer, primary_key=True, autoincrement=False),
    Column("watcher", String(36), nullable=False, index=True),
)
"""The visits that are watched now, and the worker that does it: the release itself until there is one.

It has no foreign key to the worker, because a dead one is deleted first.
"""
