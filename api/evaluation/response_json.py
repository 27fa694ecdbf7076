"""Evaluated flags as JSON. Flags that many identities share are serialized once per version."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from domain.evaluation.evaluator import Evaluator, FlagResult
from domain.evaluation.identity import Identity

UNCACHED = {"Cache-Control": "private, no-cache"}
"""Identities are in headers that caches ignore, and flags change at any moment, so clients must revalidate by ETag."""


class Flags:
    """The flags of one environment at one version, serialized for one protocol."""

    def __init__(self, evaluator: Evaluator, serialize: Callable[[FlagResult], Any]) -> None:
        self.evaluator = evaluator
        self.serialize = serialize
        self._defaults = [to_json(serialize(result)) for result in evaluator.defaults]
        self._cached: dict[tuple[Any, ...], bytes] = {}
        self.for_everyone = _list(self._defaults)

    def of(self, identity: Identity, replacements: Mapping[int, bytes] | None = None) -> bytes:
        """Return all flags of one identity as a JSON list. At the positions of the replacements, those take their place."""
        flags = self._defaults.copy()
        for position, result in self.evaluator.evaluate_targeted(identity):
            flags[position] = self._cached.get((position, *result.origin)) or self._cache(position, result)
        for position, replacement in (replacements or {}).items():
            flags[position] = replacement
        return _list(flags)

    def _cache(self, position: int, result: FlagResult) -> bytes:
        """A flag and the origin of its result determine it, so each pair is serialized once."""
        return self._cached.setdefault((position, *result.origin), to_json(self.serialize(result)))


def to_json(content: Any) -> bytes:
    """Serialize a compact JSON document."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _list(items: list[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"
