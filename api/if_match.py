"""The If-Match header of a request."""

import re

from domain.entity_tag import UNCONDITIONAL, Precondition

_ELEMENT = re.compile(r'[ \t]*(?:(?P<weak>W/)?(?P<tag>"[\x21\x23-\x7e\x80-\xff]*"))?[ \t]*(?:,|$)')
"""One element of the list, which may be empty (RFC 9110, 5.6.1)."""

MALFORMED = 'must be "*" or a list of ETags in double quotes, as they were received'


def parse_if_match(text: str) -> Precondition:
    """Return the precondition of a header. Raises ValueError if it is malformed.

    A weak tag never matches, because If-Match compares strongly (RFC 9110, 8.8.3.2).
    """
    if text.strip() == "*":
        return UNCONDITIONAL
    tags, is_empty, position = [], True, 0
    while position < len(text):
        element = _ELEMENT.match(text, position)
        if element is None:
            raise ValueError(MALFORMED)
        if element["tag"]:
            is_empty = False
            tags += [] if element["weak"] else [element["tag"]]
        position = element.end()
    if is_empty:
        raise ValueError(MALFORMED)
    return Precondition(frozenset(tags))
