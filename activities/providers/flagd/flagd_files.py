"""Files for flagd as a flag system."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from activities.providers.errors import ProviderUnavailable
from activities.providers.flag_system import Finding, Origin, SegmentKeys, SystemFeature, SystemFlag, SystemSegment
from activities.providers.flagd.document import Document, digest_of, parsed
from activities.providers.flagd.file_place import FilePlace, FlagFiles, file_of
from activities.providers.flagd.flag import Edit, FlagdFlag, description_of, type_of_flag, variants_of_flag
from activities.providers.flagd.json_text import with_member, without_member
from activities.providers.flagd.targeting import NotOurs
from domain.errors import EnvironmentNotFound, FeatureNotFound, KeptByOthers, SegmentNotFound
from domain.flags.change import plan_change
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch
from domain.flags.variant import Variants
from domain.text import did_you_mean

CALL_SECONDS = 8.0
ATTEMPTS = 3
"""Attempts to write a file that people keep changing at the same moment."""


class FlagdFiles:
    """The flags of a place with one file per environment: `production.json` for `production`."""

    def __init__(self, place: FilePlace, seconds: float = CALL_SECONDS) -> None:
        """Take the longest time of a call."""
        self.place = place
        self.seconds = seconds

    def check(self, environments: Iterable[str]) -> Iterator[Finding]:
        """Yield what works and everything that is missing: the place, the right to write there, and each file."""
        found = list(self.place.check(self._deadline()))
        yield from found
        if not found[0].passed:
            return
        for environment in environments:
            try:
                with self.place.reading(self._deadline()) as files:
                    yield from _findings(_document(files, environment), environment)
            except (EnvironmentNotFound, ProviderUnavailable) as error:
                yield Finding(False, str(error), "environments", environment)

    def environments(self) -> list[str]:
        """Return the name of each file with flags."""
        return list(self._documents())

    def features(self) -> list[SystemFeature]:
        """Return every flag with values of one type, also if people's rules keep it from being changed."""
        found: dict[str, SystemFeature] = {}
        for document in self._documents().values():
            for name, definition in document.flags.items():
                if name not in found and (feature_type := type_of_flag(definition)):
                    found[name] = SystemFeature(name, description_of(definition), feature_type, variants_of_flag(definition))
        return list(found.values())

    def segments(self) -> list[SystemSegment]:
        """Return the conditions under `$evaluators`. The reference is the name there."""
        definitions: dict[str, dict[str, Any]] = {}
        for environment, document in self._documents().items():
            for name, rule in document.segments().items():
                definitions.setdefault(name, {})[environment] = rule
        return [SystemSegment(name, name, digest_of(rules)) for name, rules in definitions.items()]

    def flags(self, feature: str, segments: SegmentKeys, variants: Variants = ()) -> Mapping[str, SystemFlag]:  # noqa: ARG002 (they are in the flags)
        """Return environment -> flag, for each file that has it. Raises FeatureNotFound."""
        documents = self._documents()
        found = {
            environment: _system_flag(document.flags[feature], document, segments)
            for environment, document in documents.items()
            if feature in document.flags
        }
        if not found:
            raise _unknown(feature, [name for document in documents.values() for name in document.flags])
        return found

    def apply(
        self,
        feature: str,
        environment: str,
        patch: FlagPatch,
        segments: SegmentKeys,
        origin: Origin | None = None,
        variants: Variants = (),  # noqa: ARG002 (they are in the flags)
    ) -> None:
        """Change the named fields. A file whose flag has this state already is not written.

        Raises FeatureNotFound, EnvironmentNotFound, SegmentNotFound, KeptByOthers or Invalid. An edit of the same flag at the same moment
        raises ProviderUnavailable, so that it is found as a conflict and not overwritten.
        """
        deadline, read = self._deadline(), None
        for _ in range(ATTEMPTS):
            with self.place.writing(deadline) as files:
                document = _document(files, environment)
                read, before = document.flags.get(feature), read
                if before is not None and before != read:
                    raise ProviderUnavailable(f"The flag '{feature}' was changed while Flaghoist was about to write it.")
                text = _patched(document, feature, environment, patch, segments)
                if text == document.text or files.replace(environment, document.text, text, origin):
                    return
        raise ProviderUnavailable(f"{file_of(environment)} was changed {ATTEMPTS} times while Flaghoist was about to write it.")

    def close(self) -> None:
        """Delete what was kept for faster reading."""
        self.place.close()

    def _deadline(self) -> float:
        return time.monotonic() + self.seconds

    def _documents(self) -> dict[str, Document]:
        with self.place.reading(self._deadline()) as files:
            texts = {environment: files.read(environment) for environment in files.environments()}
        read = {environment: parsed(text, file_of(environment)) for environment, text in texts.items()}
        return {environment: document for environment, document in read.items() if document}


