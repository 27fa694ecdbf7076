"""The commands that restore by hand what a rollback left alone."""

import json
import shlex
from typing import Any

from domain.flags.share_text import percents_in


def restore_command(left_alone: dict[str, Any], feature: str) -> str | None:
    """Return the command that restores a field, or None if no command can."""
    if left_alone["because"] != "changed_by_hand":
        return None
    options = _options(left_alone["field"], left_alone["before"])
    return shlex.join(["flaghoist", "features", "set", feature, "-e", left_alone["environment"], *options]) if options else None


def _options(field: str, before: Any) -> list[str]:
    segment = field.removeprefix("overrides/")
    if segment != field:
        return ["-s", segment, *(["--no-override"] if before is None else _override_options(before))]
    if field == "rollout":
        return ["--end-rollout"] if before is None else []
    if field == "allocation":
        return _allocation_options(before)
    return _field_options(field, before)


def _override_options(before: dict[str, Any]) -> list[str]:
    options = [option for field in ("enabled", "value") if field in before for option in _field_options(field, before[field])]
    if before.get("allocation") is not None:
        options += _allocation_options(before["allocation"])
    elif "allocation" in before:
        options += ["--inherit", "allocation"]
    options += [option for field in before.get("inherits", ()) for option in ("--inherit", field)]
    return options + (["--priority", str(before["priority"])] if "priority" in before else [])


def _allocation_options(before: dict[str, Any]) -> list[str]:
    return [option for variant, percent in percents_in(before).items() for option in ("--allocate", f"{variant}={percent}")] or [
        "--no-allocation"
    ]


def _field_options(field: str, value: Any) -> list[str]:
    if field == "enabled":
        return ["--enabled" if value else "--disabled"]
    return ["--no-value"] if value is None else ["--value", value if isinstance(value, str) else json.dumps(value)]
