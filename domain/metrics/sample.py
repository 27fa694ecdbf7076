"""Samples: what a metric's source answered at one point in time, or why it can't tell."""

from typing import Literal

from domain.model import Message, Moment

UnknownCode = Literal["no_data", "too_little_data", "not_a_number", "ambiguous", "stale", "source_down", "source_refused"]
"""Why a sample has no usable value.

The source has no data or too little, a value is NaN or text, there are several values instead of one, the newest is too old, the source
can't be reached in time, or it refused the query.
"""


class Unknown(Message):
    """Why a sample can't tell: a code for programs, and a sentence for people."""

    code: UnknownCode
    message: str


class Group(Message):
    """The values of one group of users: their number, mean, and sample variance (with n - 1)."""

    name: str
    n: int
    mean: float
    variance: float


class Sample(Message):
    """The answer of a metric's source at one point in time: one number, or one row for each group of users, or why it is unknown."""

    at: Moment
    value: float | None = None
    groups: tuple[Group, ...] = ()
    unknown: Unknown | None = None
