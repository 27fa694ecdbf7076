"""Files for flagd in a folder, for tests."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from activities.providers.flag_system import SystemFlag
from activities.providers.flagd.flagd_files import FlagdFiles
from domain.flags.flag import FlagState

BETA = {"ends_with": [{"var": "email"}, "@beta.example"]}
STAFF = {"in": [{"var": "group"}, ["staff", "board"]]}
VIP = {"==": [{"var": "tier"}, "vip"]}
CONDITIONS = {"Beta testers": BETA, "staff": STAFF, "vip": VIP}
KEYS = {"beta": "Beta testers", "staff": "staff", "vip": "vip"}
"""Our segment -> its name in `$evaluators`."""

TOGGLE: dict[str, Any] = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
COLOUR: dict[str, Any] = {"state": "DISABLED", "variants": {"red": "red", "blue": "blue", "green": "green"}, "defaultVariant": "red"}
LIMIT: dict[str, Any] = {"state": "ENABLED", "variants": {"few": 10, "many": 500, "most": 9000}, "defaultVariant": "few"}
FLAGS = {"checkout": TOGGLE, "colour": COLOUR, "limit": LIMIT}


def write(folder: Path, environment: str = "production", flags: Mapping[str, Any] = FLAGS) -> Path:
    """Write a file with these flags, or with one of each type, and the three segments."""
    path = folder / f"{environment}.json"
    document = {"$schema": "https://flagd.dev/schema/v0/flags.json", "flags": flags, "$evaluators": CONDITIONS}
    path.write_text(json.dumps(document, indent=2) + "\n")
    return path


def flag_of(path: Path, feature: str) -> dict[str, Any]:
    """Return a flag as it is in its file."""
    found: dict[str, Any] = json.loads(path.read_text())["flags"][feature]
    return found


def seen(files: FlagdFiles, feature: str, environment: str = "production") -> SystemFlag:
    return files.flags(feature, KEYS)[environment]


def state(files: FlagdFiles, feature: str, environment: str = "production") -> FlagState:
    """Return a flag's state. Nothing in it may be foreign."""
    found = seen(files, feature, environment)
    assert found.foreign == ()
    return found.state
