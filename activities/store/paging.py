"""Cursor pagination, whose cost does not depend on the length of the list."""

import base64
import binascii
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select

from domain.errors import CursorInvalid

T = TypeVar("T")

USUAL = 50
MOST = 200


class Slice(NamedTuple):
    """The requested page."""

    cursor: str | None = None
    limit: int = USUAL


class Page(NamedTuple, Generic[T]):
    """A page of items and the cursor of the next page."""

    items: list[T]
    next: str | None


def fetch_page(
    connection: Connection,
    query: Select[Any],
    order: ColumnElement[str],
    wanted: Slice,
    read: Callable[[Row[Any]], T],
    *,
    newest_first: bool,
) -> Page[T]:
    """Run a query for one page, ordered by a unique text column. Raises CursorInvalid."""
    if wanted.cursor is not None:
        last = value_in(wanted.cursor)
        query = query.where(order < last if newest_first else order > last)
    query = query.order_by(order.desc() if newest_first else order).limit(wanted.limit + 1).add_columns(order.label("_order"))
    rows = connection.execute(query).all()
    more = len(rows) > wanted.limit
    return Page([read(row) for row in rows[: wanted.limit]], cursor_after(rows[wanted.limit - 1]._order) if more else None)


def cursor_after(last: str) -> str:
    """Return the cursor of the page after the item with this value in the ordering column."""
    return base64.urlsafe_b64encode(f"v1:{last}".encode()).decode().rstrip("=")


def value_in(cursor: str) -> str:
    """Return the value in the ordering column of the item before the page. Raises CursorInvalid."""
    try:
        version, _, last = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode().partition(":")
    except (binascii.Error, UnicodeError, ValueError):
        version, last = "", ""
    if version != "v1" or not last or "\x00" in last:
        raise CursorInvalid("Invalid cursor: use `next` of the previous page, or omit it.")
    return last
