"""The licences of what Flaghoist needs to run, read from what is installed of uv.lock: the table in docs/licences.md."""

import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from tests.repo.guide import ROOT

EXTRAS = ("embedded",)

ALLOWED = {
    "MIT",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "Apache-2.0",
    "ISC",
    "PSF-2.0",
    "CNRI-Python",
    "MPL-2.0",  # of files, and we change none of its
    "LGPL-3.0-only",  # a library that is imported as it is, and can be exchanged
}
"""What goes with Apache-2.0, by SPDX identifier."""

_SPOKEN = {
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD3": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
}
"""What packages say instead of an SPDX identifier."""

_NOT_HERE = {"colorama": "BSD-3-Clause"}
"""What is installed on other systems only."""


def runtime_dependencies() -> list[str]:
    """Every package that the lock file has for running, the embedded stack included."""
    packages = defaultdict[str, list[dict[str, Any]]](list)
    for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]:
        packages[package["name"]].append(package)
    found: set[tuple[str, tuple[str, ...]]] = {("flaghoist", EXTRAS)}
    todo = list(found)
    while todo:
        name, extras = todo.pop()
        needed = {each for package in packages[name] for each in _needed(package, extras)}
        todo += needed - found
        found |= needed
    return sorted({name for name, _ in found} - {"flaghoist"})


def _needed(package: dict[str, Any], extras: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    optional = package.get("optional-dependencies", {})
    for each in [*package.get("dependencies", []), *(one for extra in extras for one in optional.get(extra, []))]:
        yield each["name"], tuple(each.get("extra", ()))


def licence_of(name: str) -> str:
    """The SPDX expression of an installed package."""
    if name in _NOT_HERE:
        return _NOT_HERE[name]
    about = metadata.metadata(name)
    said = {field: about[field] for field in ("License-Expression", "License") if field in about}
    classifiers = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier") or [] if each.startswith("License")]
    licence = said.get("License-Expression") or said.get("License") or " AND ".join(classifiers)
    return _SPOKEN.get(licence, licence)


def is_allowed(licence: str) -> bool:
    """Whether the project can use what has this licence."""
    return any(all(each in ALLOWED for each in re.split(r" AND ", choice)) for choice in licence.split(" OR "))


def licences_table() -> str:
    """One row per package."""
    rows = (f"| [{name}](https://pypi.org/project/{name}/) | {licence_of(name)} |" for name in runtime_dependencies())
    return "\n".join(["| package | licence |", "|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(licences_table())
