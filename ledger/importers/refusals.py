"""Rows that an import refuses: counted by reason for the report, and kept in `rejected` for who repairs them."""

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from ledger.contacts import WITHHELD, masked_sql
from ledger.erasure import REASON, mentions_sql
from ledger.importers.report import Reason
from ledger.importers.source import Source
from ledger.importers.stage import Staged, count, numbered
from ledger.schema import Table
from ledger.store import Ledger, relation
from ledger.tables.rejected import REJECTED

# "duplicate of line 7" and "of line 9" are the same thing to put right.
ONE_REASON = r"regexp_replace(reason, '\b(line|row) \d+', 'another \1', 'g')"


class Refusals:
    """What one import refused.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        On which the rows are staged, with a table `ledger_erased`.
    imported_at : datetime
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, imported_at: datetime) -> None:
        self._connection = connection
        self._at = imported_at.astimezone(UTC).isoformat()
        self._reasons: dict[str, dict[str, Reason]] = {}
        connection.execute(f"CREATE OR REPLACE TEMP TABLE refusals AS {relation(REJECTED, ())}")

    def add(self, source: Source, staged: Sequence[Staged]) -> None:
        """Take over the rows of a file that were refused in one step or another."""
        refused = [one for one in staged if count(self._connection, one.refused)]
        for one in refused:
            self._count(source, one)
            self._keep(source, one)

    def _count(self, source: Source, staged: Staged) -> None:
        reasons = self._reasons.setdefault(staged.table.name, {})
        for text, rows, line in self._connection.execute(
            f"SELECT {ONE_REASON} AS text, count(*), min(line) FROM {staged.refused} GROUP BY 1 ORDER BY 3"
        ).fetchall():
            first = reasons.setdefault(text, Reason(text, 0, source.shown, source.place, line))
            reasons[text] = replace(first, rows=first.rows + rows)

    def _keep(self, source: Source, staged: Staged) -> None:
        """Keep each refused line with its text; it is read once more, as few rows are refused of many."""
        with source.path.open("rb") as handle:
            sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
        again = (
            nullcontext(f"FROM {staged.texts}")
            if staged.texts
            else source.rows(self._connection, staged.positions)
        )
        with again as rows:
            cells = ", ".join(f"'{name}', \"{name}\"" for name in staged.positions)
            raw = f"CASE WHEN text IS NULL THEN json_object({cells}) ELSE json_object('text', text) END"
            raw = self._withheld(masked_sql(f"CAST({raw} AS VARCHAR)"))
            self._connection.execute(
                f"""
                INSERT INTO refusals BY NAME
                WITH reasons AS (SELECT line, min(reason) AS reason FROM {staged.refused} GROUP BY line)
                SELECT $table_name AS table_name, $file_name AS file_name, $sha256 AS file_sha256, line, reason,
                    CAST($imported_at AS TIMESTAMPTZ) AS imported_at, {raw} AS raw
                FROM reasons JOIN ({numbered(rows)}) USING (line)
                """,
                {
                    "table_name": staged.table.name,
                    "file_name": source.shown,
                    "sha256": sha256,
                    "imported_at": self._at,
                },
            )

    def _withheld(self, raw: str) -> str:
        """Return SQL of a row's text, or of none where it names somebody erased."""
        if not count(self._connection, "ledger_erased"):
            return raw
        named = f"(reason = '{REASON}' OR {mentions_sql(raw)})"
        return f"CASE WHEN {named} THEN json_object('text', '{WITHHELD}') ELSE {raw} END"

    def new_rows(self, ledger: Ledger) -> pa.Table:
        """Return the refused rows that an earlier import of the same bytes has not left already, in line order."""
        if not count(self._connection, "refusals"):
            return REJECTED.arrow_schema.empty_table()
        with ledger.connect() as held:
            known = held.sql("SELECT file_sha256, table_name, line FROM ledger_rejected").to_arrow_table()
        self._connection.register("known_refusals", known)
        try:
            found = self._connection.sql(
                f"SELECT {', '.join(REJECTED.names)} FROM refusals "
                "ANTI JOIN known_refusals USING (file_sha256, table_name, line) ORDER BY file_name, table_name, line"
            )
            return found.to_arrow_table().cast(REJECTED.arrow_schema)
        finally:
            self._connection.unregister("known_refusals")

    def count(self, table: Table) -> int:
        """Return how many rows of a table were refused."""
        return sum(reason.rows for reason in self.reasons(table))

    def reasons(self, table: Table) -> tuple[Reason, ...]:
        """Return why, most frequent first."""
        found = self._reasons.get(table.name, {}).values()
        return tuple(sorted(found, key=lambda reason: (-reason.rows, reason.text)))
