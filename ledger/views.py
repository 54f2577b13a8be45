"""Connections over tables in memory: views of the ledger's tables that they have no rows for."""

import duckdb

from ledger.schema import SQL_TYPES, Table
from ledger.tables.shipped import TABLES


def add_missing_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a connection an empty, typed view of each of the ledger's tables that it has neither as table nor as view.

    Cursors of it have these views too; rows registered under the same name later hide the view on that cursor alone.
    """
    found = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
    there = {name for (name,) in found}
    missing = [table for table in TABLES if f"ledger_{table.name}" not in there]
    connection.execute("".join(f"CREATE VIEW ledger_{table.name} AS {_no_rows(table)};" for table in missing))


def _no_rows(table: Table) -> str:
    cells = ", ".join(
        f"CAST(NULL AS {SQL_TYPES[str(column.type)]}) AS {column.name}" for column in table.columns
    )
    return f"SELECT {cells} WHERE false"
