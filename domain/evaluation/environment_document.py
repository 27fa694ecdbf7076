"""Flagsmith's formats: evaluated flags, and the environment document that SDKs evaluate locally."""

from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from domain.evaluation.evaluator import FlagResult
from domain.evaluation.snapshot import ServedFlag, Snapshot
from domain.evaluation.targeting import PRIORITY_OF_ROLLOUT, overrides_for, served_rules, share_of
from domain.flags.flag import Value
from domain.flags.segment import Operator
from domain.flags.served_rules import ServedRule


def environment_document(snapshot: Snapshot) -> dict[str, Any]:
    """Return the document. Its `api_key` is the environment's bucketing identity: it salts the shares, and gives no access."""
    return {
        "id": snapshot.number,
        "api_key": snapshot.environment.id,
        "name": snapshot.environment.name,
        "updated_at": snapshot.updated_at.isoformat(timespec="microseconds"),
        "hide_disabled_flags": False,
        "identity_overrides": [],
        "feature_states": [_state(snapshot, flag, flag.state.enabled, flag.state.value) for flag in snapshot.flags],
        "project": {
            "id": snapshot.number,
            "name": snapshot.project.name,
            "hide_disabled_flags": False,
            "enable_realtime_updates": True,
            "server_key_only_feature_ids": [],
            "organisation": _ORGANISATION,
            "segments": [*_segments(snapshot), *_shares(snapshot)],
        },
    }


def flag_of_flagsmith(result: FlagResult) -> dict[str, Any]:
    """Return one evaluated flag in Flagsmith's format."""
    return {
        "id": result.flag.number,
        "feature": {"id": result.flag.number, "name": result.flag.feature.key, "type": "STANDARD"},
        "enabled": result.enabled,
        "feature_state_value": result.value,
        "reason": result.reason,
        "variant": None,
    }


_ORGANISATION = {"id": 1, "name": "Flaghoist", "feature_analytics": False, "stop_serving_flags": False, "persist_trait_data": True}


def _segments(snapshot: Snapshot) -> list[dict[str, Any]]:
    return [
        {
            "id": served.number,
            "name": served.segment.key,
            "rules": _rules(served_rules(served.segment.rules)),
            "feature_states": [
                _state(snapshot, flag, enabled, value, served.segment.id, priority)
                for flag, enabled, value, priority in overrides_for(served, snapshot.flags)
            ],
        }
        for served in snapshot.segments
    ]


def _shares(snapshot: Snapshot) -> list[dict[str, Any]]:
    shares = [share for flag in snapshot.flags if (share := share_of(flag))]
    return [
        {
            "id": share.flag.number,
            "name": share.name,
            "rules": [{"type": "ALL", "rules": [], "conditions": [_condition("", Operator.PERCENTAGE_SPLIT, str(share.percent))]}],
            "feature_states": [_state(snapshot, share.flag, share.enabled, share.value, "rollout", PRIORITY_OF_ROLLOUT)],
        }
        for share in shares
    ]


def _state(
    snapshot: Snapshot,
    flag: ServedFlag,
    enabled: bool,
    value: Value,
    source: str = "",
    priority: int | None = None,
) -> dict[str, Any]:
    return {
        "django_id": flag.number,
        "featurestate_uuid": str(uuid5(NAMESPACE_URL, f"{snapshot.environment.id}/{flag.feature.id}/{source}")),
        "feature": {"id": flag.number, "name": flag.feature.key, "type": "STANDARD"},
        "enabled": enabled,
        "feature_state_value": value,
        "feature_segment": None if priority is None else {"priority": priority},
        "multivariate_feature_state_values": [],
    }


def _rules(rules: Sequence[ServedRule]) -> list[dict[str, Any]]:
    return [
        {
            "type": rule.type,
            "rules": _rules(rule.rules),
            "conditions": [_condition(each.property or "", each.operator, each.value) for each in rule.conditions],
        }
        for rule in rules
    ]


def _condition(property_: str, operator: Operator, value: str | None) -> dict[str, Any]:
    return {"property_": property_, "operator": operator.value, "value": value or ""}
