"""Columns that are measured from a customer's own history: what a history function such as `orders(...)` stands for.

A measured column is an aggregate over one of the relations that `segments.known` stages, each of which holds only what
was known before the cutoff. Once measured it is a column like any other: conditions, sentences, reasons and
explanations do not know the difference.
"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from segments.units import among, named
from segments.vocabulary import Measured


def measure(connection: duckdb.DuckDBPyConnection, columns: Sequence[Measured]) -> pa.Table:
    """Measure columns for every customer of `known_customers`.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        On which `segments.known.stage` has staged the relations that the columns read.
    columns : sequence of Measured

    Returns
    -------
    pyarrow.Table
        customer_id and a column each, under its name; sorted by customer.
    """
    connection.execute(f"create or replace temp table measured as {measure_sql(columns)}")
    return connection.sql("from measured order by customer_id").to_arrow_table()


def relations_of(columns: Sequence[Measured]) -> frozenset[str]:
    """Return the relations that columns read."""
    return frozenset(name for column in columns for name in column.relations)


def measure_sql(columns: Sequence[Measured]) -> str:
    """Return the one SELECT that measures columns: `customer_id` and every column.

    Parameters
    ----------
    columns : sequence of Measured
    """
    sources = list(dict.fromkeys(each.source for each in columns if each.source != "known_customers"))
    places = {source: place for place, source in enumerate(sources)}
    joins = [
        f"LEFT JOIN (SELECT customer_id, {', '.join(_aggregates(columns, source))} FROM {source} "
        f"GROUP BY customer_id) s{place} ON s{place}.customer_id = k.customer_id"
        for source, place in places.items()
    ]
    if any(each.told_by for each in columns):
        joins.append(
            "LEFT JOIN (SELECT customer_id, count(product_id) AS product_id, count(category) AS category "
            "FROM known_items GROUP BY customer_id) told ON told.customer_id = k.customer_id "
            "LEFT JOIN (SELECT DISTINCT customer_id FROM known_orders) o ON o.customer_id = k.customer_id"
        )
    values = [f"{_filled(each, number, places)} AS {named(each.name)}" for number, each in enumerate(columns)]
    return f"SELECT {', '.join(['k.customer_id', *values])} FROM known_customers k {' '.join(joins)}"


def _aggregates(columns: Sequence[Measured], source: str) -> list[str]:
    return [f"{each.aggregate} AS m{number}" for number, each in enumerate(columns) if each.source == source]


def _filled(column: Measured, number: int, places: dict[str, int]) -> str:
    if column.source == "known_customers":
        return column.aggregate
    value = f"s{places[column.source]}.m{number}"
    if column.empty != "NULL":
        value = f"coalesce({value}, {column.empty})"
    if column.told_by:
        value = f"CASE WHEN told.{column.told_by} > 0 OR o.customer_id IS NULL THEN {value} END"
    if column.once:
        value = f"CASE WHEN {column.once} THEN {value} END"
    if column.recorded:
        known = f"(SELECT count(DISTINCT event) FROM recorded_events WHERE {among('event', column.recorded)})"
        value = f"CASE WHEN {known} = {len(set(column.recorded))} THEN {value} END"
    return value
