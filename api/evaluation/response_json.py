"""Evaluated flags as JSON: what many get is written once per version."""

import json
from collections.abc import Callable
from typing import Any

from domain.evaluation.evaluator import Evaluator, FlagResult
from domain.evaluation.identity import Identity

UNCACHED = {"Cache-Control": "private, no-cache"}
"""Whose flags they are stands in headers that caches don't look at, and they may change at any moment: only ETags save asking again."""


class Flags:
    """The flags of one environment at one version, in the words of one protocol."""

    def __init__(self, evaluator: Evaluator, said: Callable[[FlagResult], Any]) -> None:
        self.evaluator = evaluator
        self.said = said
        self._defaults = [written(said(found)) for found in evaluator.defaults]
        self._kept: dict[tuple[int, str], bytes] = {}
        self.everybodys = _list(self._defaults)

    def of(self, identity: Identity) -> bytes:
        """All flags of one identity, as a list."""
        flags = self._defaults.copy()
        for position, found in self.evaluator.evaluate_targeted(identity):
            flags[position] = self._kept.get((position, found.reason)) or self._written(position, found)
        return _list(flags)

    def _written(self, position: int, found: FlagResult) -> bytes:
        """A flag's reason settles what it is, so each is written once."""
        return self._kept.setdefault((position, found.reason), written(self.said(found)))


def written(content: Any) -> bytes:
    """A JSON document."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _list(items: list[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"
