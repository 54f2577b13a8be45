"""Files into the ledger: read and checked as they stream, compared with what is held, then appended all at once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import duckdb

from ledger.erasure import REASON, refused_sql
from ledger.errors import InputError
from ledger.importers.files import open_file
from ledger.importers.header import Header, match_header
from ledger.importers.layout import Layout, advice, layout_of, source_columns
from ledger.importers.refusals import Refusals
from ledger.importers.report import ImportReport
from ledger.importers.shipped import LAYOUTS
from ledger.importers.source import Progress, Source, nobody
from ledger.importers.stage import Staged, Staging, count, staging_engine
from ledger.importers.translate import currency_codes, stage_layout, stage_plain
from ledger.keys import index
from ledger.merge import CLASH, filled, judge
from ledger.schema import SQL_TYPES, Table
from ledger.shop import Shop
from ledger.store import Ledger, relation, write_part
from ledger.tables.erased import ERASED
from ledger.tables.orders import ORDERS
from ledger.tables.rejected import REJECTED
from ledger.workspace import workspace

CURRENCY_ASSUMED = "USD"
TIME_ZONE_ASSUMED = "UTC"
ROWS_FOR_CURRENCY = 100_000
Counts = dict[str, int]


@dataclass(frozen=True)
class _Wanted:
    """One import's arguments; see `import_files`."""

    table: Table
    imported_at: datetime
    layout: Layout | None
    currency: str | None
    time_zone: str | None
    tell: Progress


