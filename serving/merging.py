"""Tables of the same customers put together: side by side, or those of some and of others into one.

Each is sorted by customer and stays so.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CUSTOMERS_MERGED = 65_536


def interleaved(one: pa.Table, two: pa.Table) -> pa.Table:
    """Return the customers of two tables of the same columns, sorted by customer."""
    columns = {name: pa.chunked_array([*one[name].chunks, *two[name].chunks]) for name in one.column_names}
    order = pc.sort_indices(columns["customer_id"])
    return pa.table({name: column.combine_chunks().take(order) for name, column in columns.items()})


def merged(one: pa.Table, two: pa.Table, customers: pa.ChunkedArray, order: pa.Array) -> pa.Table:
    """Return memberships of two tables, each sorted by customer, by customer and in the order of segments.

    By numbers and some customers at a time: of a million, the texts of ten million rows would be compared and moved.
    """
    ids = customers.combine_chunks()
    rows = [pc.index_in(table["customer_id"], value_set=ids).to_numpy() for table in (one, two)]

    def block(start: int) -> pa.Table:
        parts, keys = [], []
        for table, row in zip((one, two), rows, strict=True):
            first, last = np.searchsorted(row, (start, start + CUSTOMERS_MERGED))
            part = table.slice(first, last - first)
            place = pc.index_in(part["segment"], value_set=order).to_numpy().astype(np.int64)
            parts.append(part)
            keys.append(row[first:last] * len(order) + place)
        by_customer = np.argsort(np.concatenate(keys), kind="stable")
        return pa.concat_tables(parts).combine_chunks().take(pa.array(by_customer))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return pa.concat_tables(pool.map(block, range(0, max(len(ids), 1), CUSTOMERS_MERGED)))


def side_by_side(features: pa.Table, scores: pa.Table) -> pa.Table:
    """Return features and scores as one table."""
    if not features["customer_id"].equals(scores["customer_id"]):
        raise ValueError("a release must score the customers it is given, in their order")
    names = [name for name in scores.column_names if name != "customer_id"]
    columns = [*features.columns, *(scores[name] for name in names)]
    return pa.table(columns, names=[*features.column_names, *names])
