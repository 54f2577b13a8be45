"""Relations staged one after another on a connection: a name and the SELECT that fills it."""

from dataclasses import dataclass
from datetime import datetime

import duckdb


@dataclass(frozen=True)
class Step:
    """One relation and the SELECT that fills it, in the SQL that means the same on DuckDB and Spark.

    Parameters
    ----------
    table : str
        Temporary table, visible to the connection that stages it and to no other.
    sql : str
        May hold names of values after a colon, such as `:cutoff_at`.
    """

    table: str
    sql: str

    @property
    def text(self) -> str:
        """The step in one line, one white-space between words; fingerprints are taken of it."""
        return f"{self.table}: {' '.join(self.sql.split())}"

    def fill(self, connection: duckdb.DuckDBPyConnection, **values: datetime | int) -> None:
        """Fill the table, replacing what it held, which the SELECT may itself read.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
        **values : datetime or int
            What to put for each name; instants are aware. Names that the SELECT does not hold are passed over.
        """
        connection.execute(f"create or replace temp table {self.table} as {self.with_values(**values)}")

    def with_values(self, **values: datetime | int) -> str:
        """Return the SELECT with what `fill` puts for each name."""
        select = self.sql
        for name, value in values.items():
            select = select.replace(f":{name}", instant(value) if isinstance(value, datetime) else str(value))
        return select


def instant(at: datetime) -> str:
    """Return an instant as SQL; its offset is written out, for a bare literal is read in the session's own zone."""
    return f"cast('{at.isoformat(sep=' ')}' as timestamp with time zone)"
