"""A span for each SQL statement, without its parameters."""

import re
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, event

from activities.tracing import Kind, Span, current_span

MOST_CHARACTERS = 1000
"""Of a statement. Those that insert many rows are long."""

_FIRST_TABLE = re.compile(r"(?:FROM|INTO|UPDATE)\s+\"?(\w+)", re.IGNORECASE)


def trace_statements(engine: Engine) -> None:
    """Record each statement of the engine within the current span. Statements outside any span are not recorded."""
    event.listen(engine, "before_cursor_execute", _begin)
    event.listen(engine, "after_cursor_execute", _end)
    event.listen(engine, "handle_error", _fail)


def _begin(connection: Connection, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:
    parent = current_span()
    if parent is None or context is None:
        return
    table = _FIRST_TABLE.search(statement)
    operation = statement.split(None, 1)[0].upper()
    attributes = {"db.system.name": connection.dialect.name, "db.operation.name": operation, "db.query.text": statement[:MOST_CHARACTERS]}
    context.flaghoist_span = parent.child(f"{operation} {table[1]}" if table else operation, Kind.CLIENT, attributes)


def _end(_connection: Connection, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
    if span := _span_of(context):
        span.end()


def _fail(failure: ExceptionContext) -> None:
    if span := _span_of(failure.execution_context):
        span.end(type(failure.original_exception).__name__)


def _span_of(context: Any) -> Span | None:
    span: Span | None = getattr(context, "flaghoist_span", None)
    return span
