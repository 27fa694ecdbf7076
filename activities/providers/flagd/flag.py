"""One flag of a file, as the state that it shows, and the edits that give it another state.

A flag whose variants are booleans is a toggle. Variants that are strings or integers are values, and while such a flag is disabled,
applications get their own default.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from activities.providers.flagd import serving, targeting
from activities.providers.flagd.note import completed, read_note, written_note
from activities.providers.flagd.serving import Serving, Values, serving_of, visible_state
from activities.providers.flagd.targeting import NotOurs, Targeting, read_targeting, write_targeting
from domain.errors import Invalid, VariantNotFound
from domain.flags.allocation import MOST_VARIANTS
from domain.flags.flag import FeatureType, FlagState, Value, check_value, type_of
from domain.flags.provider import ProviderKind
from domain.flags.variant import Variant, unknown_variants

ENABLED, DISABLED = "ENABLED", "DISABLED"
NOTE = "flaghoist"
"""The key of our note in a flag's metadata."""

_VALUE: TypeAdapter[Value] = TypeAdapter(Value)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
"""Names of variants that every evaluator finds. flagd itself removes quotes from a name before it looks it up."""


class Edit(NamedTuple):
    """A member of a flag, and its value. None removes it."""

    path: tuple[str, ...]
    value: Any


