"""Entity tags of resources, and the precondition that a request states with them (RFC 9110, 8.8.3 and 13.1.1)."""

import hashlib
import json
from typing import NamedTuple

from pydantic_core import to_jsonable_python

from domain.errors import ResourceChanged


def entity_tag(*content: object) -> str:
    """Return the strong tag of a resource with this content, which is models or JSON values. Equal content has the same tag."""
    document = json.dumps(to_jsonable_python(content), sort_keys=True)
    return f'"{hashlib.sha256(document.encode()).hexdigest()[:32]}"'


class Precondition(NamedTuple):
    """The strong tags of an If-Match header. None stands for no header and for `*`: any state of an existing resource is allowed."""

    tags: frozenset[str] | None = None

    def allows(self, tag: str) -> bool:
        """True if a resource with this tag may be changed."""
        return self.tags is None or tag in self.tags

    def check(self, tag: str, resource: str) -> None:
        """Raise ResourceChanged if the resource has another tag. The caller holds the lock under which it is changed."""
        if not self.allows(tag):
            raise ResourceChanged(f"{resource} has changed since you read it: read it again, then decide again.")


UNCONDITIONAL = Precondition()
