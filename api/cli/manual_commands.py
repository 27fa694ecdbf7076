"""The commands that put back by hand what a rollback left alone."""

import json
import shlex
from typing import Any


def command_for(left: dict[str, Any], feature: str) -> str | None:
    """What to type, or nothing where no command does it."""
    if left["because"] != "changed_by_hand":
        return None
    words = _words(left["field"], left["before"])
    return shlex.join(["flaghoist", "features", "set", feature, "-e", left["environment"], *words]) if words else None


def _words(field: str, before: Any) -> list[str]:
    segment = field.removeprefix("overrides/")
    if segment != field:
        return ["-s", segment, *(["--no-override"] if before is None else _of_override(before))]
    if field == "rollout":
        return ["--end-rollout"] if before is None else []
    return _of_field(field, before)


def _of_override(before: dict[str, Any]) -> list[str]:
    words = [word for field in ("enabled", "value") if field in before for word in _of_field(field, before[field])]
    words += [word for field in before.get("inherits", ()) for word in ("--inherit", field)]
    return words + (["--priority", str(before["priority"])] if "priority" in before else [])


def _of_field(field: str, value: Any) -> list[str]:
    if field == "enabled":
        return ["--enabled" if value else "--disabled"]
    return ["--no-value"] if value is None else ["--value", value if isinstance(value, str) else json.dumps(value)]
