"""A page of a list."""

from typing import Generic, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


class ListOf(BaseModel, Generic[T]):
    """Some of a list; `next` is the cursor to the rest, null at the end."""

    items: list[T]
    next: str | None = None
