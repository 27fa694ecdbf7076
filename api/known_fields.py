"""The fields that a request body may have at a place, for messages about fields that it may not have."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from fastapi import Request
from pydantic import TypeAdapter

Schema = dict[str, Any]


def known_fields(request: Request, path: Sequence[int | str], document: Any) -> list[str]:
    """The fields of the object at this path of the document, by the JSON schema of the route's body.

    The document selects the members of unions. If several are possible, the fields of all of them are returned.
    """
    route = request.scope.get("route")
    bodies = route.dependant.body_params if route else []
    return fields_at(bodies[0].field_info.annotation, path, document) if bodies else []


def fields_at(body: Any, path: Sequence[int | str], document: Any) -> list[str]:
    """The same for a document that is a body of this type."""
    root = _schema_of(body)
    candidates = list(_members(root, root, document))
    for part in path:
        document = _child(document, part)
        candidates = [member for each in candidates for below in _below(each, part) for member in _members(root, below, document)]
    return sorted({name for each in _matching(candidates, document) for name in each.get("properties", ())})


@cache
def _schema_of(body: Any) -> Schema:
    return TypeAdapter(body).json_schema()


def _members(root: Schema, schema: Schema, node: Any) -> Iterator[Schema]:
    """The schema itself without references and unions."""
    if "$ref" in schema:
        yield from _members(root, root["$defs"][schema["$ref"].rpartition("/")[2]], node)
        return
    union: list[Schema] = schema.get("oneOf") or schema.get("anyOf") or []
    if not union:
        yield schema
        return
    by = schema.get("discriminator", {})
    tag = node.get(by.get("propertyName")) if isinstance(node, dict) else None
    if isinstance(tag, str) and tag in by.get("mapping", {}):
        union = [{"$ref": by["mapping"][tag]}]
    for each in union:
        yield from _members(root, each, node)


def _matching(candidates: list[Schema], node: Any) -> list[Schema]:
    """The candidates whose required fields are all given, or else all candidates."""
    given = node.keys() if isinstance(node, dict) else ()
    return [each for each in candidates if set(each.get("required", ())) <= set(given)] or candidates


def _child(node: Any, part: int | str) -> Any:
    if isinstance(node, dict):
        return node.get(part)
    return node[part] if isinstance(node, list) and isinstance(part, int) and part < len(node) else None


def _below(schema: Schema, part: int | str) -> Iterator[Schema]:
    if isinstance(part, int):
        found = [schema.get("items")]
    else:
        entries = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
        found = [schema["properties"][part]] if part in schema.get("properties", {}) else entries
    yield from (each for each in found if isinstance(each, dict))