class FlagdFlag:
    """A flag in one file."""

    def __init__(self, definition: Any, segments: Collection[str]) -> None:
        """Raise NotOurs if Flaghoist can't change the flag. `segments` has the names of conditions that it may use."""
        if not isinstance(definition, dict) or definition.get("state") not in (ENABLED, DISABLED):
            raise NotOurs(f"Its state is neither {ENABLED} nor {DISABLED}. Correct it.")
        self.definition = definition
        self.variants = _checked_variants(definition.get("variants"))
        self.type = _type_of(self.variants)
        self.names = _names_by_value(self.variants)
        self.values = Values(self.type, self.variants)
        self.metadata = _checked_metadata(definition.get("metadata"))
        self.default = self._checked(definition.get("defaultVariant") or None)
        self.targeting = read_targeting(definition.get("targeting"), self.default)
        self._check_targeting(segments)

    def state(self, keys: Mapping[str, str]) -> FlagState:
        """Return its state. `keys` has reference -> segment. Raises NotOurs if it names another one."""
        if unknown := [reference for reference, _ in self.targeting.segments if reference not in keys]:
            raise NotOurs(f"Its targeting names '{unknown[0]}', which is not a segment of the project. Add the segment.")
        note = self._note(keys)
        if self.definition["state"] == DISABLED:
            kept = note.allocation if note and not note.enabled else {}
            return FlagState(value=None if self.type is FeatureType.TOGGLE else self._value(self.default), allocation=kept)
        segments = {keys[reference]: self._line(line) for reference, line in self.targeting.segments}
        serving = Serving(segments, self._line(self.targeting.everyone), self._value(self.targeting.plain))
        seen = visible_state(serving, self.values)
        return completed(seen, note, self.values) if note else seen

    def allocatable(self) -> Iterator[Variant]:
        """Yield the variants that a stage can allocate. Those of a toggle are only *enabled* and *disabled*."""
        for name, value in self.variants.items() if self.values.has_variants else ():
            with suppress(ValidationError):
                yield Variant(key=name, value=value)

    def check_allocations(self, state: FlagState) -> None:
        """Raise Invalid if flagd can't serve the allocations of a state."""
        if state.rollout and state.allocation:
            raise Invalid("flagd can't serve variants to a rollout. End the allocation first, or allocate variants instead of the rollout.")
        named = {"/allocation": state.allocation} | {
            f"/overrides/{segment}/allocation": each.allocation for segment, each in state.overrides.items() if each.allocation
        }
        if problems := tuple(unknown_variants(named, tuple(self.allocatable()), ProviderKind.FLAGD)):
            raise VariantNotFound(problems[0].message, problems=problems)

    def check_values(self, state: FlagState) -> None:
        """Raise ValueTypeWrong if a value of the state does not have the type of the variants."""
        check_value(self.type, state.value)
        if state.rollout:
            check_value(self.type, state.rollout.value, "The value of the rollout", "/rollout/value")
        for segment, override in state.overrides.items():
            check_value(self.type, override.value, f"The value for '{segment}'", f"/overrides/{segment}/value")

    def edits(self, state: FlagState, references: Mapping[str, str]) -> list[Edit]:
        """Return the edits that give the flag this state. `references` has segment -> reference."""
        serving = serving_of(state, self.values)
        names = self._names_with(state, serving)
        if serving.is_everyone and self.type is not FeatureType.TOGGLE and not state.enabled:
            flag: dict[str, Any] = {"state": DISABLED, "defaultVariant": names.get(state.value), "targeting": {}}
            note = written_note(state, references) if state.allocation else None
        else:
            segments = tuple((references[segment], _named(line, names)) for segment, line in serving.segments.items())
            rule, default = write_targeting(Targeting(segments, _named(serving.everyone, names), names.get(serving.plain)))
            flag = {"state": ENABLED, "defaultVariant": default, "targeting": rule}
            note = None if self._is_visible(state, serving) else written_note(state, references)
        added = [Edit(("variants", name), value) for value, name in names.items() if name not in self.variants]
        return [*added, *(Edit((key,), value) for key, value in flag.items() if self._differs(key, value)), *self._edit_of_note(note)]

    def _differs(self, key: str, value: Any) -> bool:
        return (self.definition.get(key) or None) != (value or None)

    def _edit_of_note(self, note: str | None) -> list[Edit]:
        if self.metadata.get(NOTE) == note:
            return []
        return [Edit(("metadata", NOTE), note)] if self.metadata else [Edit(("metadata",), {NOTE: note})]

    def _names_with(self, state: FlagState, serving: Serving) -> dict[Value, str]:
        """Return the variant of each value, with names for new ones. Values that are not served now are kept as variants, too."""
        names = dict(self.names)
        if self.type is FeatureType.TOGGLE:
            needed = [value for line in (serving.everyone, *serving.segments.values()) for value, _ in line]
        else:
            needed = [state.value, *(each.value for each in state.overrides.values()), *([state.rollout.value] if state.rollout else [])]
        for value in needed:
            if value is not None and value not in names:
                names[value] = _new_name(value, names.values())
        return names

    def _is_visible(self, state: FlagState, serving: Serving) -> bool:
        """True if the flag shows the whole state. New values have no names yet, and are never allocated."""
        try:
            return visible_state(serving, self.values) == state
        except KeyError:
            return False

    def _note(self, keys: Mapping[str, str]) -> FlagState | None:
        """Return the state in the note, unless it names a variant that the flag no longer has."""
        note = read_note(self.metadata.get(NOTE), keys)
        if note is None:
            return None
        own = [each.allocation or {} for each in note.overrides.values()]
        return note if all(allocation.keys() <= self.variants.keys() for allocation in (note.allocation, *own)) else None

    def _line(self, line: targeting.Line) -> serving.Line:
        return tuple((self._value(variant), part) for variant, part in line)

    def _value(self, variant: targeting.Variant) -> Value:
        return None if variant is None else self.variants[variant]

    def _checked(self, variant: Any) -> targeting.Variant:
        if variant is None or (isinstance(variant, str) and variant in self.variants):
            return variant
        raise NotOurs(f"It names the variant {variant!r}, which it does not have. Add the variant, or name another one.")

    def _check_targeting(self, segments: Collection[str]) -> None:
        for variant in self.targeting.variants():
            self._checked(variant)
        for reference, _ in self.targeting.segments:
            if reference not in segments:
                raise NotOurs(f"Its targeting names '{reference}', which is no condition in $evaluators. Define it there.")
        self._check_lines()
        if len(dict(self.targeting.segments)) < len(self.targeting.segments):
            raise NotOurs("Its targeting names the same segment twice. Remove the second one, which has no effect.")
        if self.definition["state"] == DISABLED and not self.targeting.is_everyone:
            raise NotOurs(f"Its state is {DISABLED}, so its targeting has no effect. Set the state to {ENABLED}, or remove the targeting.")

    def _check_lines(self) -> None:
        """Raise NotOurs if variants are split that can't be allocated."""
        lines = [(line, line[-1][0]) for _, line in self.targeting.segments if len(line) > 1]
        everyone, plain = self.targeting.everyone, self.targeting.plain
        is_rollout = len(everyone) == 2 and (everyone[-1][0] == plain or not self.values.has_variants)
        lines += [] if len(everyone) == 1 or is_rollout else [(everyone, plain)]
        known = {each.key for each in self.allocatable()}
        for line, default in lines:
            if unknown := sorted({str(variant) for variant, _ in line if variant != default} - known):
                raise NotOurs(
                    f"Its targeting splits people into more than two parts, or those of a segment, and one gets '{unknown[0]}'. "
                    "Flaghoist can only do so with variants of strings or integers, named in lower case. Remove the split."
                )


