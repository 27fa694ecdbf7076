"""Stages of releases that change flags in files for flagd."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.messages import Made, Refused
from activities.providers.errors import ProviderUnavailable
from activities.store.database import Database
from domain.flags.flag import FlagState, Override
from domain.releases.status import ReleaseStatus
from tests.activities.acting import changes_of
from tests.flagd.files import flag_of, write
from tests.flagd.shop import Shop
from tests.pipelines import enable, rollout, set_value, stage


class FolderShop(Shop):
    """A shop whose flags are in a folder."""

    def __init__(self, database: Database, folder: Path) -> None:
        super().__init__(database, folder.parent, folder.name)
        self.files = {"development": write(folder, "staging"), "production": write(folder)}

    def by_hand(self, feature: str, change: dict[str, Any], environment: str = "development") -> None:
        """Change a flag in a file as a person does."""
        path = self.files[environment]
        document = json.loads(path.read_text())
        document["flags"][feature] |= change
        path.write_text(json.dumps(document, indent=2))


@pytest.fixture
def shop(database: Database, tmp_path: Path) -> FolderShop:
    folder = tmp_path / "flags"
    folder.mkdir()
    return FolderShop(database, folder)


def test_segment_share_and_value_climb(shop: FolderShop) -> None:
    release = shop.add(
        "checkout",
        stage("Beta", actions=[enable("beta-testers")]),
        stage("Ramp", actions=[rollout(12.5, 87.5, "1h")]),
        stage("Production", "production"),
    )
    targeting = {"if": [{"$ref": "Beta testers"}, "on"]}

    assert isinstance(shop.change(release), Made)
    assert flag_of(shop.files["development"], "checkout")["targeting"] == targeting

    with shop.world.database.reading() as store:
        ramp = store.pipelines.version(release.pipeline.id).definition.stages[1]
    assert isinstance(shop.change(release, step=1, patch=ramp.patch({}, 1), next_step={"step": 2, "every": timedelta(hours=1)}), Made)
    assert flag_of(shop.files["development"], "checkout")["targeting"] == {
        "if": [*targeting["if"], {"fractional": [["on", 1250], ["off", 8750]]}]
    }
    assert isinstance(shop.change(release, step=2, patch=ramp.patch({}, 2)), Made)
    assert isinstance(shop.change(release), Made)

    assert flag_of(shop.files["development"], "checkout")["defaultVariant"] == "on"
    assert flag_of(shop.files["production"], "checkout")["defaultVariant"] == "on"
    assert shop.world.release(release.id).status is ReleaseStatus.COMPLETED
    assert len(changes_of(shop.world, release)) == 4


def test_value_is_set_for_a_segment(shop: FolderShop) -> None:
    release = shop.add("colour", stage("Beta", actions=[enable("vip"), set_value("blue", "vip")]))

    assert isinstance(shop.change(release), Made)

    assert flag_of(shop.files["development"], "colour")["targeting"] == {"if": [{"$ref": "vip"}, "blue"]}
    assert shop.world.flag("development", "colour") == FlagState(
        value="red", overrides={"vip": Override(enabled=True, value="blue", priority=0)}
    )


def test_change_by_hand_blocks_the_release(shop: FolderShop) -> None:
    release = shop.add("colour", stage("Enable", actions=[enable()]), stage("Value", actions=[set_value("blue")]))
    shop.change(release)
    shop.by_hand("colour", {"variants": {"red": "red", "blue": "blue", "green": "green"}, "defaultVariant": "green"})

    answer = shop.change(release)

    assert isinstance(answer, Refused)
    assert answer.blocked.code == "flag_changed_by_hand"
    assert flag_of(shop.files["development"], "colour")["defaultVariant"] == "green"


@pytest.mark.parametrize("enabled", [True, False])
def test_rule_of_people_blocks_the_release(shop: FolderShop, enabled: bool) -> None:
    release = shop.add("checkout", stage("Stage", actions=[enable(enabled=enabled)]))
    shop.by_hand("checkout", {"targeting": {"if": [{"==": [{"var": "email"}, "ann@shop.example"]}, "on"]}})
    before = shop.files["development"].read_bytes()

    answer = shop.change(release)

    assert isinstance(answer, Refused)
    assert answer.blocked.code == "kept_by_others"
    assert "Move the condition into $evaluators" in answer.blocked.message
    assert shop.files["development"].read_bytes() == before


def test_broken_file_is_tried_again_until_it_is_repaired(shop: FolderShop) -> None:
    release = shop.add("checkout", stage("Enable"))
    good = shop.files["production"].read_text()
    shop.files["production"].write_text(good[:-10])
    with pytest.raises(ProviderUnavailable, match=r"production\.json is not valid JSON"):
        shop.change(release)

    shop.files["production"].write_text(good)

    assert isinstance(shop.change(release), Made)
