"""What the tests of layouts share: an export's rows through its layout and the ledger's check, on one connection."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ledger.checks import check
from ledger.engine import open_engine
from ledger.importers.layout import Layout, prepared_sql, source_columns, source_sql, translated_sql
from ledger.shop import Shop

SAMPLES = Path(__file__).parent / "layouts"
IMPORTED_AT = datetime(2024, 6, 1, 12, tzinfo=UTC)
SHOPS = {
    "shopify": Shop("USD", "America/New_York"),
    "woocommerce": Shop("EUR", "Europe/Berlin"),
    "online-retail": Shop("GBP", "Europe/London"),
}
Line = dict[str, str]


@dataclass(frozen=True)
class Translated:
    """What an export's rows became.

    Parameters
    ----------
    texts : dict of str to list of dict
        By table, the rows of text that its translations gave, refused ones among them.
    accepted : dict of str to list of dict
        By table, the stored rows, each with its line.
    refused : dict of str to dict of int to str
        By table, line and reason.
    findings : dict of str to int
    """

    texts: dict[str, list[dict[str, Any]]]
    accepted: dict[str, list[dict[str, Any]]]
    refused: dict[str, dict[int, str]]
    findings: dict[str, int]

    def lines(self, table: str) -> set[int]:
        """Return the lines that the table accounts for."""
        return {row["line"] for row in self.accepted[table]} | set(self.refused[table])


def sample(layout: Layout) -> list[Line]:
    """Return the rows of a layout's hand-written export."""
    with (SAMPLES / f"{layout.name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@contextmanager
def prepared(layout: Layout, rows: Sequence[Mapping[str, str]]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection on which an export's rows are prepared; the first one is line 2."""
    names = list(rows[0])
    texts = {name: pa.array([row[name] for row in rows], pa.string()) for name in names}
    header = source_columns(layout, names, "export.csv")
    lines = {"line": pa.array(range(2, len(rows) + 2), pa.int64())}
    read = pa.table(lines | {name: texts[names[position]] for name, position in header.positions.items()})
    with open_engine() as connection:
        connection.execute("SET VARIABLE imported_at = $at", {"at": IMPORTED_AT.isoformat()})
        connection.register("read_rows", read)
        connection.execute(
            f"CREATE TEMP TABLE source AS {source_sql(layout, tuple(header.positions), 'read_rows')}"
        )
        connection.execute(f"CREATE TEMP TABLE prepared AS {prepared_sql(layout)}")
        yield connection


def translate(layout: Layout, rows: Sequence[Mapping[str, str]]) -> Translated:
    """Take an export's rows through its layout and the ledger's check."""
    texts: dict[str, list[dict[str, Any]]] = {}
    accepted: dict[str, list[dict[str, Any]]] = {}
    refused: dict[str, dict[int, str]] = {}
    with prepared(layout, rows) as connection:
        for translation in layout.translations:
            name = translation.table.name
            found = connection.sql(translated_sql(translation)).to_arrow_table().sort_by("line")
            texts.setdefault(name, []).extend(found.to_pylist())
            refused.setdefault(name, {}).update(
                {row["line"]: row["refused"] for row in found.to_pylist() if row["refused"] is not None}
            )
            kept = found.filter(pc.is_null(found["refused"])).drop(["refused"])
            checked = check(translation.table, kept, SHOPS[layout.name], IMPORTED_AT, connection)
            refused[name].update({row["line"]: row["reason"] for row in checked.rejected.to_pylist()})
            accepted.setdefault(name, []).extend(
                row | {"line": line}
                for row, line in zip(checked.accepted.to_pylist(), checked.lines.to_pylist(), strict=True)
            )
        findings = {
            finding.name: int(connection.execute(finding.sql).fetchall()[0][0]) for finding in layout.findings
        }
    return Translated(texts, accepted, refused, findings)
