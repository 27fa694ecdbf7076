"""Flagsmith's formats: evaluated flags, and the environment document that SDKs evaluate locally."""

from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from domain.evaluation.evaluator import FlagResult
from domain.evaluation.snapshot import ServedFlag, Snapshot
from domain.evaluation.targeting import PRIORITY_OF_ROLLOUT, RolloutShare, ServedSlot, overrides_for, served_rules, share_of, split_of
from domain.flags.flag import Value
from domain.flags.segment import Operator
from domain.flags.served_rules import ServedRule
from domain.flags.variant import CONTROL


def environment_document(snapshot: Snapshot) -> dict[str, Any]:
    """Return the document. Its `api_key` is the environment's bucketing identity: it salts the shares, and gives no access."""
    return {
        "id": snapshot.number,
        "api_key": snapshot.environment.id,
        "name": snapshot.environment.name,
        "updated_at": snapshot.updated_at.isoformat(timespec="microseconds"),
        "hide_disabled_flags": False,
        "identity_overrides": [],
        "feature_states": [_state(snapshot, flag, (flag.state.enabled, flag.state.value), split_of(flag)) for flag in snapshot.flags],
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
        "variant": result.variant.key if result.variant else CONTROL if result.is_split else None,
    }


_ORGANISATION = {"id": 1, "name": "Flaghoist", "feature_analytics": False, "stop_serving_flags": False, "persist_trait_data": True}


def _segments(snapshot: Snapshot) -> list[dict[str, Any]]:
    return [
        {
            "id": served.number,
            "name": served.segment.key,
            "rules": _rules(served_rules(served.segment.rules)),
            "feature_states": [
                _state(snapshot, flag, (enabled, value), split_of(flag, served.segment.key), served.segment.id, priority)
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
            "feature_states": [_rollout_state(snapshot, share)],
        }
        for share in shares
    ]


def _rollout_state(snapshot: Snapshot, share: RolloutShare) -> dict[str, Any]:
    split = split_of(share.flag, in_rollout=True)
    return _state(snapshot, share.flag, (share.enabled, share.value), split, "rollout", PRIORITY_OF_ROLLOUT)


def _state(
    snapshot: Snapshot,
    flag: ServedFlag,
    state: tuple[bool, Value],
    split: Sequence[ServedSlot],
    source: str = "",
    priority: int | None = None,
) -> dict[str, Any]:
    """Return a state. SDKs hash its `django_id` to place an identity among its options, so that is the salt, which is never 0."""
    enabled, value = state
    name = f"{snapshot.environment.id}/{flag.feature.id}/{source}"
    return {
        "django_id": flag.feature.salt,
        "featurestate_uuid": str(uuid5(NAMESPACE_URL, name)),
        "feature": {"id": flag.number, "name": flag.feature.key, "type": "STANDARD"},
        "enabled": enabled,
        "feature_state_value": value,
        "feature_segment": None if priority is None else {"priority": priority},
        "multivariate_feature_state_values": [_option(number, slot, value, name) for number, slot in enumerate(split, start=1)],
    }


def _option(number: int, slot: ServedSlot, plain: Value, name: str) -> dict[str, Any]:
    """Return a slot as an option. SDKs lay options out by their ids. One with the plain value keeps the place of a later one."""
    return {
        "id": number,
        "percentage_allocation": slot.percent,
        "mv_fs_value_uuid": str(uuid5(NAMESPACE_URL, f"{name}/{number}")),
        "multivariate_feature_option": {
            "id": number,
            "key": slot.variant.key if slot.variant else CONTROL,
            "value": slot.variant.value if slot.variant else plain,
        },
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
