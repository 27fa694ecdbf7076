"""Views of a release that can be compared: of the model, of the record, and of the workflow."""

from typing import NamedTuple

from domain.releases.release import Release
from tests.workflows.state_machine.flag_model import Flag
from tests.workflows.state_machine.record import ReleaseRecord
from workflows.messages import ReleasePlace


class View(NamedTuple):
    """The parts of a release and its flag that the model predicts."""

    status: str
    stage: int
    outcomes: list[tuple[int, str]]
    held: str | None
    watches: dict[str, tuple[object, ...]]
    flags: dict[str, Flag]
    """With the layouts of their allocations."""
    decided: dict[int, str]


def decided_in(release: ReleaseRecord) -> dict[int, str]:
    """Return visit -> what its experiment has decided to ship."""
    return {each["visit"]: each["ships"] for each in release.decisions}


def watches_of(release: ReleaseRecord) -> dict[str, tuple[object, ...]]:
    """Return what is known of each guardrail and gate on the current visit."""
    observed = {each["key"]: each["observed"] for each in release.watches if each["visit"] == release.row["visit"]}
    return {key: (each["outcome"], each["failures"], each["longest"], each["breached_at"] is not None) for key, each in observed.items()}


def of_place(place: ReleasePlace) -> tuple[object, ...]:
    """Return what the workflow knows of a release."""
    acts_at = None if place.blocked or place.paused else place.held.until if place.held else place.acts_at
    return place.index, place.visit, place.step, place.sequence, place.entered_at, acts_at, place.blocked, place.paused, place.held


def of_record(record: Release) -> tuple[object, ...]:
    """Return the same from the record."""
    blocked = record.blocked.without_details() if record.blocked else None
    key = (record.stage_index, record.visit, record.step, record.sequence)
    return *key, record.entered_at, record.acts_at, blocked, record.paused, record.held
