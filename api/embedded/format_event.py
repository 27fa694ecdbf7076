"""What happened, in one line each."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

Entry = dict[str, Any]

LONGEST_VALUE = 40


def format_event(entry: Entry) -> str:
    """One entry of the audit log as people read it: when, which flag, at which stage, what."""
    at = datetime.fromisoformat(entry["at"]).astimezone()
    stage = entry["stage"] or ("rollback" if entry["actor"]["kind"] == "release" else "by hand")
    return f"{at:%H:%M:%S}  {entry['feature'] or '':<22}  {stage:<16}  {TOLD[entry['event']](entry)}"


def differences(before: Entry, after: Entry) -> list[str]:
    """What a change did, field by field; fields that were at their target already are left out."""
    plain = [
        f"{_field(field, before.get(field))} → {_state(field, after[field])}"
        for field in ("enabled", "value")
        if field in after and before.get(field) != after[field]
    ]
    if "rollout" in after and before.get("rollout") != after["rollout"]:
        plain.append(f"rollout: {share_in_words(before.get('rollout'))} → {share_in_words(after['rollout'])}")
    overrides_before, overrides_after = before.get("overrides") or {}, after.get("overrides") or {}
    return plain + [
        f"for {segment}: {_override(overrides_before.get(segment))} → {_override(override)}"
        for segment, override in overrides_after.items()
        if overrides_before.get(segment) != override
    ]


def fields_in_words(fields: Entry) -> str:
    """What some fields of a flag hold: `on, value "v2"`."""
    plain = [_field(field, fields[field]) for field in ("enabled", "value") if field in fields]
    plain += [f"rollout: {share_in_words(fields['rollout'])}"] if "rollout" in fields else []
    return ", ".join([*plain, *(f"for {segment}: {_override(each)}" for segment, each in (fields.get("overrides") or {}).items())])


def share_in_words(rollout: Entry | None) -> str:
    """What a rollout serves to whom: `10 % get on, "v2"`."""
    if rollout is None:
        return "none"
    served = [_field(field, rollout[field]) for field in ("enabled", "value") if field in rollout]
    return f"{rollout['percent']} % get {', '.join(served) or 'what everyone gets'}"


def _field(field: str, value: Any) -> str:
    return _state(field, value) if field == "enabled" else f"value {_state(field, value)}"


def _state(field: str, value: Any) -> str:
    if field == "enabled":
        return "on" if value else "off"
    text = "none" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _override(override: Entry | None) -> str:
    if override is None:
        return "as everyone"
    fields = [_field(field, override[field]) for field in ("enabled", "value") if field in override]
    fields = fields or [f"{field} as everyone" for field in override.get("inherits", ())]
    return ", ".join(fields) or f"priority {override.get('priority')}"


def _changed(entry: Entry) -> str:
    what = "; ".join(differences(entry["before"] or {}, entry["after"] or {}))
    return f"{entry['environment']}: {what or 'nothing changed'}"


def _added(entry: Entry) -> str:
    return f"added to {entry['pipeline']} by {entry['actor']['owner']} (release {entry['release']})"


def _because(words: str) -> Callable[[Entry], str]:
    return lambda entry: f"{words}: {entry['reason']}" if entry["reason"] else words


def _restarted(entry: Entry) -> str:
    return _because(f"restarted from '{(entry['after'] or {}).get('stage')}'")(entry)


def _rolling_back(entry: Entry) -> str:
    to_stage = (entry["after"] or {}).get("to_stage")
    return _because(f"to be rolled back to '{to_stage}'" if to_stage else "to be rolled back")(entry)


def _rolled_back(entry: Entry) -> str:
    left = len((entry["after"] or {}).get("left_alone", ()))
    return f"rolled back, but for {left} that somebody changed since" if left else "rolled back"


TOLD: dict[str, Callable[[Entry], str]] = {
    "flag.changed": _changed,
    "stage.unchanged": lambda entry: f"{entry['environment']}: was so already",
    "stage.waiting": lambda entry: (entry["after"] or {}).get("message") or "waits",
    "stage.hold_ended": lambda _: "hold ended",
    "stage.skipped": _because("skipped"),
    "release.added": _added,
    "release.blocked": _because("blocked"),
    "release.paused": _because("paused"),
    "release.resumed": _because("goes on"),
    "release.advanced": _because("acts at once"),
    "release.approved": lambda entry: _because(f"approved by {entry['actor']['owner']}")(entry),
    "release.rejected": lambda entry: _because(f"rejected by {entry['actor']['owner']}")(entry),
    "release.retried": _because("tried again"),
    "release.restarted": _restarted,
    "release.rolling_back": _rolling_back,
    "release.rolled_back": _rolled_back,
    "release.not_rolled_back": _because("not rolled back"),
    "release.completed": lambda _: "completed",
    "release.removed": _because("removed from its pipeline"),
    "release.terminated": _because("terminated"),
}
"""The events that are steps of a flag, with the words for each."""