@dataclass(frozen=True)
class _File:
    """One file: how it is read, and what was staged of it, by table."""

    source: Source
    header: Header
    staged: tuple[Staged, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class _Outcome:
    """What becomes of one table's rows."""

    parts: list[Path] = field(default_factory=list)
    counts: Counts = field(default_factory=lambda: dict.fromkeys(("added", "unchanged", "corrected"), 0))


def import_files(  # noqa: PLR0913 - one a switch of the command
    ledger: Ledger,
    table: Table,
    files: Sequence[Path | str],
    *,
    imported_at: datetime,
    query: str | None = None,
    layout: Layout | None = None,
    renamed: Mapping[str, str] | None = None,
    currency: str | None = None,
    time_zone: str | None = None,
    encoding: str = "utf-8",
    separator: str = ",",
    progress: Progress | None = None,
) -> ImportReport:
    """Import files; all are read and checked before anything is written.

    Parameters
    ----------
    ledger : Ledger
    table : Table
        What the files' rows are; a layout's files may fill further tables.
    files : sequence of Path or str
        `.csv` or `.parquet`, of any size; or the URL of a PostgreSQL database, and then nothing else.
    imported_at : datetime
        Aware. When corrections without a known_at of their own became known.
    query : str, optional
        SELECT to ask the database.
    layout : Layout, optional
        Of another system's files; None for the plain format.
    renamed : mapping of str to str, optional
        Plain column to the file's, where the plain format's columns are called differently.
    currency, time_zone : str, optional
        The shop's. The first import of orders fixes them: as given, else the files' currency, else USD and UTC.
    encoding, separator : str
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
    if not files:
        raise InputError("no file to import; give one or more .csv or .parquet files")
    wanted = _Wanted(table, imported_at, layout, currency, time_zone, progress or nobody)
    with workspace(ledger.home) as work, staging_engine(work) as connection:
        sources = (
            [_asked(connection, files, query, work, wanted.tell)]
            if _is_database(files, query)
            else [open_file(Path(path), connection, encoding, separator, wanted.tell) for path in files]
        )
        opened = [_File(source, _header(wanted, source, renamed or {})) for source in sources]
        shop, assumed = _shop(connection, ledger, wanted, opened)
        staging = Staging(connection, shop, imported_at, wanted.tell)
        staged = [_stage(staging, wanted, one) for one in opened]
        wanted.tell("writing", 0.0)
        outcomes, refusals = _write(staging, ledger, wanted, staged)
        wanted.tell("writing", 1.0)
        report = _report(staging, table, staged, outcomes, refusals)
        return replace(report, notes=(*assumed, *_notes(staged)))


def _is_database(files: Sequence[Path | str], query: str | None) -> bool:
    """Whether a database is asked; only the two together make sense."""
    urls = [file for file in files if "://" in str(file)]
    if urls and (len(files) > 1 or not query):
        raise InputError("a database is asked alone and by a query: give its URL and --query 'SELECT ...'")
    if query and not urls:
        raise InputError("--query asks a database; give its URL, such as postgresql://user@host/database")
    return bool(urls)


def _asked(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Path | str],
    query: str | None,
    work: Path,
    tell: Progress,
) -> Source:
    """Return a database's answer, written out as CSV: from there on it is a file like any."""
    from ledger.importers.database import fetch, safe_name  # noqa: PLC0415 - brings a driver, which files do not need

    url = str(files[0])
    path = fetch(url, query or "", work, tell)
    return replace(open_file(path, connection, "utf-8", ",", tell), shown=safe_name(url))


def _header(wanted: _Wanted, source: Source, renamed: Mapping[str, str]) -> Header:
    if wanted.layout:
        return source_columns(wanted.layout, source.names, source.shown)
    try:
        return match_header(wanted.table, source.names, source.shown, renamed)
    except InputError as error:
        meant = layout_of(source.names, LAYOUTS)
        if meant is None or renamed:
            raise
        raise InputError(f"{error}; {advice(meant)}") from error


def _shop(
    connection: duckdb.DuckDBPyConnection, ledger: Ledger, wanted: _Wanted, files: Sequence[_File]
) -> tuple[Shop, tuple[str, ...]]:
    """Return the ledger's shop, or the one this import would fix, and what was assumed of it."""
    known = ledger.shop_if_known()
    if known and not ledger.is_empty():
        asked = replace(
            known, currency=wanted.currency or known.currency, time_zone=wanted.time_zone or known.time_zone
        )
        if asked != known:
            raise InputError(
                f"this ledger is in {known.currency}, {known.time_zone}, and cannot take {asked.currency}, "
                f"{asked.time_zone}; use another --home"
            )
        return known, ()
    if wanted.table.local_of and wanted.table is not ORDERS and not (wanted.currency and wanted.time_zone):
        raise InputError(
            f"import orders before {wanted.table.name}, or give --time-zone and --currency: local hours hang on them"
        )
    notes = []
    currency = wanted.currency or _currency_in(connection, wanted.layout, files)
    if not currency and wanted.table is ORDERS:
        notes.append(f"no currency was given: {CURRENCY_ASSUMED} is assumed from now on")
    if not wanted.time_zone and wanted.table is ORDERS:
        notes.append(f"no time zone was given: {TIME_ZONE_ASSUMED} is assumed from now on")
    return Shop(currency or CURRENCY_ASSUMED, wanted.time_zone or TIME_ZONE_ASSUMED), tuple(notes)


def _currency_in(
    connection: duckdb.DuckDBPyConnection, layout: Layout | None, files: Sequence[_File]
) -> str | None:
    """Return the most frequent currency code in the files' first rows, if any."""
    counted: Counter[str] = Counter()
    for one in files:
        counted.update(currency_codes(connection, layout, one.source, one.header, ROWS_FOR_CURRENCY))
    return max(counted, key=lambda code: (counted[code], code)) if counted else None


def _stage(staging: Staging, wanted: _Wanted, one: _File) -> _File:
    shown = one.source.shown
    wanted.tell(f"reading {shown}", 0.0)
    if wanted.layout:
        staged, notes = stage_layout(staging, wanted.layout, one.source, one.header)
    else:
        notes = ()
        staged = stage_plain(staging, wanted.table, one.source, one.header)
    if not any(count(staging.connection, each.cells) for each in staged):
        has = "a header" if one.source.place == "line" else "columns"
        raise InputError(f"{shown} has {has} and no rows; nothing was imported")
    wanted.tell(f"reading {shown}", 1.0)
    return replace(one, staged=staged, notes=notes)


def _write(
    staging: Staging, ledger: Ledger, wanted: _Wanted, files: Sequence[_File]
) -> tuple[dict[Table, _Outcome], Refusals]:
    """Append what is new: all tables of all files appear together or not at all."""
    outcomes: dict[Table, _Outcome] = {}
    refusals = Refusals(staging.connection, wanted.imported_at)
    with ledger.exclusive():
        erased = relation(ERASED, ledger.files(ERASED))
        staging.connection.execute(f"CREATE OR REPLACE TEMP TABLE ledger_erased AS {erased}")
        for one in files:
            for staged in one.staged:
                outcome = outcomes.setdefault(staged.table, _Outcome())
                _append(staging, ledger, staged, outcome)
            refusals.add(one.source, one.staged)
        parts = {table: outcome.parts for table, outcome in outcomes.items() if outcome.parts}
        rejected = refusals.new_rows(ledger)
        if rejected.num_rows:
            parts[REJECTED] = [ledger.write_rows(REJECTED, rejected)]
        if ORDERS in parts or (wanted.currency and wanted.time_zone):
            ledger.fix_shop(staging.shop)
        if parts:
            ledger.commit(parts)
            ledger.compact()
    for table, outcome in outcomes.items():
        index(staging.connection, table, [path for path in outcome.parts if path.exists()])
    return outcomes, refusals


def _append(staging: Staging, ledger: Ledger, staged: Staged, outcome: _Outcome) -> None:
    """Write the new rows of a table from one file as a data file, and count the rest."""
    connection = staging.connection
    held = [*ledger.files(staged.table), *outcome.parts]
    fresh = _without_erased(connection, staged)
    if staged.empty_says_nothing:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE whole AS {filled(staged.table, staged.given, fresh, held)}"
        )
        fresh = "whole"
    judged = judge(
        connection,
        staged.table,
        staged.given,
        fresh=fresh,
        repeated=staged.repeated,
        held=held,
        imported_at=staging.imported_at,
    )
    for verdict, rows in connection.execute(
        f"SELECT verdict, count(*) FROM ({judged}) GROUP BY 1"
    ).fetchall():
        if verdict in outcome.counts:
            outcome.counts[verdict] += rows
    connection.execute(
        f"INSERT INTO {staged.refused} SELECT line, $reason FROM ({judged}) WHERE verdict = 'clash'",
        {"reason": CLASH},
    )
    columns = ", ".join(
        f"CAST({column.name} AS {SQL_TYPES[str(column.type)]}) AS {column.name}"
        for column in staged.table.columns
    )
    new = f"SELECT {columns} FROM ({judged}) WHERE verdict IN ('added', 'corrected')"
    if count(connection, f"({new})"):
        path = ledger.new_part(staged.table)
        write_part(connection, new, path)
        outcome.parts.append(path)


