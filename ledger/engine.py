"""The embedded DuckDB that checks and reads the ledger: in memory, in UTC, never downloading an extension."""

import duckdb

SETTINGS = (
    "SET GLOBAL TimeZone = 'UTC'",  # global: a cursor() of the connection must not fall back to the machine's zone
    "SET GLOBAL autoinstall_known_extensions = false",  # an extension is a download
    "SET GLOBAL autoload_known_extensions = false",
)


def open_engine() -> duckdb.DuckDBPyConnection:
    """Return a new in-memory connection that shares nothing with any other."""
    connection = duckdb.connect()
    for setting in SETTINGS:
        connection.execute(setting)
    return connection
