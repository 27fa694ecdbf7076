"""Features, and manual changes to their flags."""

from collections.abc import Sequence

from fastapi import APIRouter, Response

from activities.commands.references import uses_of_variant
from activities.commands.stops_freezes import wake_held_release
from activities.providers.catalogue import provider_of
from activities.store.database import Store
from activities.store.identifiers import new_id, new_salt
from api.dependencies import CallerDep, DatabaseDep, FreshFlagsDep, PreconditionDep, SliceDep, WritingDep, now
from api.schemas.features import ChangedFeature, ChangeFeature, CreateFeature, FeatureView, FlagView, feature_view, flag_view
from api.schemas.lists import ListOf
from domain.access import Caller
from domain.audit import AuditEvent
from domain.entity_tag import entity_tag
from domain.errors import InUse, Invalid, Problem, SegmentNotFound
from domain.flags.change import PlannedChange
from domain.flags.flag import FlagState, check_value, type_of
from domain.flags.patch import FlagPatch
from domain.flags.project import Feature, Project, check_defines_variants, check_keeps_flags
from domain.flags.variant import changed_variants, check_variant_values, type_of_variants, unknown_variants
from domain.releases.release import Release
from domain.text import Slug, did_you_mean

router = APIRouter(prefix="/projects/{project}", tags=["features"])


@router.post("/features", status_code=201)
def create_feature(project: Slug, body: CreateFeature, caller: CallerDep, writing: WritingDep) -> FeatureView:
    """Create a feature. Its default applies in every environment, so this requires the role operator on all of them."""
    caller.must_see(project)
    at = now()
    feature = _new_feature(body)
    with writing.transaction() as store:
        owner = store.projects.get(project, lock="share")
        _must_operate_everywhere(store, caller, owner)
        check_keeps_flags(owner)
        values = feature.model_dump(mode="json", exclude={"default"}) | {"default_state": feature.default.model_dump(mode="json")}
        store.features.insert(at, project_id=owner.id, **values)
        after = body.model_dump(mode="json") | {"type": feature.type.value}
        store.audit.record(caller, AuditEvent.FEATURE_CREATED, at, project=project, feature=feature.key, after=after)
        return writing.answer(store, _view(store, owner, feature), feature.etag)


@router.get("/features")
def list_features(
    project: Slug, caller: CallerDep, database: DatabaseDep, fresh_flags: FreshFlagsDep, slice_: SliceDep
) -> ListOf[FeatureView]:
    """List the features of the project, by key, with their state in every environment."""
    caller.must_see(project)
    fresh_flags.prefer(project)
    with database.reading() as store:
        owner = store.projects.get(project)
        listed = [] if owner.keeps_flags else [each.key for each in store.features.page(slice_, owner.id).items]
    fresh_flags.prefer_all(project, listed)
    with database.reading() as store:
        page = store.features.page(slice_, owner.id)
        names = {} if owner.keeps_flags else store.system_names.all(owner.id, "feature")
        states = provider_of(owner, store).look_all([feature.key for feature in page.items])
        releases = store.releases.unfinished_of([feature.id for feature in page.items])
    items = [feature_view(feature, states[feature.key], releases.get(feature.id), names.get(feature.key)) for feature in page.items]
    return ListOf(items=items, next=page.next)


@router.get("/features/{feature}")
def get_feature(
    project: Slug, feature: Slug, caller: CallerDep, database: DatabaseDep, fresh_flags: FreshFlagsDep, response: Response
) -> FeatureView:
    """Return one feature, with its state in every environment and its unfinished release."""
    caller.must_see(project)
    fresh_flags.prefer(project, feature)
    with database.reading() as store:
        owner = store.projects.get(project)
        found = store.features.get(feature, owner.id)
        response.headers["ETag"] = found.etag
        return _view(store, owner, found)


@router.patch("/features/{feature}")
def change_feature(
    project: Slug,
    feature: Slug,
    body: ChangeFeature,
    precondition: PreconditionDep,
    caller: CallerDep,
    database: DatabaseDep,
    response: Response,
) -> FeatureView:
    """Change the name, the description or the variants of a feature. Its key and its type never change.

    A variant that an allocation or an unfinished release uses can't be changed or removed. Its key never changes. Of a feature in
    Unleash, only the variants are changed here. Their values are texts.
    """
    caller.must_operate_somewhere(project)
    at = now()
    with database.transaction() as store:
        owner = store.projects.get(project, lock="share")
        values = body.model_dump(mode="json", exclude_none=True)
        check_defines_variants(owner) if values.keys() == {"variants"} else check_keeps_flags(owner)
        found = store.features.get(feature, owner.id, lock="update")
        precondition.check(found.etag, f"Feature '{feature}'")
        if body.variants is not None:
            check_variant_values(type_of_variants(found.type, owner.provider), body.variants)
            _check_unused(store, owner, found, changed_variants(found.variants, body.variants))
        if values:
            store.features.update(found.id, **values)
            before = found.model_dump(mode="json", include=set(values))
            store.audit.record(caller, AuditEvent.FEATURE_CHANGED, at, project=project, feature=feature, before=before, after=values)
        changed = found.model_copy(update=values | ({} if body.variants is None else {"variants": body.variants}))
        response.headers["ETag"] = changed.etag
        return _view(store, owner, changed)


