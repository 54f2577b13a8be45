"""The embedded DuckDB that checks and reads the ledger: in memory, in UTC, never downloading an extension."""

from pathlib import Path

import duckdb

from ledger import quoting

# Of the machine's memory: what reads the answer, pandas or a model, needs as much again.
SHARE_OF_MEMORY = "50%"

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


def bound(connection: duckdb.DuckDBPyConnection, spill: Path, memory_limit_mb: int | None = None) -> None:
    """Hold a connection to so much memory; what does not fit is written to a directory.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Of `open_engine`; not used yet.
    spill : Path
        Holds customers' data while the connection is open, so give one of `ledger.workspace`.
    memory_limit_mb : int, MB, optional
        By default half of the machine's memory.
    """
    limit = SHARE_OF_MEMORY if memory_limit_mb is None else f"{memory_limit_mb}MB"
    connection.execute(
        f"SET GLOBAL memory_limit = '{limit}'; SET GLOBAL temp_directory = {quoting.text(spill)}"
    )
