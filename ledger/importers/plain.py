"""Files in the plain format (docs/ledger.md), CSV or Parquet, into the ledger: checked whole, then appended at once."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ledger.checks import REJECTED_SCHEMA, Checked, check
from ledger.errors import InputError
from ledger.importers.csv_rows import read_csv
from ledger.importers.parquet_rows import read_parquet
from ledger.importers.report import ImportReport, Reason
from ledger.importers.rows import Progress, Rows
from ledger.merge import Merged, merge
from ledger.schema import Table
from ledger.shop import Shop
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from ledger.tables.rejected import REJECTED

CURRENCY_ASSUMED = "USD"
TIME_ZONE_ASSUMED = "UTC"
CURRENCY_CODE = r"^\s*[A-Za-z]{3}\s*$"


def import_orders(  # noqa: PLR0913 - one a switch of the command
    ledger: Ledger,
    files: Sequence[Path],
    *,
    imported_at: datetime,
    currency: str | None = None,
    time_zone: str | None = None,
    encoding: str = "utf-8",
    progress: Progress | None = None,
) -> ImportReport:
    """Import order lines.

    The first import fixes the shop's currency and time zone: as given, else the file's currency, else USD and UTC.

    Parameters
    ----------
    ledger : Ledger
    files : sequence of Path
        `.csv` or `.parquet`. All are read and checked before anything is written.
    imported_at : datetime
        Aware. When corrections without a known_at of their own became known.
    currency, time_zone : str, optional
    encoding : str
        Of CSV files.
    progress : callable, optional
        Called with what is being done and the share of it done, 0 to 1.

    Returns
    -------
    ImportReport

    Raises
    ------
    InputError
        When a file cannot be read as such, or the ledger is another currency's or zone's; nothing is written then.
    """
    wanted = _Wanted(ORDERS, imported_at, currency, time_zone, encoding)
    return _import(ledger, files, wanted, progress)


def import_products(  # noqa: PLR0913 - one a switch of the command
    ledger: Ledger,
    files: Sequence[Path],
    *,
    imported_at: datetime,
    currency: str | None = None,
    time_zone: str | None = None,
    encoding: str = "utf-8",
    progress: Progress | None = None,
) -> ImportReport:
    """Import descriptions of products; as `import_orders`, but fixing the shop only when both facts are given."""
    wanted = _Wanted(PRODUCTS, imported_at, currency, time_zone, encoding)
    return _import(ledger, files, wanted, progress)


@dataclass(frozen=True)
class _Wanted:
    """One import's arguments."""

    table: Table
    imported_at: datetime
    currency: str | None
    time_zone: str | None
    encoding: str


@dataclass(frozen=True)
class _File:
    """One file read and checked; `rejected` has line, reason, of rows and of what is no row."""

    rows: Rows
    sha256: str
    checked: Checked
    rejected: pa.Table


def _import(
    ledger: Ledger, files: Sequence[Path], wanted: _Wanted, progress: Progress | None
) -> ImportReport:
    if not files:
        raise InputError("no file to import; give one or more .csv or .parquet files")
    tell = progress or _silent
    rows = [_read(wanted, Path(path), tell) for path in files]
    shop, notes = _shop(ledger, wanted, rows)
    checked = [_check(wanted, shop, one, tell) for one in rows]
    tell("writing", 0.0)
    merged = _write(ledger, wanted, shop, checked)
    tell("writing", 1.0)
    return _report(wanted.table, shop, merged, notes)


def _silent(what: str, share: float) -> None:
    """Tell nobody."""


def _read(wanted: _Wanted, path: Path, tell: Progress) -> Rows:
    if path.is_dir():
        raise InputError(f"{path} is a directory; give the files in it")
    ending = path.suffix.lower()
    if ending not in (".csv", ".parquet"):
        raise InputError(
            f"{path.name}: unknown kind of file {ending or 'without an extension'}; expected .csv or .parquet"
        )
    try:
        if path.is_file() and path.stat().st_size == 0:
            raise InputError(f"{path.name} is empty; a header line and rows are expected, see docs/ledger.md")
        with path.open("rb"):
            pass
        if ending == ".csv":
            return read_csv(wanted.table, path, wanted.encoding, tell)
        return read_parquet(wanted.table, path, tell)
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from error


def _shop(ledger: Ledger, wanted: _Wanted, rows: Sequence[Rows]) -> tuple[Shop, tuple[str, ...]]:
    """Return the ledger's shop, or the one this import would fix, and what was assumed of it."""
    known = ledger.shop_if_known()
    if known:
        asked = replace(
            known, currency=wanted.currency or known.currency, time_zone=wanted.time_zone or known.time_zone
        )
        if asked != known:
            raise InputError(
                f"this ledger is in {known.currency}, {known.time_zone}, and cannot take {asked.currency}, "
                f"{asked.time_zone}; use another --home"
            )
        return known, ()
    notes = []
    currency = wanted.currency or _currency_in(rows)
    if not currency and wanted.table is ORDERS:
        notes.append(f"no currency was given: {CURRENCY_ASSUMED} is assumed from now on")
    if not wanted.time_zone and wanted.table is ORDERS:
        notes.append(f"no time zone was given: {TIME_ZONE_ASSUMED} is assumed from now on")
    return Shop(currency or CURRENCY_ASSUMED, wanted.time_zone or TIME_ZONE_ASSUMED), tuple(notes)


