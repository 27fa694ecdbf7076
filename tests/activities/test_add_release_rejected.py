"""Refusals to add a flag, which name the reason and write nothing."""

from typing import Any

import pytest

from activities.commands.add_release import AddRelease, add_release
from domain.access import Access, Caller, Grant, Owner, Role
from domain.errors import AlreadyReleasing, Invalid, NotAllowed, NotFound, NotPublished, PipelineArchived, Refusal, ValueTypeWrong
from domain.pipelines.pipeline import PipelineDefinition
from tests.activities.acting import THREE
from tests.pipelines import pipeline, set_value, stage
from tests.world import NOW, World


def as_anna(world: World, *grants: Grant) -> Caller:
    """Return a caller with these grants."""
    anna = Owner(kind="person", name="anna")
    with world.database.transaction() as store:
        key = store.keys.add("anna's", anna, grants, f"fh_secret_of_anna_{len(grants)}", NOW)
        return Caller(key=key.id, owner=anna, owner_id=store.keys.owner_id(anna), access=Access(grants=grants))


def add_as(world: World, caller: Caller, **fields: Any) -> Any:
    with world.database.transaction() as store:
        return add_release(store, caller, world.project, AddRelease(pipeline="standard", feature="checkout", **fields), NOW)


def operator(*environments: str) -> Grant:
    return Grant(project="shop", role=Role.OPERATOR, environments=environments)


def nothing_was_added(world: World) -> bool:
    with world.database.reading() as store:
        return store.releases.unfinished_in(world.project.id) == [] and not store.outbox.has_work(NOW)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"pipeline": "nothing"}, "/pipeline"),
        ({"feature": "search"}, "/feature"),
        ({"starting_stage": "Beta"}, "/starting_stage"),
    ],
)
def test_unknown_reference_is_refused_with_a_pointer(shop: World, fields: dict[str, Any], pointer: str) -> None:
    shop.publish(THREE)

    with pytest.raises(Invalid) as refused:
        shop.add(**fields)

    assert [(each.pointer, each.code) for each in refused.value.problems] == [(pointer, "not_found")]
    assert nothing_was_added(shop)


def test_unknown_starting_stage_is_refused_with_the_known_ones(shop: World) -> None:
    shop.publish(THREE)

    with pytest.raises(Invalid, match="Unknown stage 'Beta': the pipeline has 'Development', 'Beta users', 'Everyone', 'Watch'"):
        shop.add(starting_stage="Beta")


def test_draft_accepts_no_releases(shop: World) -> None:
    with shop.database.transaction() as store:
        draft = store.pipelines.add(shop.project.id, PipelineDefinition.model_validate(THREE), NOW)

    for pipeline_ in ("standard", draft.id):
        with pytest.raises(NotPublished, match="is a draft: publish it first") as refused:
            shop.add(pipeline=pipeline_)
        assert refused.value.problems[0].pointer == "/pipeline"
    assert nothing_was_added(shop)


def test_archived_pipeline_accepts_no_releases(shop: World) -> None:
    archived = shop.publish(THREE)
    with shop.database.transaction() as store:
        store.pipelines.archive(shop.project.id, "standard")

    for pipeline_ in ("standard", archived.id):
        with pytest.raises(PipelineArchived, match="is archived: use another pipeline") as refused:
            shop.add(pipeline=pipeline_)
        assert [(each.pointer, each.code) for each in refused.value.problems] == [("/pipeline", "pipeline_archived")]
    assert nothing_was_added(shop)


def test_pipeline_of_another_project_is_not_found(shop: World) -> None:
    with shop.database.transaction() as store:
        store.projects.insert(NOW, id="other", key="other", name="Other")
        theirs = store.pipelines.publish(store.pipelines.add("other", PipelineDefinition.model_validate(THREE), NOW), NOW, "them")

    for pipeline_ in ("standard", theirs.id):
        with pytest.raises(Invalid, match="There is no pipeline"):
            shop.add(pipeline=pipeline_)


def test_values_of_the_wrong_type_are_refused_from_the_starting_stage_on(shop: World) -> None:
    shop.publish(
        pipeline(
            stage("Number", actions=[set_value(7)]),
            stage("Two", "staging", actions=[set_value(8, "staff"), set_value(9)]),
            stage("Rest", "production"),
        )
    )

    with pytest.raises(ValueTypeWrong) as refused:
        shop.add()
    assert ["'Number'" in each.message or "'Two'" in each.message for each in refused.value.problems] == [True] * 3
    with pytest.raises(ValueTypeWrong) as refused:
        shop.add(starting_stage="Two")
    assert len(refused.value.problems) == 2
    assert nothing_was_added(shop)
    assert shop.add(starting_stage="Rest")


def test_second_release_of_a_flag_is_refused_naming_the_first(shop: World) -> None:
    shop.publish(THREE)
    shop.publish(THREE | {"key": "other"})
    first = shop.add()

    with pytest.raises(AlreadyReleasing, match=f"is already in release {first.id}, on pipeline 'standard'") as refused:
        shop.add(pipeline="other")

    assert refused.value.details == {"release": first.id, "pipeline": "standard"}
    assert _only_release(shop) == first.id


def _only_release(world: World) -> str:
    with world.database.reading() as store:
        return store.releases.unfinished_in(world.project.id)[0].id


@pytest.mark.parametrize(
    ("grants", "starting_stage", "outcome"),
    [
        ([operator("development", "production")], "Development", None),
        ([operator("development"), operator("production")], "Development", None),
        ([operator("production")], "Development", NotAllowed),
        ([operator("development")], "Development", NotAllowed),
        ([operator("production")], "Beta users", None),
        ([operator("staging")], "Watch", None),
        ([Grant(project="shop", role=Role.VIEWER)], "Watch", NotAllowed),
        ([Grant(project="shop", role=Role.ADMIN)], "Development", None),
        ([Grant(project="other", role=Role.ADMIN)], "Development", NotFound),
    ],
)
def test_adding_requires_the_right_on_every_environment_ahead(
    shop: World, grants: list[Grant], starting_stage: str, outcome: type[Refusal] | None
) -> None:
    shop.publish(THREE)
    anna = as_anna(shop, *grants)

    if outcome is None:
        assert add_as(shop, anna, starting_stage=starting_stage).responsible == "anna"
        return
    with pytest.raises(outcome):
        add_as(shop, anna, starting_stage=starting_stage)
    assert nothing_was_added(shop)
