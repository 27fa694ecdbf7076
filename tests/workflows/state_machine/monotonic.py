"""What must hold between two looks at the record: it only grows, and rows never go backwards."""

from collections.abc import Callable, Iterator

from tests.workflows.state_machine.record import Record, Row, Story


def nothing_told_is_taken_back(earlier: Record, later: Record) -> Iterator[str]:
    """The audit log is only added to."""
    if later.audit[: len(earlier.audit)] != earlier.audit:
        yield "the audit log is not what it was with more at its end"


def changes_stay(earlier: Story, later: Story) -> Iterator[str]:
    """A change that was recorded is never altered, and none is put before it."""
    if any(after[: len(before)] != before for before, after in ((earlier.changes, later.changes), (earlier.put_back, later.put_back))):
        yield f"changes {[change['key'] for change in earlier.changes]} became {[change['key'] for change in later.changes]}"


def visits_that_are_over_stay(earlier: Story, later: Story) -> Iterator[str]:
    """What became of a visit is never altered, but by a rollback."""
    over = earlier.row["visit"] - (earlier.row["ended_at"] is None)
    may_be = [(run, run | ({"outcome": "rolled_back"} if "release.rolled_back" in _new(earlier, later) else {})) for run in earlier.runs]
    if any(run not in either for run, either in zip(later.runs, may_be[:over], strict=False)):
        yield f"visits {earlier.runs[:over]} became {later.runs[:over]}"


def rows_go_forward(earlier: Story, later: Story) -> Iterator[str]:
    """Sequence and visit never fall, and a row is written only with a higher sequence, but for noting its start or what holds it."""
    before, after = earlier.row, later.row
    if (after["sequence"], after["visit"]) < (before["sequence"], before["visit"]) or after["visit"] < before["visit"]:
        yield f"from {_place(before)} back to {_place(after)}"
    kept = {field: before[field] for field in ("held", "acts_at") if after["held"]}
    if after["sequence"] == before["sequence"] and before["status"] != "starting" and after | kept != before:
        yield f"{before} was written over by {after}"


def what_is_finished_stays(earlier: Story, later: Story) -> Iterator[str]:
    """Nothing at all happens to a release that has ended, unless a person wants it rolled back."""
    if earlier.row["ended_at"] is not None and later != earlier and _new(earlier, later)[:1] != ["release.rolling_back"]:
        yield f"{_place(earlier.row)} was finished and became {_place(later.row)}, with {len(later.changes)} changes"


OF_A_RELEASE: tuple[Callable[[Story, Story], Iterator[str]], ...] = (
    changes_stay,
    visits_that_are_over_stay,
    rows_go_forward,
    what_is_finished_stays,
)


def steps_back(earlier: Record, later: Record) -> list[str]:
    """Everything that went backwards from one look to a later one."""
    found = [f"{nothing_told_is_taken_back.__name__}: {wrong}" for wrong in nothing_told_is_taken_back(earlier, later)]
    if [story.row["id"] for story in later.stories[: len(earlier.stories)]] != [story.row["id"] for story in earlier.stories]:
        return [*found, "a release is gone"]
    pairs = list(zip(earlier.stories, later.stories, strict=False))
    return found + [f"{check.__name__}: {wrong}" for before, after in pairs for check in OF_A_RELEASE for wrong in check(before, after)]


def _new(earlier: Story, later: Story) -> list[str]:
    """What was told meanwhile."""
    return [entry["event"] for entry in later.audit[len(earlier.audit) :]]


def _place(row: Row) -> str:
    return f"{row['status']} at '{row['stage']}', visit {row['visit']}, sequence {row['sequence']}"