def _currency_in(rows: Sequence[Rows]) -> str | None:
    """Return the most frequent currency code in the files, if any."""
    given = [one.raw["currency"] for one in rows if "currency" in one.raw.column_names]
    codes = pa.chunked_array([chunk for column in given for chunk in column.chunks], pa.string())
    codes = pc.utf8_upper(
        pc.utf8_trim_whitespace(codes.filter(pc.match_substring_regex(codes, CURRENCY_CODE)))
    )
    counted = pc.value_counts(codes).to_pylist()
    return max(counted, key=lambda entry: (entry["counts"], entry["values"]))["values"] if counted else None


def _check(wanted: _Wanted, shop: Shop, rows: Rows, tell: Progress) -> _File:
    tell(f"checking {rows.path.name}", 0.0)
    with rows.path.open("rb") as handle:
        sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
    checked = check(wanted.table, rows.raw, shop, wanted.imported_at, place=rows.place)
    tell(f"checking {rows.path.name}", 1.0)
    rejected = pa.concat_tables([checked.rejected, rows.malformed.select(REJECTED_SCHEMA.names)])
    return _File(rows, sha256, checked, rejected)


def _write(ledger: Ledger, wanted: _Wanted, shop: Shop, files: Sequence[_File]) -> list[tuple[_File, Merged]]:
    """Append what is new, in one commit for the table and one for the rejected rows."""
    table = wanted.table
    merged: list[tuple[_File, Merged]] = []
    new = table.arrow_schema.empty_table()
    with ledger.exclusive(), ledger.connect() as connection:
        rejected = REJECTED.arrow_schema.empty_table()
        for one in files:
            found = merge(connection, table, one.checked, new, wanted.imported_at)
            whole = replace(one, rejected=pa.concat_tables([one.rejected, found.rejected]).sort_by("line"))
            merged.append((whole, found))
            new = pa.concat_tables([new, found.rows])
            rejected = pa.concat_tables([rejected, _new_rejected(connection, wanted, whole)])
        if (table is ORDERS and new.num_rows) or (wanted.currency and wanted.time_zone):
            ledger.fix_shop(shop)
        ledger.append({table: new, REJECTED: rejected})
    return merged


def _new_rejected(connection: duckdb.DuckDBPyConnection, wanted: _Wanted, one: _File) -> pa.Table:
    """Return the file's rejected rows that an earlier import of the same bytes has not left already."""
    given = [name for name in one.rows.raw.column_names if name != "line"]
    cells = ", ".join(f"'{name}', {name}" for name in given)
    for name, rows in (
        ("refused", one.rejected),
        ("raw_rows", one.rows.raw),
        ("malformed", one.rows.malformed),
    ):
        connection.register(name, rows)
    return connection.sql(
        f"""
        SELECT $table_name AS table_name, $file_name AS file_name, $sha256 AS file_sha256, refused.line, refused.reason,
            CAST($imported_at AS TIMESTAMPTZ) AS imported_at,
            coalesce(malformed.raw, CAST(json_object({cells}) AS VARCHAR)) AS raw
        FROM refused LEFT JOIN raw_rows USING (line) LEFT JOIN malformed USING (line)
        WHERE refused.line NOT IN (
            SELECT line FROM ledger_rejected WHERE file_sha256 = $sha256 AND table_name = $table_name)
        ORDER BY refused.line
        """,
        params={
            "table_name": wanted.table.name,
            "file_name": one.rows.path.name,
            "sha256": one.sha256,
            "imported_at": wanted.imported_at.isoformat(),
        },
    ).to_arrow_table().cast(REJECTED.arrow_schema)  # fmt: skip


def _report(
    table: Table, shop: Shop, merged: Sequence[tuple[_File, Merged]], notes: tuple[str, ...]
) -> ImportReport:
    ignored = [
        f"{one.rows.path.name}: not imported: {', '.join(one.rows.unknown)}"
        for one, _ in merged
        if one.rows.unknown
    ]
    return ImportReport(
        table=table.name,
        files=tuple(one.rows.path.name for one, _ in merged),
        read=sum(one.rows.raw.num_rows + one.rows.malformed.num_rows for one, _ in merged),
        added=sum(found.added for _, found in merged),
        unchanged=sum(found.unchanged for _, found in merged),
        corrected=sum(found.corrected for _, found in merged),
        rejected=sum(one.rejected.num_rows for one, _ in merged),
        reasons=_reasons([one for one, _ in merged]),
        notes=(*notes, *ignored),
        currency=shop.currency,
        time_zone=shop.time_zone,
    )


def _reasons(files: Sequence[_File]) -> tuple[Reason, ...]:
    found: dict[str, Reason] = {}
    for one in files:
        for row in one.rejected.to_pylist():
            # One reason for all: "duplicate of line 7" and "of line 9" are the same thing to put right.
            text = re.sub(r"\b(line|row) \d+", r"another \1", row["reason"])
            first = found.setdefault(text, Reason(text, 0, one.rows.path.name, one.rows.place, row["line"]))
            found[text] = replace(first, rows=first.rows + 1)
    return tuple(sorted(found.values(), key=lambda reason: (-reason.rows, reason.text)))
