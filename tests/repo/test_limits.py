"""docs/guide/limits.md has the same numbers as the code."""

import re
from datetime import timedelta
from typing import Any

from activities.commands.bootstrap import SHORTEST
from activities.http_post import TIMEOUT_SECONDS
from activities.metrics.http_calls import LARGEST_ANSWER
from activities.metrics.reader import MOST_POINTS, SAMPLE_SECONDS
from activities.metrics.rows import MOST_GROUPS
from activities.store import deliveries
from activities.store.paging import MOST, USUAL
from activities.store.requests import KEPT
from api.app import create_app
from api.body_limits import LARGEST_BODY
from api.document_problems import MOST_PROBLEMS
from api.routes.pipelines import SHOWN_IN_A_STAGE
from domain.duration import LONGEST
from domain.evaluation.identity import LARGEST_TRAIT, LONGEST_IDENTIFIER, LONGEST_TRAIT, LONGEST_TRAIT_KEY, MOST_TRAITS
from domain.flags.allocation import MOST_VARIANTS
from domain.flags.flag import LARGEST_INTEGER, LAST_PRIORITY, LONGEST_STRING, MOST_OVERRIDES
from domain.flags.regex import DEEPEST_GROUPS, LARGEST
from domain.flags.segment import DEEPEST_RULES
from domain.metrics.metric import LONGEST_QUERY, MOST_METRICS
from domain.metrics.source import MOST_CALLS, MOST_SOURCES, USUAL_CALLS
from domain.percentage import MOST_DECIMALS
from domain.pipelines.gate import MOST_APPROVALS, MOST_GATES
from domain.pipelines.parameter import MOST_PARAMETERS
from domain.pipelines.pipeline import LARGEST_DEFINITION, MOST_STAGES
from domain.pipelines.ramp import MOST_STEPS
from domain.pipelines.trigger import FARTHEST
from domain.pipelines.window import MOST_RANGES
from domain.releases.waiting import PATIENCE
from domain.text import LONGEST_REASON, SLUG_PATTERN
from domain.webhooks.address import LONGEST_URL
from domain.webhooks.webhook import MOST_WEBHOOKS, OLD_SECRET_LIFETIME, RetryPolicy
from settings import Settings
from tests.repo.guide import ROOT, rows, text_of
from workflows.policies import ACTIVITY_OPTIONS, UPDATE_TIMEOUT
from workflows.search_attributes import ALL, KEYWORDS
from workflows.service.worker_pools import WEBHOOK_SLOTS, pools_for

DOCUMENT = text_of("docs/guide/limits.md")
DESCRIPTION = create_app(Settings()).openapi()
SCHEMAS = DESCRIPTION["components"]["schemas"]


def _field(model: str, field: str, limit: str) -> int:
    """Return a limit of a request field from the OpenAPI document."""
    schema = SCHEMAS.get(model) or SCHEMAS[f"{model}-Input"]
    found: dict[str, Any] = schema["properties"][field]
    [number] = [each[limit] for each in (found, *found.get("anyOf", ())) if limit in each]
    return int(number)


def _longest_slug() -> int:
    return next(length for length in range(1, 1000) if not re.match(SLUG_PATTERN, "a" * (length + 1)))


def _idempotency_key() -> int:
    parameters = DESCRIPTION["paths"]["/api/v1/keys"]["post"]["parameters"]
    [schema] = [each["schema"] for each in parameters if each["name"].lower() == "idempotency-key"]
    return int(max(each.get("maxLength", 0) for each in schema["anyOf"]))


def _api_connections() -> int:
    return int(re.findall(r"pool_size=(\d+)", (ROOT / "api" / "app.py").read_text())[0])


def _threads() -> int:
    return int(next(each.le for each in Settings.model_fields["worker_threads"].metadata if hasattr(each, "le")))


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())


