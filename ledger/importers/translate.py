"""How a file's columns become the plain format's texts: by name, or as a layout says."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count as counting

import duckdb

from ledger.contacts import email_in_sql
from ledger.importers.header import Header
from ledger.importers.layout import Layout, prepared_sql, source_sql, translated_sql
from ledger.importers.source import Source
from ledger.importers.stage import Staged, Staging, numbered, numbered_table, stage
from ledger.schema import Table
from ledger.tables.customers import CUSTOMERS

_NUMBERS = counting(1)
PSEUDONYM_OF_EMAIL = "e-"


def stage_plain(staging: Staging, table: Table, source: Source, header: Header) -> tuple[Staged, ...]:
    """Stage a file in the plain format; where customers are called by their e-mail address, the addresses as well."""
    staged = Staged(source, table, tuple(header.positions), header.positions, next(_NUMBERS))
    with source.rows(staging.connection, header.positions) as rows:
        stage(staging, staged, rows)
    if table is CUSTOMERS or not _has_addresses(staging.connection, staged):
        return (staged,)
    return staged, _stage_addresses(staging, staged)


def _has_addresses(connection: duckdb.DuckDBPyConnection, staged: Staged) -> bool:
    """Whether customers are called by their e-mail address: the check gave them a pseudonym."""
    if "customer_id" not in staged.given:
        return False
    pseudonym = f"starts_with(customer_id, '{PSEUDONYM_OF_EMAIL}')"
    return bool(connection.execute(f"SELECT bool_or({pseudonym}) FROM {staged.fresh}").fetchall()[0][0])


def _stage_addresses(staging: Staging, of: Staged) -> Staged:
    """Stage a customer for each address; what else is known of him is left as it is."""
    positions = {"customer_id": of.positions["customer_id"]}
    staged = Staged(of.source, CUSTOMERS, ("customer_id", "email"), positions, next(_NUMBERS))
    with of.source.rows(staging.connection, positions) as rows:
        said = f"SELECT line, {email_in_sql('customer_id')} AS email FROM ({numbered(rows)})"
        addresses = (
            f"SELECT min(line) AS line, email AS customer_id, email, NULL AS refused FROM ({said}) "
            f"WHERE email IS NOT NULL AND line IN (SELECT line FROM {of.fresh}) GROUP BY email"
        )
        stage(staging, staged, addresses)
    return staged


def stage_layout(
    staging: Staging, layout: Layout, source: Source, header: Header
) -> tuple[tuple[Staged, ...], tuple[str, ...]]:
    """Stage a file of another system's for every table that its layout fills; also return what is worth telling."""
    number, connection = next(_NUMBERS), staging.connection
    with source.rows(staging.connection, header.positions) as rows:
        staging.connection.execute(f"CREATE TEMP TABLE texts_{number} AS {rows}")
    texts = f"({numbered_table(f'texts_{number}')})"
    readable = f"(FROM {texts} WHERE refused IS NULL)"
    prepare(connection, layout, tuple(header.positions), readable, staging.imported_at)
    staged = []
    for table in layout.tables:
        parts = [one for one in layout.translations if one.table is table]
        given = tuple(dict.fromkeys(name for one in parts for name in one.cells))
        rows_of = [translated_sql(one) for one in parts]
        if table is layout.tables[0]:
            rows_of.append(f"SELECT line, refused FROM {texts} WHERE refused IS NOT NULL")
        derived = table is not layout.tables[0]
        one = Staged(source, table, given, header.positions, next(_NUMBERS), texts, derived)
        stage(staging, one, " UNION ALL BY NAME ".join(rows_of))
        staged.append(one)
    return tuple(staged), tuple(_findings(connection, layout))


def prepare(
    connection: duckdb.DuckDBPyConnection,
    layout: Layout,
    given: Sequence[str],
    rows: str,
    imported_at: datetime,
) -> None:
    """Make the temporary table `prepared` of a layout's rows.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    layout : Layout
    given : sequence of str
        The layout's columns that the rows have.
    rows : str
        A relation with line and these columns, as text.
    imported_at : datetime
        Aware; since when it is known what rows tell without an instant.
    """
    connection.execute(f"CREATE OR REPLACE TEMP VIEW source AS {source_sql(layout, given, rows)}")
    connection.execute("SET VARIABLE imported_at = $at", {"at": imported_at.astimezone(UTC).isoformat()})
    connection.execute(f"CREATE OR REPLACE TEMP TABLE prepared AS {prepared_sql(layout)}")


def currency_codes(
    connection: duckdb.DuckDBPyConnection,
    layout: Layout | None,
    source: Source,
    header: Header,
    first_rows: int,
) -> dict[str, int]:
    """Return how often each currency code is in a file's first rows."""
    places = {name: place for name, place in header.positions.items() if layout or name == "currency"}
    if not places:
        return {}
    with source.rows(connection, places) as rows:
        first = f"(FROM ({rows}) LIMIT {first_rows})"
        codes = (
            f"(SELECT {layout.currency} AS code FROM ({source_sql(layout, tuple(places), first)}))"
            if layout
            else (f"(SELECT currency AS code FROM {first})")
        )
        found = connection.execute(
            f"SELECT upper(trim(code)) AS code, count(*) FROM {codes} "
            "WHERE regexp_full_match(trim(code), '[A-Za-z]{3}') GROUP BY ALL"
        ).fetchall()
    return dict(found)


def _findings(connection: duckdb.DuckDBPyConnection, layout: Layout) -> Iterator[str]:
    for finding in layout.findings:
        found = connection.execute(finding.sql).fetchall()[0][0]
        if found:
            yield finding.says.format(n=f"{found:,}")
