"""The messages between the workflow of a webhook and its activity."""

from datetime import timedelta

from domain.model import Message, Moment


class DeliverWebhook(Message):
    """Attempt the deliveries of a webhook that are due. Its last `failures` attempts failed in a row."""

    project: str
    webhook: str
    failures: int = 0


class Delivered(Message):
    """The due deliveries were made, or the receiver failed and gets no attempt for the `rest`. The next is due at `next_at`."""

    failures: int
    rest: timedelta
    next_at: Moment | None = None
