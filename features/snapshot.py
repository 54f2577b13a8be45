"""Snapshots: every customer described as of a cutoff, a row each."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import pyarrow as pa

from features import history
from features.catalog.shipped import CATALOG
from features.cutoff import Cutoff
from features.feature import FeatureSet
from features.frames import connect_frames
from ledger.errors import InputError


def compute(
    connection: duckdb.DuckDBPyConnection, cutoff: Cutoff, feature_set: FeatureSet = CATALOG
) -> pa.Table:
    """Describe every customer known before a cutoff; an id that is another customer by then counts as that one.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With views `ledger_orders`, `ledger_products` and `ledger_identities` in the stored schema. It is left
        staged as of the cutoff.
    cutoff : Cutoff
    feature_set : FeatureSet

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
    with _exact_sums():
        history.stage(connection, cutoff)
        return _select(connection, feature_set)


def many(
    connection: duckdb.DuckDBPyConnection, cutoffs: Iterable[Cutoff], feature_set: FeatureSet = CATALOG
) -> pd.DataFrame:
    """Describe every customer at each of several cutoffs; the ledger is read once.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With views `ledger_orders`, `ledger_products` and `ledger_identities` in the stored schema. It is left
        staged as of the last cutoff.
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
    with _exact_sums():
        history.collapse(connection)
        for cutoff in cutoffs:
            history.cut(connection, cutoff)
            table = _select(connection, feature_set)
            days = pa.array([cutoff.day] * table.num_rows, pa.int64())
            tables.append(table.add_column(0, "cutoff_day", days))
    frame: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    return frame


def snapshot(
    orders: pd.DataFrame,
    cutoff: Cutoff | date | str,
    time_zone: str = "UTC",
    products: pd.DataFrame | None = None,
    feature_set: FeatureSet = CATALOG,
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
    with connect_frames(orders, time_zone, products) as connection:
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
def _exact_sums() -> Iterator[None]:
    # Sums are exact or refused: 9,000 lines of the largest amount an import takes still add up.
    try:
        yield
    except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
        raise InputError("the amounts or quantities of one customer are too large to be added up") from error


def _select(connection: duckdb.DuckDBPyConnection, feature_set: FeatureSet) -> pa.Table:
    # Filled first and read then: `sql()` alone would plan the long SELECT twice, which one customer notices.
    connection.execute(f"create or replace temp table history_snapshot as {feature_set.sql()}")
    return connection.sql("select * from history_snapshot order by customer_id").to_arrow_table()
