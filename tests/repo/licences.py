"""The licences of the runtime dependencies in uv.lock, read from the installed packages: the table in docs/licences.md."""

import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from tests.repo.guide import ROOT

EXTRAS = ("embedded", "traces")

ALLOWED = {
    "MIT",
    "MIT-0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "Apache-2.0",
    "ISC",
    "PSF-2.0",
    "CNRI-Python",
    "MPL-2.0",  # applies to files, and we change none
    "LGPL-3.0-only",  # a library that is imported unmodified and can be replaced
}
"""The licences that are compatible with Apache-2.0, by SPDX identifier."""

_SPDX_OF_NAME = {
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD3": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
}
"""Names that packages use instead of an SPDX identifier."""

_UNCLEAR = {"jinja2": "BSD-3-Clause"}
"""Packages whose metadata only says that it is a BSD licence, with the one in their licence file."""

_OTHER_SYSTEMS = {"colorama": "BSD-3-Clause"}
"""Packages that are installed only on other systems."""


def runtime_dependencies() -> list[str]:
    """Return every runtime package in the lock file, including the embedded stack."""
    packages = defaultdict[str, list[dict[str, Any]]](list)
    for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]:
        packages[package["name"]].append(package)
    found: set[tuple[str, tuple[str, ...]]] = {("flaghoist", EXTRAS)}
    pending = list(found)
    while pending:
        name, extras = pending.pop()
        needed = {each for package in packages[name] for each in _needed(package, extras)}
        pending += needed - found
        found |= needed
    return sorted({name for name, _ in found} - {"flaghoist"})


def _needed(package: dict[str, Any], extras: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    optional = package.get("optional-dependencies", {})
    for each in [*package.get("dependencies", []), *(one for extra in extras for one in optional.get(extra, []))]:
        yield each["name"], tuple(each.get("extra", ()))


def licence_of(name: str) -> str:
    """Return the SPDX expression of an installed package."""
    if name in (known := _OTHER_SYSTEMS | _UNCLEAR):
        return known[name]
    about = metadata.metadata(name)
    declared = {field: about[field] for field in ("License-Expression", "License") if field in about}
    classifiers = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier") or [] if each.startswith("License")]
    licence = declared.get("License-Expression") or declared.get("License") or " AND ".join(classifiers)
    return _SPDX_OF_NAME.get(licence, licence)


def is_allowed(licence: str) -> bool:
    """True if the project can use a package with this licence."""
    return any(all(each in ALLOWED for each in re.split(r" AND ", choice)) for choice in licence.split(" OR "))


def licences_table() -> str:
    """Return a table with one row per package."""
    rows = (f"| [{name}](https://pypi.org/project/{name}/) | {licence_of(name)} |" for name in runtime_dependencies())
    return "\n".join(["| package | licence |", "|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(licences_table())