def _named(line: serving.Line, names: Mapping[Value, str]) -> targeting.Line:
    return tuple((names.get(value), part) for value, part in line)


def variants_of_flag(definition: Any) -> tuple[Variant, ...]:
    """Return the variants of a flag that a stage can allocate."""
    try:
        return tuple(FlagdFlag(definition | {"targeting": None}, ()).allocatable())[:MOST_VARIANTS]
    except NotOurs:
        return ()


def type_of_flag(definition: Any) -> FeatureType | None:
    """Return the type of a flag's values, or None if its variants are not of one type that Flaghoist has."""
    try:
        return _type_of(_checked_variants(definition["variants"]))
    except (KeyError, NotOurs, TypeError):
        return None


def description_of(definition: Mapping[str, Any]) -> str:
    """Return the description in a flag's metadata, or nothing."""
    metadata = definition.get("metadata")
    text = metadata.get("description") if isinstance(metadata, dict) else None
    return text if isinstance(text, str) else ""


def _checked_variants(variants: Any) -> dict[str, Value]:
    if not isinstance(variants, dict) or not variants:
        raise NotOurs("It has no variants. Add them.")
    for name, value in variants.items():
        try:
            checked = _VALUE.validate_python(value)
        except ValidationError:
            checked = None
        if checked is None:
            raise NotOurs(f"Its variant '{name}' is not a string, an integer or a boolean. Flaghoist changes no other flags.")
    return variants


def _type_of(variants: Mapping[str, Value]) -> FeatureType:
    types = {type_of(value) for value in variants.values()}
    if len(types) > 1:
        raise NotOurs(f"Its variants have different types: {', '.join(sorted(types))}. Give them one type.")
    [found] = types
    return FeatureType.TOGGLE if found is FeatureType.BOOLEAN else found


def _names_by_value(variants: Mapping[str, Value]) -> dict[Value, str]:
    names: dict[Value, str] = {}
    for name, value in variants.items():
        if (other := names.setdefault(value, name)) != name:
            raise NotOurs(f"Its variants '{other}' and '{name}' have the same value. Remove one of them.")
    return names


def _checked_metadata(metadata: Any) -> Mapping[str, Any]:
    if metadata is None or isinstance(metadata, dict):
        return metadata or {}
    raise NotOurs("Its metadata is not an object. Correct it.")


def _new_name(value: str | int | bool, taken: Collection[str]) -> str:
    text = {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
    plain = text if _PLAIN_NAME.fullmatch(text) else "value"
    number, name = 1, plain
    while name in taken:
        number += 1
        name = f"{plain}-{number}"
    return name
