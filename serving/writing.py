"""POST /v1/orders and /v1/events: what was posted, checked as an import's rows are, taken whole or not at all."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from ledger.posting import LINE, RefusedError, post
from ledger.schema import Table
from ledger.store import Ledger
from ledger.tables.events import EVENTS
from ledger.tables.orders import ORDERS
from serving.errors import Problem, ProblemError, shown
from serving.written import ROWS_A_POST, EventsRequest, LedgerEvent, LedgerLine, OrdersRequest

REQUESTS: Mapping[Table, tuple[type[BaseModel], type[BaseModel]]] = {
    ORDERS: (OrdersRequest, LedgerLine),
    EVENTS: (EventsRequest, LedgerEvent),
}


def take(table: Table, body: object, ledger: Ledger, now: datetime) -> dict[str, Any]:
    """
    Answer POST /v1/orders or /v1/events.

    Parameters
    ----------
    table : Table
        `ORDERS` or `EVENTS`.
    body : object
        The parsed JSON body.
    ledger : Ledger
    now : datetime
        The instant of the request.

    Returns
    -------
    dict
        As `written.WriteAnswer`.

    Raises
    ------
    ProblemError
        When the body or a row of it is not one that the ledger takes; nothing of it is taken then.
    """
    rows = _read(table, body)
    if ledger.shop_if_known() is None:
        raise ProblemError(
            Problem("not-ready", "nothing was imported yet; run `regulars import orders FILE`")
        )
    raw = _raw(rows)
    try:
        return asdict(post(ledger, table, raw, now))
    except RefusedError as error:
        raise ProblemError(_problem(table, error, raw)) from error


def _read(table: Table, body: object) -> Sequence[BaseModel]:
    request, row = REQUESTS[table]
    if (
        isinstance(body, Mapping)
        and isinstance(listed := body.get(table.name), list)
        and len(listed) > ROWS_A_POST
    ):
        expected = f"at most {ROWS_A_POST:,} {table.name}"
        raise ProblemError(
            Problem("too-large", "send several requests", table.name, expected, f"{len(listed):,}")
        )
    try:
        found: Sequence[BaseModel] = getattr(request.model_validate(body), table.name)
    except ValidationError as error:
        raise ProblemError(_unreadable(table, row, error)) from error
    return found


def _unreadable(table: Table, row: type[BaseModel], error: ValidationError) -> Problem:
    first = error.errors(include_url=False)[0]
    unknown = first["type"] == "extra_forbidden"
    names = {table.name, *row.model_fields}
    # A path's parts that are the caller's own words are left out.
    known = [part for part in first["loc"] if isinstance(part, int) or part in names]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in known).removeprefix(".")
    fields = ", ".join(row.model_fields if len(first["loc"]) > 1 else [table.name])
    return Problem(
        kind="invalid-rows" if len(first["loc"]) > 1 else "bad-request",
        detail="unknown field"
        if unknown
        else "it cannot be read; nothing was taken, correct it and send all again",
        field=path or "body",
        expected=fields if unknown else str(first["msg"]).removeprefix("Value error, "),
        got=shown(first["loc"][-1] if unknown else first["input"]),
    )


def _raw(rows: Sequence[BaseModel]) -> pa.Table:
    """Return rows as the texts that a file of them would hold; columns of which none gives anything are left out."""
    cells: dict[str, list[str | None]] = {}
    for name, about in type(rows[0]).model_fields.items():
        values = [_text(getattr(row, name)) for row in rows]
        if about.is_required() or any(value is not None for value in values):
            cells[name] = values
    columns = {name: pa.array(values, pa.string()) for name, values in cells.items()}
    return pa.table({LINE: pa.array(range(len(rows)), pa.int64()), **columns})


def _text(value: object) -> str | None:
    return json.dumps(value) if isinstance(value, dict) else value if value is None else str(value)


def _problem(table: Table, error: RefusedError, raw: pa.Table) -> Problem:
    """Name the first row at fault, and any other that the reason speaks of, by its place in the request."""
    line, reason = error.rows[0]
    told = re.sub(r"item (\d+)", lambda match: f"{table.name}[{match[1]}]", reason)
    column = next((name for name in raw.column_names if re.match(rf"{name}\b", reason)), None)
    others = len(error.rows) - 1
    more = f"; {others:,} more of them too" if others else ""
    return Problem(
        "invalid-rows",
        f"{told}{more}; nothing was taken",
        f"{table.name}[{line}]" + (f".{column}" if column else ""),
        _expected(reason, column),
        shown(raw[column][line].as_py()) if column else None,
    )


def _expected(reason: str, column: str | None) -> str | None:
    """Return what a reason says should be there, where it says so of a cell."""
    told = re.match(rf"{column} (?:should|must) be (.+)", reason) if column else None
    return told[1] if told else None
