"""Snapshots: every customer described as of a cutoff, a row each."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import pyarrow as pa

from features import numbered, numbers, settled, surroundings
from features.catalog.shipped import CATALOG
from features.cutoff import Cutoff
from features.feature import FeatureSet
from features.frames import connect_frames
from ledger.errors import InputError


def compute(
    connection: duckdb.DuckDBPyConnection,
    cutoff: Cutoff,
    feature_set: FeatureSet = CATALOG,
    store: pa.Table | None = None,
    known: str = numbers.ORDERED,
) -> pa.Table:
    """Describe every customer known before a cutoff; an id that is another customer by then counts as that one.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With views of the ledger's tables in the stored schema (see `ledger.views`). For features that look around it is
        left with `history_orders`, `history_items` and the store's row as of the cutoff.
    cutoff : Cutoff
    feature_set : FeatureSet
    store : pyarrow.Table, optional
        The store's row of `features.surroundings.read_store`, when the connection holds a part of its customers; by
        default they are all there are.
    known : str
        As for `features.numbers.assign`: by default whoever has ordered is a customer.

    Returns
    -------
    pyarrow.Table
        `customer_id` and the features (int64 or float64, NULL where there is nothing to say),
        sorted by customer. Customers without a valid order have a row as well.

    Raises
    ------
    InputError
        When amounts are too large to be added up exactly.
    """
    collapse(connection, feature_set, known)
    found = describe(connection, cutoff, feature_set, store)
    if feature_set.looks_around:
        numbered.restore(connection)
    return found


def describe(
    connection: duckdb.DuckDBPyConnection,
    cutoff: Cutoff,
    feature_set: FeatureSet = CATALOG,
    store: pa.Table | None = None,
) -> pa.Table:
    """Describe every customer as of a cutoff of a collapsed ledger; as `compute`.

    Features of orders alone are computed for some customers after the others, so that what is staged fits into memory,
    and largely into the processor's caches. Those that look around are of all customers at once: the store they
    are compared with is one.
    """
    parts = []
    for some in [None] if feature_set.looks_around else numbered.in_turn(connection):
        cut(connection, cutoff, feature_set, store, some=some)
        parts.append(numbered.read(connection))
    return pa.concat_tables(parts)


def collapse(
    connection: duckdb.DuckDBPyConnection, feature_set: FeatureSet = CATALOG, known: str = numbers.ORDERED
) -> None:
    """Read the ledger once, for any number of cutoffs; needed again only when the ledger's views change.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With views of the ledger's tables in the stored schema (see `ledger.views`).
    feature_set : FeatureSet
    known : str
        As for `compute`.
    """
    numbers.assign(connection, known)
    numbered.collapse(connection)
    if feature_set.looks_around:
        surroundings.collapse(connection)


def cut(  # noqa: PLR0913 - what is described, as of when, and where it is read
    connection: duckdb.DuckDBPyConnection,
    cutoff: Cutoff,
    feature_set: FeatureSet = CATALOG,
    store: pa.Table | None = None,
    *,
    some: range | None = None,
    lines: str = numbered.LINES,
) -> None:
    """Describe every customer as of a cutoff in the temporary table `features.numbered.SNAPSHOT`, in no order.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Collapsed. It is left staged as of the cutoff.
    cutoff : Cutoff
    feature_set : FeatureSet
    store : pyarrow.Table, optional
        As for `compute`.
    some, lines
        As for `features.numbered.cut`.

    Raises
    ------
    InputError
        When amounts are too large to be added up exactly.
    """
    with exact_sums():
        numbered.cut(connection, cutoff, some, lines)
        if feature_set.looks_around:
            surroundings.cut(connection, cutoff, store)
        # Filled first and read then: `sql()` alone would plan the long SELECT twice, which one customer notices.
        connection.execute(
            f"create or replace temp table {numbered.SNAPSHOT} as {feature_set.sql(numbers.name)}"
        )


def many(
    connection: duckdb.DuckDBPyConnection, cutoffs: Iterable[Cutoff], feature_set: FeatureSet = CATALOG
) -> pd.DataFrame:
    """Describe every customer at each of several cutoffs; the ledger is read once.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With views of the ledger's tables in the stored schema (see `ledger.views`).
    cutoffs : iterable of Cutoff
        At least one.
    feature_set : FeatureSet

    Returns
    -------
    pandas.DataFrame
        `cutoff_day` (local day number), `customer_id` and the features; cutoffs in the order given.

    Raises
    ------
    InputError
        When amounts are too large to be added up exactly.
    """
    tables = []
    collapse(connection, feature_set)
    if not feature_set.looks_around:
        settled.stage(connection)
    at = describe if feature_set.looks_around else settled.describe
    for cutoff in cutoffs:
        table = at(connection, cutoff, feature_set)
        days = pa.array([cutoff.day] * table.num_rows, pa.int64())
        tables.append(table.add_column(0, "cutoff_day", days))
    frame: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    return frame


def snapshot(  # noqa: PLR0913 - one argument a table
    orders: pd.DataFrame,
    cutoff: Cutoff | date | str,
    time_zone: str = "UTC",
    products: pd.DataFrame | None = None,
    feature_set: FeatureSet = CATALOG,
    *,
    events: pd.DataFrame | None = None,
    customers: pd.DataFrame | None = None,
    identities: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Describe every customer of a DataFrame as of a cutoff, for notebooks.

    Parameters
    ----------
    orders : pandas.DataFrame
        `customer_id`, `ordered_at`, `net_amount` and any other column of the plain format (docs/ledger.md).
        Without `order_id` every row is an order of its own.
    cutoff : Cutoff, date, datetime or str
        Exclusive. A date, or its ISO text, is that day's local midnight; a naive time is local.
    time_zone : str
        The shop's IANA zone.
    products : pandas.DataFrame, optional
        `product_id`, `category` and any other column of the plain format.
    feature_set : FeatureSet
    events, customers, identities : pandas.DataFrame, optional
        As `features.frames.connect_frames` takes them; what is not given is unknown.

    Returns
    -------
    pandas.DataFrame
        As `compute` gives it.

    Raises
    ------
    InputError
        When a column is missing, a row is refused or the cutoff cannot be read.
    """
    at = _cutoff(cutoff, time_zone)
    with connect_frames(
        orders, time_zone, products, events=events, customers=customers, identities=identities
    ) as connection:
        frame: pd.DataFrame = compute(connection, at, feature_set).to_pandas()
    return frame


def _cutoff(given: Cutoff | date | str, time_zone: str) -> Cutoff:
    if isinstance(given, Cutoff):
        return given
    if isinstance(given, datetime):
        zone = given.tzinfo or ZoneInfo(time_zone)
        return Cutoff(datetime.combine(given.date(), given.time(), zone), time_zone)
    if isinstance(given, date):
        return Cutoff.at_midnight(given, time_zone)
    try:
        return Cutoff.at_midnight(date.fromisoformat(given), time_zone)
    except ValueError as error:
        raise InputError(f"a cutoff is a date like 2024-01-31; got {given[:40]!r}") from error


@contextmanager
def exact_sums() -> Iterator[None]:
    """Refuse sums that are too large to be exact; 9,000 lines of the largest amount an import takes still add up."""
    try:
        yield
    except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
        raise InputError("the amounts or quantities of one customer are too large to be added up") from error
