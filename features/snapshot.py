"""Snapshots: every customer described as of a cutoff, a row each."""

from collections.abc import Iterable

import duckdb
import pandas as pd
import pyarrow as pa

from features import history
from features.catalog.shipped import CATALOG
from features.cutoff import Cutoff
from features.feature import FeatureSet


def compute(
    connection: duckdb.DuckDBPyConnection, cutoff: Cutoff, feature_set: FeatureSet = CATALOG
) -> pa.Table:
    """Describe every customer known before a cutoff.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With views `ledger_orders` and `ledger_products` in the stored schema.
    cutoff : Cutoff
    feature_set : FeatureSet

    Returns
    -------
    pyarrow.Table
        `customer_id` and the features (int64 or float64, NULL where there is nothing to say),
        sorted by customer.
        Customers without a valid order have a row as well.
    """
    history.stage(connection, cutoff)
    return _select(connection, feature_set)


def many(
    connection: duckdb.DuckDBPyConnection, cutoffs: Iterable[Cutoff], feature_set: FeatureSet = CATALOG
) -> pd.DataFrame:
    """Describe every customer at each of several cutoffs; the ledger is read once.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With views `ledger_orders` and `ledger_products` in the stored schema.
    cutoffs : iterable of Cutoff
    feature_set : FeatureSet

    Returns
    -------
    pandas.DataFrame
        `cutoff_day` (local day number), `customer_id` and the features; cutoffs in the order given.
    """
    history.collapse(connection)
    tables = []
    for cutoff in cutoffs:
        history.cut(connection, cutoff)
        table = _select(connection, feature_set)
        days = pa.array([cutoff.day] * table.num_rows, pa.int64())
        tables.append(table.add_column(0, "cutoff_day", days))
    frame: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    return frame


def _select(connection: duckdb.DuckDBPyConnection, feature_set: FeatureSet) -> pa.Table:
    # Filled first and read then: `sql()` alone would plan the long SELECT twice, which one customer notices.
    connection.execute(f"create or replace temp table history_snapshot as {feature_set.sql()}")
    return connection.sql("select * from history_snapshot order by customer_id").to_arrow_table()
