"""Tables in memory as a ledger connection: a view for each of the ledger's tables, empty where nothing is given."""

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from ledger.schema import Table
from ledger.tables.shipped import TABLES

EMPTY = {table: table.arrow_schema.empty_table() for table in TABLES}


def serve_tables(connection: duckdb.DuckDBPyConnection, rows: Mapping[Table, pa.Table]) -> None:
    """
    Give a connection the views that a ledger connection has.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    rows : mapping of Table to pa.Table
        In the stored schema; a table that is left out is there without rows.
    """
    for table, none in EMPTY.items():
        connection.register(f"ledger_{table.name}", rows.get(table, none))
