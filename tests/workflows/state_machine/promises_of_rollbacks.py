"""What must hold of what rollbacks put back. Each check yields what it finds wrong."""

from collections.abc import Iterator

from tests.workflows.state_machine.record import Row, Story, returned_to


def each_put_back_is_told_once(story: Story) -> Iterator[str]:
    """Every change that puts something back has one audit entry with the same before and after, and the rollback's key."""
    fields = ("environment", "before", "after")
    told = [(entry["at"], *(entry[field] for field in fields)) for entry in story.told_of_rollbacks]
    made = [(change["made_at"], *(change[field] for field in fields)) for change in story.put_back]
    if told != made:
        yield f"the audit log tells {told}, what was put back is {made}"
    sequences = {sequence for _, sequence in _rollbacks(story)}
    for change in story.put_back:
        is_named = change["key"].startswith(f"{story.row['id']}/rollback/") and change["key"].endswith(f"/{change['environment']}")
        if change["sequence"] not in sequences or not is_named:
            yield f"{change['key']} belongs to no rollback"


def only_what_was_changed_is_put_back(story: Story) -> Iterator[str]:
    """What everyone gets becomes something that it was before the release changed it."""
    for change in story.put_back:
        earlier = [made for made in story.changes if made["environment"] == change["environment"] and made["sequence"] < change["sequence"]]
        for field in {"enabled", "value"} & change["after"].keys():
            if change["after"][field] not in [made["before"][field] for made in earlier if field in made["before"]]:
                yield f"{change['key']} put {change['after']} back"


def what_is_undone_says_so(story: Story) -> Iterator[str]:
    """A visit on which something was changed is rolled back once a rollback reaches it; without a rollback none is."""
    for entry, sequence in _rollbacks(story):
        first = next((index + 1 for index, stage in enumerate(story.stages) if stage["name"] == returned_to(entry)), 0)
        for run in story.runs:
            changed = [change for change in story.changes_on(run["visit"]) if change["before"] != change["after"]]
            if run["stage_index"] >= first and any(change["sequence"] < sequence for change in changed) and run["outcome"] != "rolled_back":
                yield f"visit {run['visit']} was undone and is {run['outcome']}"
    if not _rollbacks(story) and any(run["outcome"] == "rolled_back" for run in story.runs):
        yield "a visit is rolled back, and nobody rolled the release back"


def _rollbacks(story: Story) -> list[tuple[Row, int]]:
    """Each rollback that was carried out, and the sequence that it wrote."""
    return [(entry, number) for number, entry in enumerate(story.writes, start=1) if entry["event"] == "release.rolled_back"]
