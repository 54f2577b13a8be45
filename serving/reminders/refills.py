"""The forecast with what people act on added: the state of each row, why nobody is reminded, what to offer instead.

Everything is as known before the cutoff, and one SELECT a step over tables that the engine spills: no row passes
through Python.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from features.cutoff import Cutoff
from ledger import quoting
from serving.reminders import rhythm, states, suppressions

ROWS_A_BATCH: Final = 500_000
ADDED: Final = pa.schema(
    [
        pa.field("last_bought_on", pa.date32()),
        pa.field("usual_gap_days", pa.int32()),
        pa.field("times_bought", pa.int32()),
        pa.field("state", pa.string()),
        pa.field("state_since", pa.date32()),
        pa.field("state_reason", pa.string()),
        pa.field("suppressed_since", pa.date32()),
        pa.field("suppressed_reason", pa.string()),
        pa.field("offer_product_id", pa.string()),
        pa.field("value_if_bought", pa.float64()),
    ]
)
"""Columns added at the end of the forecast's own. `suppressed_because` is the forecast's column, told anew."""


def stage(
    connection: duckdb.DuckDBPyConnection,
    forecast: Iterable[pa.Table],
    cutoff: Cutoff,
    lead_days: int,
    scratch: Path | None = None,
) -> pa.Table:
    """
    Say of every row of a forecast where it stands.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A ledger connection that holds `history_items` as of the cutoff. It is left with the temporary table
        `reminder_refills`, which `suggestion`, `demand` and `membership` read.
    forecast : iterable of pyarrow.Table
        As `models.replenishment` gives it: a row a customer and product, and a customer and category.
    cutoff : Cutoff
    lead_days : int, days
        How long before it is due something counts as due soon.
    scratch : Path, optional
        A directory for the rows, which are then read from disk and not held in memory; it may go while they are used.

    Returns
    -------
    pyarrow.Table
        The forecast's rows in their order, with its columns and those of `ADDED`.
    """
    schema = rhythm.stage(connection, forecast, cutoff)
    states.stage(connection, cutoff, lead_days)
    suppressions.stage(connection, cutoff)
    given = ", ".join(
        f"x.suppressed_because AS {name}" if name == "suppressed_because" else f"r.{quoting.name(name)}"
        for name in schema.names
    )
    connection.execute(
        f"""
        create or replace temp table reminder_refills as
        select
            r.row, {given},
            date '1970-01-01' + cast(r.last_day as integer) as last_bought_on,
            cast(r.usual as integer) as usual_gap_days, cast(r.days_bought as integer) as times_bought,
            s.state, s.state_since, s.state_reason, x.suppressed_since, x.suppressed_reason, o.offer_product_id,
            cast(r.value_if_bought as double) as value_if_bought
        from reminder_rows r
        left join reminder_states s using (row)
        left join reminder_suppressed x using (row)
        left join reminder_offers o using (row)
        """
    )
    for table in ("reminder_rows", "reminder_states", "reminder_suppressed", "reminder_offers"):
        connection.execute(f"drop table {table}")
    told = connection.sql("select * exclude (row) from reminder_refills order by row")
    columns = pa.schema([*schema, *ADDED])
    return told.to_arrow_table().cast(columns) if scratch is None else _mapped(told, columns, scratch)


def _mapped(told: duckdb.DuckDBPyRelation, columns: pa.Schema, scratch: Path) -> pa.Table:
    """Write rows to a file as they come, and return them mapped from it."""
    path = scratch / "refills.arrow"
    with pa.ipc.new_file(path, columns) as writer:
        for batch in told.to_arrow_reader(ROWS_A_BATCH):
            writer.write_batch(batch.cast(columns))
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()