def _without_erased(connection: duckdb.DuckDBPyConnection, staged: Staged) -> str:
    """Return the relation of accepted rows less those that would bring back who was erased; these are refused."""
    past = refused_sql(staged.table, staged.fresh)
    if past is None or not count(connection, "ledger_erased"):
        return staged.fresh
    connection.execute(f"CREATE OR REPLACE TEMP TABLE past AS {past}")
    connection.execute(f"INSERT INTO {staged.refused} SELECT line, $reason FROM past", {"reason": REASON})
    return f"(FROM {staged.fresh} WHERE line NOT IN (FROM past))"


def _report(
    staging: Staging,
    table: Table,
    files: Sequence[_File],
    outcomes: Mapping[Table, _Outcome],
    refusals: Refusals,
) -> ImportReport:
    names = tuple(one.source.shown for one in files)
    reports = []
    for each, outcome in outcomes.items():
        cells = [part.cells for one in files for part in one.staged if part.table is each]
        reports.append(
            ImportReport(
                table=each.name,
                files=names,
                read=sum(count(staging.connection, rows) for rows in cells),
                added=outcome.counts["added"],
                unchanged=outcome.counts["unchanged"],
                corrected=outcome.counts["corrected"],
                rejected=refusals.count(each),
                reasons=refusals.reasons(each),
                notes=(),
                currency=staging.shop.currency,
                time_zone=staging.shop.time_zone,
            )
        )
    first = next(report for report in reports if report.table == table.name)
    return replace(first, also=tuple(report for report in reports if report is not first and report.read))


def _notes(files: Sequence[_File]) -> list[str]:
    notes = [note for one in files for note in one.notes]
    return notes + [
        f"{one.source.shown}: not imported: {', '.join(one.header.unknown)}"
        for one in files
        if one.header.unknown
    ]
