"""Changes of flags by hand, through the route and without HTTP."""

from fastapi import Response

from activities.store.database import Database
from api.routes.features import change_flag
from domain.access import Caller
from domain.entity_tag import UNCONDITIONAL
from domain.flags.patch import FlagPatch


def change_flag_by_hand(project: str, environment: str, feature: str, patch: FlagPatch, caller: Caller, database: Database) -> None:
    """Change a flag as the route does, without a precondition."""
    change_flag(project, environment, feature, patch, UNCONDITIONAL, caller, database, Response())