LIMITS = {
    "stages in a pipeline": MOST_STAGES,
    "actions in a stage": _field("Stage", "actions", "maxItems"),
    "parameters of a pipeline": MOST_PARAMETERS,
    "gates of a stage": MOST_GATES,
    "approvals that a gate requires": MOST_APPROVALS,
    "ranges of a window": MOST_RANGES,
    "size of a definition, in KiB of JSON": LARGEST_DEFINITION // 1024,
    "length of a wait, and time between two steps of a rollout, in days": LONGEST.days,
    "steps of a rollout": MOST_STEPS,
    "decimals of a percentage": MOST_DECIMALS,
    "distance of a point in time from now, in days": FARTHEST.days,
    "unfinished releases per flag": 1,
    "length of a string value, in characters": LONGEST_STRING,
    "integer value, positive or negative": LARGEST_INTEGER,
    "overrides of a flag in an environment": MOST_OVERRIDES,
    "variants of a feature": MOST_VARIANTS,
    "priority of an override; the first is 0": LAST_PRIORITY,
    "rules in a segment, and in a rule": _field("Rule", "rules", "maxItems"),
    "conditions in a rule": _field("Rule", "conditions", "maxItems"),
    "nesting depth of rules": DEEPEST_RULES,
    "regular expression with its repetitions written out, in characters": LARGEST,
    "nesting depth of its groups": DEEPEST_GROUPS,
    "identifier, in characters": LONGEST_IDENTIFIER,
    "traits of an identity": MOST_TRAITS,
    "key of a trait, in characters": LONGEST_TRAIT_KEY,
    "text trait, in characters; 300 if it contains only digits": LONGEST_TRAIT,
    "integer trait, positive or negative": LARGEST_TRAIT,
    "value of a condition, in characters": _field("Condition", "value", "maxLength"),
    "key, in characters: `a-z`, `0-9`, `-` and `_`, beginning and ending with a letter or digit": _longest_slug(),
    "name, in characters": _field("Stage", "name", "maxLength"),
    "description, in characters": _field("Stage", "description", "maxLength"),
    "reason, in characters": LONGEST_REASON,
    "name of a trait, in characters": _field("Condition", "property", "maxLength"),
    "grants of a key": _field("CreateKey", "grants", "maxItems"),
    "environments in a grant": _field("Grant", "environments", "maxItems"),
    "webhooks of a project": MOST_WEBHOOKS,
    "URL of a webhook, in characters": LONGEST_URL,
    "duration of a delivery attempt, in seconds": int(TIMEOUT_SECONDS),
    "time between two attempts of one delivery, in hours": _seconds(RetryPolicy().longest) // 3600,
    "time between two attempts of any delivery while all fail, in seconds": _seconds(RetryPolicy().longest_backoff),
    "time in which a delivery is retried, in hours": _seconds(RetryPolicy().give_up_after) // 3600,
    "time in which finished deliveries are listed, in days": deliveries.KEPT.days,
    "time in which the old secret is still used after a rotation, in hours": _seconds(OLD_SECRET_LIFETIME) // 3600,
    "webhooks that a worker delivers to at once": WEBHOOK_SLOTS,
    "metric sources of a project": MOST_SOURCES,
    "metrics of a project": MOST_METRICS,
    "query of a metric, in characters": LONGEST_QUERY,
    f"calls to a source at the same time, of each process; {USUAL_CALLS} by default": MOST_CALLS,
    "duration of a question with its wait for a turn, in seconds": int(SAMPLE_SECONDS),
    "answer of a source, in KiB": LARGEST_ANSWER // 1024,
    "groups in an answer": MOST_GROUPS,
    "points of a history": MOST_POINTS,
    "request body, in KiB": LARGEST_BODY // 1024,
    f"items on a page of a list; {USUAL} by default": MOST,
    "flags shown in a stage of a pipeline; the count includes all": SHOWN_IN_A_STAGE,
    "problems listed in one answer": MOST_PROBLEMS,
    "`Idempotency-Key`, in characters": _idempotency_key(),
    "time in which it is remembered, in hours": _seconds(KEPT) // 3600,
    "time for a control to take effect, in seconds; then 503": _seconds(UPDATE_TIMEOUT),
    "duration of an attempt to make a change, in seconds": _seconds(ACTIVITY_OPTIONS["start_to_close_timeout"]),
    "time between two attempts, in seconds": _seconds(ACTIVITY_OPTIONS["retry_policy"].maximum_interval),
    "lateness of a stage before `waiting_for` reports a problem, in seconds": _seconds(PATIENCE),
    "connections of an API process to PostgreSQL": _api_connections(),
    "connections of a worker to PostgreSQL, by default": pools_for(0, is_sqlite=False).connections,
    "local activities, and ordinary ones, that a worker runs at the same time, by `FLAGHOIST_WORKER_THREADS`": _threads(),
}


def test_every_limit_has_the_number_of_the_code() -> None:
    shown = {limit: number for limit, number in rows(DOCUMENT) if limit != "limit"}

    assert shown == {limit: f"{number:,}" for limit, number in LIMITS.items()}


def test_numbers_in_sentences_are_those_of_the_code() -> None:
    assert LARGEST_INTEGER == 2**53 - 1
    assert f"has at least {SHORTEST} characters" in DOCUMENT
    assert f"Flaghoist uses {len(KEYWORDS)} and {len(ALL) - len(KEYWORDS)}." in DOCUMENT
