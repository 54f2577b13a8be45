"""Generated ledgers, many in one, as the Parquet files that a ledger's tables are."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, given, settings

from ledger.schema import Table
from ledger.tables.shipped import TABLES
from tests.properties.ledgers import Given, Row, ledgers

_IDS = {
    column for table in TABLES for column in table.names if column.endswith("_id") and column != "line_id"
}


def generated(count: int) -> list[Given]:
    """Return as many generated ledgers as asked for, the same on every run."""
    drawn: list[Given] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(ledgers())
    def draw(example: Given) -> None:
        drawn.append(example)

    draw()
    return drawn


def together(examples: Iterable[Given]) -> list[Given]:
    """Return the examples of one cutoff as one ledger, each with ids of its own: starting an engine is what costs."""
    merged: dict[object, Given] = {}
    for number, example in enumerate(examples):
        whole = merged.setdefault(example.cutoff, Given([], [], [], example.cutoff))
        for field in fields(Given):
            if field.name != "cutoff":
                getattr(whole, field.name).extend(_apart(number, row) for row in getattr(example, field.name))
    return list(merged.values())


def _apart(number: int, row: Row) -> Row:
    return {
        name: f"{number} {cell}" if name in _IDS and cell is not None else cell for name, cell in row.items()
    }


def written(example: Given, folder: Path) -> Mapping[Table, list[Path]]:
    """Write a ledger's tables, two files each, and return which file is whose."""
    given_rows = {
        "orders": example.orders,
        "products": example.products,
        "identities": example.identities,
        "events": example.events,
        "customers": example.customers,
    }
    files: dict[Table, list[Path]] = {table: [] for table in TABLES}
    for table in TABLES:
        rows = given_rows.get(table.name, [])
        half = len(rows) // 2
        for part in filter(None, (rows[:half], rows[half:])):
            path = folder / f"{table.name}-{len(files[table])}.parquet"
            pq.write_table(pa.Table.from_pylist(part, table.arrow_schema), path)
            files[table].append(path)
    return files
