"""What the ledger holds, what is wrong with it, and which predictions its history allows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb

from ledger.quality import facts, relations
from ledger.quality.capability import CAPABILITIES, Held, held
from ledger.quality.need import NEEDS, Allowance, allowance
from ledger.quality.suspicion import Finding, ask
from ledger.quality.suspicions.shipped import SUSPICIONS
from ledger.shop import Shop
from ledger.store import Ledger
from ledger.tables.shipped import TABLES


@dataclass(frozen=True)
class Report:
    """What `examine` found.

    Parameters
    ----------
    currency, time_zone : str
    last_import : str or None
        Instant, ISO 8601 in UTC, at which the ledger was last written to.
    first_day, last_day : str
        Local ISO dates of the first and the last order.
    span_days : int
        Local days from the first to the last order, both counted.
    lines, orders, customers, products : int
        `orders` counts a customer's local days with a paid line that was not cancelled, as features do.
    repeat_customers : int
        Customers who ordered on two days or more.
    repeat_share : float
        Their share, 0 to 1.
    median_gap_days, p90_gap_days : float or None
        Between a customer's consecutive orders; None when nobody came back.
    quiet_days : int
        Longest run of local days without any order.
    rejected : int
        Rows of imported files that were refused.
    tables : sequence of mapping
        table, rows, first_day, last_day of each table that has rows.
    holds : mapping of str to mapping
        Further figures by subject: order_lines, products, customers, identities, upkeep.
    events : sequence of mapping
        event, events, of_customers; names that are not of the specifications under one entry without a name.
    rejected_because : sequence of mapping
        table_name, reason, rows.
    findings : tuple of Finding
    predictions : tuple of Allowance
    capabilities : tuple of Held
        How much there is of each kind of data that segments can need.
    """

    currency: str
    time_zone: str
    last_import: str | None
    first_day: str
    last_day: str
    span_days: int
    lines: int
    orders: int
    customers: int
    repeat_customers: int
    products: int
    repeat_share: float
    median_gap_days: float | None
    p90_gap_days: float | None
    quiet_days: int
    rejected: int
    tables: Sequence[Mapping[str, Any]]
    holds: Mapping[str, Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]
    rejected_because: Sequence[Mapping[str, Any]]
    findings: tuple[Finding, ...]
    predictions: tuple[Allowance, ...]
    capabilities: tuple[Held, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the same as plain dictionaries, lists, texts and numbers."""
        return asdict(self)


def examine(ledger: Ledger) -> Report:
    """Examine the whole ledger.

    Raises
    ------
    InputError
        When nothing was imported yet.
    """
    shop = ledger.shop
    ledger.data_through()  # raises when there is no order
    with ledger.connect() as connection:
        return examine_views(connection, shop, _written_at(ledger))


def examine_views(
    connection: duckdb.DuckDBPyConnection, shop: Shop, written_at: datetime | None = None
) -> Report:
    """Examine what a connection's views hold.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the views `ledger_*` in the stored schema and at least one order.
    shop : Shop
    written_at : datetime, optional
        Aware; when the ledger was last written to.
    """
    relations.stage(connection, written_at)
    figures = facts.row_of(connection, facts.ORDERS)
    return Report(
        currency=shop.currency,
        time_zone=shop.time_zone,
        last_import=written_at.astimezone(UTC).isoformat(timespec="seconds") if written_at else None,
        tables=facts.tables(connection, shop.time_zone),
        holds={name: facts.row_of(connection, sql) for name, sql in facts.SUBJECTS.items()},
        events=facts.rows_of(connection, facts.EVENTS),
        rejected_because=facts.rows_of(connection, facts.REJECTED),
        findings=tuple(ask(connection, SUSPICIONS)),
        predictions=tuple(allowance(need, figures) for need in NEEDS),
        capabilities=held(connection, CAPABILITIES),
        **figures,
    )


def _written_at(ledger: Ledger) -> datetime | None:
    """Return when the newest data file was written."""
    written = [path.stat().st_mtime for table in TABLES for path in ledger.files(table)]
    return datetime.fromtimestamp(max(written), UTC) if written else None