@router.delete("/features/{feature}", status_code=204)
def delete_feature(project: Slug, feature: Slug, precondition: PreconditionDep, caller: CallerDep, database: DatabaseDep) -> None:
    """Delete a feature. It must have no unfinished release. This requires the role operator on every environment."""
    caller.must_see(project)
    at = now()
    with database.transaction() as store:
        owner = store.projects.get(project, lock="share")
        _must_operate_everywhere(store, caller, owner)
        check_keeps_flags(owner)
        found = store.features.get(feature, owner.id, lock="update")
        precondition.check(found.etag, f"Feature '{feature}'")
        if release := store.releases.unfinished_of([found.id]).get(found.id):
            used_by = [{"kind": "release", "id": release.id, "feature": feature}]
            raise InUse(f"'{feature}' has the unfinished release {release.id}: remove the release first.", used_by=used_by)
        store.features.delete(found.id, at)
        store.audit.record(caller, AuditEvent.FEATURE_DELETED, at, project=project, feature=feature)


@router.get("/environments/{environment}/features/{feature}")
def get_flag(
    project: Slug,
    environment: Slug,
    feature: Slug,
    caller: CallerDep,
    database: DatabaseDep,
    fresh_flags: FreshFlagsDep,
    response: Response,
) -> FlagView:
    """Return a flag in one environment. Its ETag is that of its state there."""
    caller.must_see(project)
    fresh_flags.prefer(project, feature)
    with database.reading() as store:
        owner = store.projects.get(project)
        state = provider_of(owner, store).look(feature, environment)
        response.headers["ETag"] = _etag(store.features.get(feature, owner.id), state)
    return flag_view(state)


@router.patch("/environments/{environment}/features/{feature}")
def change_flag(
    project: Slug,
    environment: Slug,
    feature: Slug,
    body: FlagPatch,
    precondition: PreconditionDep,
    caller: CallerDep,
    database: DatabaseDep,
    response: Response,
) -> ChangedFeature:
    """Change a flag manually in one environment. Only the given fields change, all or none of them. The ETag is that of its state there."""
    caller.must_operate(project, [environment])
    at = now()
    if not body.named:
        message = "The change must have at least one of the fields enabled, value, allocation, overrides and rollout."
        raise Invalid(message, problems=(Problem(pointer="", code="names_nothing", message=message),))
    with database.transaction() as store:
        owner = store.projects.get(project, lock="share")
        _check_segments(store, owner, body)
        provider = provider_of(owner, store)
        state, found = provider.read(feature, environment), store.features.get(feature, owner.id)
        _check_variants(found, body)
        precondition.check(_etag(found, state), f"Flag '{feature}' in {environment}")
        change = provider.patch(feature, environment, body, at)
        response.headers["ETag"] = _etag(found, change.state)
        if change.changes_anything:
            states = {"before": change.before.model_dump(mode="json"), "after": change.after.model_dump(mode="json")}
            store.audit.record(caller, AuditEvent.FLAG_CHANGED, at, project=project, environment=environment, feature=feature, **states)
        release = store.releases.unfinished_of([found.id]).get(found.id)
        wake_held_release(store, release)
        view = _view(store, owner, found)
    return ChangedFeature(**dict(view), warnings=[*_ended(body, change), *_warnings(release)])


def _etag(feature: Feature, state: FlagState) -> str:
    """Return the entity tag of a flag in one environment. It does not depend on the feature's name or description."""
    return entity_tag(feature.id, state)


def _new_feature(body: CreateFeature) -> Feature:
    kind = body.type or type_of(body.default.value)
    check_value(kind, body.default.value, "The default's value", "/default/value")
    check_variant_values(kind, body.variants)
    default = FlagState(enabled=body.default.enabled, value=body.default.value)
    about = {"name": body.name or body.key, "description": body.description, "variants": body.variants}
    return Feature(id=new_id(), key=body.key, type=kind, default=default, salt=new_salt(), **about)


def _must_operate_everywhere(store: Store, caller: Caller, project: Project) -> None:
    caller.must_operate_somewhere(project.key)
    caller.must_operate(project.key, sorted(provider_of(project, store).environments()))


def _check_segments(store: Store, project: Project, patch: FlagPatch) -> None:
    known = provider_of(project, store).segments()
    missing = [segment for segment, override in patch.segments.items() if override is not None and segment not in known]
    problems = tuple(
        Problem(
            pointer=f"/overrides/{each}", code=SegmentNotFound.code(), message=f"There is no segment '{each}'.{did_you_mean(each, known)}"
        )
        for each in missing
    )
    if problems:
        raise Invalid(problems[0].message, problems=problems)


def _check_variants(feature: Feature, patch: FlagPatch) -> None:
    if problems := tuple(unknown_variants(patch.allocations, feature.variants)):
        raise Invalid(problems[0].message, problems=problems)


def _check_unused(store: Store, project: Project, feature: Feature, changed: Sequence[str]) -> None:
    for variant in changed:
        if used_by := uses_of_variant(store, project, feature, variant):
            message = f"The variant '{variant}' is still in use: its value can't be changed, and it can't be removed."
            raise InUse(message, used_by=used_by)


def _ended(patch: FlagPatch, change: PlannedChange) -> list[str]:
    """Warn about a rollout or an allocation that a change ended without naming it."""
    before, warnings = change.before, []
    if before.rollout is not None and "rollout" not in patch.named:
        warnings.append(f"This ended the rollout at {before.rollout.percent}%: everyone gets the same state now.")
    if before.allocation and "allocation" not in patch.named:
        warnings.append("This ended the allocation: everyone gets the same value now.")
    return warnings


def _warnings(release: Release | None) -> list[str]:
    if release is None:
        return []
    return [
        f"The flag has the unfinished release {release.id} ({release.pipeline.name}): a stage that changes the same field "
        "will be blocked, or will overwrite this change if the release has on_conflict 'overwrite'."
    ]


def _view(store: Store, project: Project, feature: Feature) -> FeatureView:
    states = provider_of(project, store).look_all([feature.key])
    name = None if project.keeps_flags else store.system_names.find(project.id, "feature", feature.key)
    return feature_view(feature, states[feature.key], store.releases.unfinished_of([feature.id]).get(feature.id), name)
