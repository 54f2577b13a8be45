"""A DataFrame of orders as a ledger connection, for notebooks: the same check as any import, nothing stored."""

from datetime import UTC, datetime

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ledger.checks import check
from ledger.engine import open_engine
from ledger.errors import InputError
from ledger.importers.header import match_header
from ledger.schema import WHEN_IMPORTED, Table
from ledger.shop import Shop
from ledger.tables.customers import CUSTOMERS
from ledger.tables.events import EVENTS
from ledger.tables.identities import IDENTITIES
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from ledger.views import add_missing_tables

NO_CURRENCY = "XXX"  # ISO 4217 for "no currency"
# A frame is history, and a test set may lie anywhere: no row of it is refused for lying in the future.
NEVER = datetime(9990, 1, 1, tzinfo=UTC)


def connect_frames(  # noqa: PLR0913 - one argument a table
    orders: pd.DataFrame,
    time_zone: str,
    products: pd.DataFrame | None = None,
    *,
    events: pd.DataFrame | None = None,
    customers: pd.DataFrame | None = None,
    identities: pd.DataFrame | None = None,
) -> duckdb.DuckDBPyConnection:
    """Check frames in the plain format and return an in-memory ledger connection over them.

    Parameters
    ----------
    orders : pandas.DataFrame
        `customer_id`, `ordered_at`, `net_amount` and any other column of the plain format. Without `order_id` every
        row is an order of its own.
    time_zone : str
        The shop's IANA zone; naive times are read in it.
    products, events, customers, identities : pandas.DataFrame, optional
        The columns that the plain format requires, and any other of it. Customers and identities need `known_at`: a
        frame is never imported, and a row that is known since nobody knows when belongs to no cutoff.

    Returns
    -------
    duckdb.DuckDBPyConnection
        With views of all of the ledger's tables, empty but for those given.

    Raises
    ------
    InputError
        When a required column is missing or a row is refused; tells the first row and how many there are.
    """
    if "order_id" not in {str(name).strip().lower() for name in orders.columns}:
        orders = orders.assign(order_id=np.arange(len(orders)))
    connection = open_engine()
    try:
        shop = Shop(_currency(orders), time_zone)
        given = (
            *((ORDERS, orders), (PRODUCTS, products), (EVENTS, events)),
            *((CUSTOMERS, customers), (IDENTITIES, identities)),
        )
        for table, frame in given:
            if frame is not None:
                _check_known(table, frame)
                connection.register(f"ledger_{table.name}", _stored(table, frame, shop, connection))
        add_missing_tables(connection)
    except InputError:
        connection.close()
        raise
    return connection


def _check_known(table: Table, frame: pd.DataFrame) -> None:
    if table.known_from == WHEN_IMPORTED and "known_at" not in {
        str(name).strip().lower() for name in frame.columns
    }:
        raise InputError(
            f"the frame of {table.name} needs the column known_at: since when each row was known"
        )


def _currency(orders: pd.DataFrame) -> str:
    given = orders["currency"].dropna() if "currency" in orders.columns else orders.iloc[:0, 0]
    return NO_CURRENCY if given.empty else str(given.iloc[0])


def _stored(table: Table, frame: pd.DataFrame, shop: Shop, connection: duckdb.DuckDBPyConnection) -> pa.Table:
    header = match_header(table, [str(name) for name in frame.columns], f"the frame of {table.name}")
    cells = {name: _as_text(frame.iloc[:, place], name) for name, place in header.positions.items()}
    raw = pa.table({"line": pa.array(np.arange(len(frame)), pa.int64()), **cells})
    checked = check(table, raw, shop, NEVER, connection, place="row")
    if checked.rejected.num_rows:
        first = checked.rejected.slice(0, 1).to_pylist()[0]
        more = checked.rejected.num_rows - 1
        also = f" (and {more} more rows)" if more else ""
        raise InputError(
            f"the frame of {table.name}: row {first['line']}, counted from 0: {first['reason']}{also}"
        )
    return checked.accepted


def _as_text(column: pd.Series, name: str) -> pa.Array:
    """Return a column as the text a file would hold."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return pc.binary_join_element_wise(_as_text(column.dt.tz_convert(None), name), "Z", "")
    try:
        return pa.Array.from_pandas(column).cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        # Objects of several types: each as it prints itself, missing ones still missing.
        texts = column.map(str, na_action="ignore")
    try:
        return pa.Array.from_pandas(texts).cast(pa.string())
    except pa.ArrowException as error:
        raise InputError(f"column {name} holds values that are no text, number or time") from error
