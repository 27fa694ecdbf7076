"""Audit entries, formatted as one line each."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from domain.flags.share_text import shares_in_words

Entry = dict[str, Any]

MAX_VALUE_LENGTH = 40


def format_event(entry: Entry) -> str:
    """Format an entry of the audit log: time, flag, stage and event."""
    at = datetime.fromisoformat(entry["at"]).astimezone()
    stage = entry["stage"] or ("rollback" if entry["actor"]["kind"] == "release" else "by hand")
    return f"{at:%H:%M:%S}  {entry['feature'] or '':<22}  {stage:<16}  {FORMATS[entry['event']](entry)}"


def differences(before: Entry, after: Entry) -> list[str]:
    """Describe a change field by field, without the fields that had their new value before."""
    plain = [
        f"{_field(field, before.get(field))} → {_state(field, after[field])}"
        for field in ("enabled", "value")
        if field in after and before.get(field) != after[field]
    ]
    if "allocation" in after and shares_in_words(before.get("allocation")) != shares_in_words(after["allocation"]):
        plain.append(f"variants: {shares_in_words(before.get('allocation'))} → {shares_in_words(after['allocation'])}")
    if "rollout" in after and before.get("rollout") != after["rollout"]:
        plain.append(f"rollout: {share_in_words(before.get('rollout'))} → {share_in_words(after['rollout'])}")
    overrides_before, overrides_after = before.get("overrides") or {}, after.get("overrides") or {}
    return plain + [
        f"for {segment}: {_override(overrides_before.get(segment))} → {_override(override)}"
        for segment, override in overrides_after.items()
        if overrides_before.get(segment) != override
    ]


def fields_in_words(fields: Entry) -> str:
    """Describe the values of some fields of a flag, such as `on, value "v2"`."""
    plain = [_field(field, fields[field]) for field in ("enabled", "value") if field in fields]
    plain += [f"variants: {shares_in_words(fields['allocation'])}"] if "allocation" in fields else []
    plain += [f"rollout: {share_in_words(fields['rollout'])}"] if "rollout" in fields else []
    return ", ".join([*plain, *(f"for {segment}: {_override(each)}" for segment, each in (fields.get("overrides") or {}).items())])


def share_in_words(rollout: Entry | None) -> str:
    """Describe a rollout, such as `10% get on, value "v2"`."""
    if rollout is None:
        return "none"
    served = [_field(field, rollout[field]) for field in ("enabled", "value") if field in rollout]
    return f"{rollout['percent']}% get {', '.join(served) or 'the default'}"


def own_shares_in_words(allocation: Mapping[str, Any] | None) -> str:
    """Describe the allocation of an override, which follows the default without one of its own."""
    return "variants inherited" if allocation is None else f"variants: {shares_in_words(allocation)}"


def _field(field: str, value: Any) -> str:
    return _state(field, value) if field == "enabled" else f"value {_state(field, value)}"


def _state(field: str, value: Any) -> str:
    if field == "enabled":
        return "on" if value else "off"
    text = "none" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE_LENGTH else f"{text[: MAX_VALUE_LENGTH - 1]}…"


def _override(override: Entry | None) -> str:
    if override is None:
        return "default"
    fields = [_field(field, override[field]) for field in ("enabled", "value") if field in override]
    fields += [own_shares_in_words(override["allocation"])] if override.get("allocation") is not None else []
    fields = fields or [f"{field} inherited" for field in override.get("inherits", ())]
    return ", ".join(fields) or f"priority {override.get('priority')}"


def _changed(entry: Entry) -> str:
    changes = "; ".join(differences(entry["before"] or {}, entry["after"] or {}))
    return f"{entry['environment']}: {changes or 'nothing changed'}"


def _added(entry: Entry) -> str:
    return f"added to {entry['pipeline']} by {entry['actor']['owner']} (release {entry['release']})"


def _with_reason(text: str) -> Callable[[Entry], str]:
    return lambda entry: f"{text}: {entry['reason']}" if entry["reason"] else text


def _restarted(entry: Entry) -> str:
    return _with_reason(f"restarted from '{(entry['after'] or {}).get('stage')}'")(entry)


def _rolling_back(entry: Entry) -> str:
    to_stage = (entry["after"] or {}).get("to_stage")
    return _with_reason(f"rollback to '{to_stage}' requested" if to_stage else "rollback requested")(entry)


def _rolled_back(entry: Entry) -> str:
    count = len((entry["after"] or {}).get("left_alone", ()))
    return f"rolled back, except {count} field{'s' if count > 1 else ''} left alone" if count else "rolled back"


def _breached(entry: Entry) -> str:
    after = entry["after"] or {}
    follows = "in shadow, so nothing follows" if after.get("shadow") else after.get("consequence")
    return f"guardrail '{after.get('guardrail')}' breached ({follows}): {after.get('message')}"


def _cannot_tell(entry: Entry) -> str:
    after = entry["after"] or {}
    return f"guardrail '{after.get('guardrail')}' can't tell: {after.get('message')}"


FORMATS: dict[str, Callable[[Entry], str]] = {
    "flag.changed": _changed,
    "stage.unchanged": lambda entry: f"{entry['environment']}: already in this state",
    "stage.waiting": lambda entry: (entry["after"] or {}).get("message") or "waiting",
    "stage.hold_ended": lambda _: "hold ended",
    "stage.skipped": _with_reason("skipped"),
    "guardrail.breached": _breached,
    "guardrail.cannot_tell": _cannot_tell,
    "experiment.all_worse": lambda entry: f"experiment: {(entry['after'] or {}).get('message')}",
    "experiment.decided": lambda entry: f"experiment decided: {(entry['after'] or {}).get('message')}",
    "release.added": _added,
    "release.blocked": _with_reason("blocked"),
    "release.paused": _with_reason("paused"),
    "release.resumed": _with_reason("resumed"),
    "release.advanced": _with_reason("advanced"),
    "release.approved": lambda entry: _with_reason(f"approved by {entry['actor']['owner']}")(entry),
    "release.rejected": lambda entry: _with_reason(f"rejected by {entry['actor']['owner']}")(entry),
    "release.retried": _with_reason("retried"),
    "release.restarted": _restarted,
    "release.rolling_back": _rolling_back,
    "release.rolled_back": _rolled_back,
    "release.not_rolled_back": _with_reason("rollback given up"),
    "release.completed": lambda _: "completed",
    "release.removed": _with_reason("removed from its pipeline"),
    "release.terminated": _with_reason("terminated"),
}
"""The events that are steps of a flag, each with its format."""