def _document(files: FlagFiles, environment: str) -> Document:
    if document := parsed(files.read(environment), file_of(environment)):
        return document
    raise EnvironmentNotFound(f"{file_of(environment)} has no 'flags'. Add them, or name another environment.")


def _findings(document: Document, environment: str) -> Iterator[Finding]:
    file, flags = file_of(environment), {name: _read(each, document) for name, each in document.flags.items()}
    problems = {name: flag for name, flag in flags.items() if isinstance(flag, NotOurs)}
    messages = [f"{file} has {len(flags) - len(problems)} flags that can be changed."]
    messages += [f"The flag '{name}' in {file} can't be changed. {problem}" for name, problem in problems.items()]
    messages += [f"In {file}, {problem}" for problem in document.problems()]
    yield from (Finding(True, message, "environments", environment) for message in messages)


def _patched(document: Document, feature: str, environment: str, patch: FlagPatch, segments: SegmentKeys) -> str:
    """Return the text of a file after a change."""
    if feature not in document.flags:
        raise _unknown(feature, document.flags)
    for segment, override in patch.segments.items():
        if override is not None:
            _check_segment(segment, segments, document, environment)
    try:
        flag = FlagdFlag(document.flags[feature], document.segments())
        now = flag.state(_keys(segments))
    except NotOurs as reason:
        raise KeptByOthers(f"The flag '{feature}' in {file_of(environment)} can't be changed. {reason}") from None
    changed = plan_change(patch, now).state
    flag.check_values(changed)
    flag.check_allocations(changed)
    return document.text if changed == now else _edited(document.text, feature, flag.edits(changed, segments))


def _edited(text: str, feature: str, edits: Iterable[Edit]) -> str:
    for edit in edits:
        path = ("flags", feature, *edit.path)
        removed = edit.value is None and edit.path[0] == "metadata"
        text = without_member(text, path) if removed else with_member(text, path, edit.value)
    return text


def _check_segment(segment: str, segments: SegmentKeys, document: Document, environment: str) -> None:
    reference = segments.get(segment)
    if reference is None:
        raise SegmentNotFound(f"There is no segment '{segment}'.{did_you_mean(segment, segments)}")
    if reference not in document.segments():
        raise SegmentNotFound(
            f"{file_of(environment)} has no condition '{reference}' in $evaluators, which is the segment '{segment}'. Add it."
        )


def _system_flag(definition: Any, document: Document, segments: SegmentKeys) -> SystemFlag:
    """Return a flag. One that can't be changed is reported as disabled, because its targeting may serve anything."""
    try:
        return SystemFlag(FlagdFlag(definition, document.segments()).state(_keys(segments)))
    except NotOurs as reason:
        return SystemFlag(FlagState(), (str(reason),))


def _read(definition: Any, document: Document) -> FlagdFlag | NotOurs:
    try:
        return FlagdFlag(definition, document.segments())
    except NotOurs as reason:
        return reason


def _keys(segments: SegmentKeys) -> dict[str, str]:
    return {reference: segment for segment, reference in segments.items()}


def _unknown(feature: str, known: Iterable[str]) -> FeatureNotFound:
    return FeatureNotFound(f"There is no flag '{feature}' in the files.{did_you_mean(feature, known)}")
