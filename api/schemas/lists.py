"""The response body of lists."""

from typing import Generic, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


class ListOf(BaseModel, Generic[T]):
    """A page of a list. `next` is the cursor of the next page, null on the last one."""

    items: list[T]
    next: str | None = None
