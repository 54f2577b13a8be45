"""Posted rows brought into the Delta tables: from then on they are orders and events like any other."""

import os
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ledger.arrivals import Arrivals
from ledger.check_statement import key_hash, said_hash
from ledger.engine import open_engine
from ledger.merge import judge
from ledger.schema import Table
from ledger.store import Ledger


def settle(ledger: Ledger, now: datetime) -> int:
    """Append what was posted and is not in the tables yet; waits for an import under way.

    It may be killed at any moment and done again: a row that the tables have already is not appended twice.

    Parameters
    ----------
    ledger : Ledger
    now : datetime
        Aware; when a posted row became known that an import has contradicted meanwhile.

    Returns
    -------
    int
        Rows appended.
    """
    arrivals = Arrivals(ledger.home.arrivals)
    if not arrivals.exists or not arrivals.waiting()[1]:
        return 0
    with ledger.exclusive():
        waiting, last = arrivals.waiting()
        new = {table: _new(ledger, table, rows, now) for table, rows in waiting.items() if rows.num_rows}
        ledger.append(new)
        ledger.compact()
        os.sync()  # from here on the arrivals may go: the tables must not be in memory alone
        arrivals.settle(last)
    return sum(rows.num_rows for rows in new.values())


def _new(ledger: Ledger, table: Table, rows: pa.Table, now: datetime) -> pa.Table:
    """Return the rows that the tables do not have; each says of itself when it was known."""
    with open_engine() as connection:
        judged = _judged(connection, ledger, table, rows, now, known_given=True)
        # What an import meanwhile said otherwise of the same instant: the post was acknowledged, so it corrects that.
        clashes = judged.filter(pc.equal(judged["verdict"], "clash")).select(table.names)
        later = _judged(connection, ledger, table, clashes, now, known_given=False)
    return pa.concat_tables([_appended(table, judged), _appended(table, later)])


def _appended(table: Table, judged: pa.Table) -> pa.Table:
    new = pc.is_in(judged["verdict"], value_set=pa.array(["added", "corrected"]))
    return judged.filter(new).select(table.names).cast(table.arrow_schema)


def _judged(  # noqa: PLR0913 - one a thing that the answer depends on
    connection: duckdb.DuckDBPyConnection,
    ledger: Ledger,
    table: Table,
    rows: pa.Table,
    now: datetime,
    *,
    known_given: bool,
) -> pa.Table:
    given = tuple(column.given for column in table.given)
    connection.register("waiting_rows", rows)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE fresh AS "
        f"SELECT *, row_number() OVER () AS line, {known_given} AS known_given, {key_hash(table)} AS key, "
        f"{said_hash(table, given)} AS said FROM waiting_rows"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE repeated AS SELECT key FROM fresh GROUP BY key HAVING count(*) > 1"
    )
    held = ledger.files(table)
    judged = judge(
        connection, table, given, fresh="fresh", repeated="repeated", held=held, imported_at=now
    )  # fmt: skip
    found = connection.sql(f"SELECT * FROM ({judged}) ORDER BY line").to_arrow_table()
    connection.unregister("waiting_rows")
    return found
