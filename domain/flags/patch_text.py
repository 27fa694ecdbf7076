"""Patches in words."""

import json

from domain.flags.allocation import Allocation
from domain.flags.flag import Rollout
from domain.flags.patch import FlagPatch, OverridePatch


def patch_in_words(patch: FlagPatch) -> str:
    """Describe all effects of a patch: `enable for everyone, set the value "v2" for beta`."""
    parts = [f"{words} for everyone" for words in _fields_in_words(patch)]
    parts += [f"{allocation_in_words(patch.allocation)} for everyone"] if "allocation" in patch.named else []
    if "rollout" in patch.named:
        parts.insert(0, _rollout_in_words(patch.rollout))
    if patch.removes_all_overrides:
        parts.append("remove all overrides")
    for segment, override in patch.segments.items():
        words = (
            ["remove the override"] if override is None else [*_fields_in_words(override), *_inheritance_and_priority_in_words(override)]
        )
        parts += [f"{word} for {segment}" for word in words]
    return ", ".join(parts) or "nothing"


def allocation_in_words(allocation: Allocation) -> str:
    """Describe an allocation: `serve one-page to 10%, two-pages to 10%`."""
    shares = ", ".join(f"{variant} to {share.percent}%" for variant, share in allocation.items())
    return f"serve {shares}" if shares else "end the allocation"


def _own_allocation_in_words(allocation: Allocation | None) -> str:
    if allocation is None:
        return "inherit the allocation"
    return allocation_in_words(allocation) if allocation else "serve no variant"


def _rollout_in_words(rollout: Rollout | None) -> str:
    return f"{' and '.join(_fields_in_words(rollout))} for {rollout.percent}%" if rollout else "end the rollout"


def _fields_in_words(named: FlagPatch | OverridePatch | Rollout) -> list[str]:
    words = []
    if "enabled" in named.named:
        words.append("enable" if named.enabled else "disable")
    if "value" in named.named:
        words.append("set no value" if named.value is None else f"set the value {_shortened(json.dumps(named.value, ensure_ascii=False))}")
    return words


def _inheritance_and_priority_in_words(override: OverridePatch) -> list[str]:
    words = [f"inherit {field}" for field in override.inherits]
    words += [_own_allocation_in_words(override.allocation)] if "allocation" in override.named else []
    return words + ([f"set the priority {override.priority}"] if "priority" in override.named else [])


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
