"""Rows of Arrow tables as JSON has them, and where they lie: column by column, so that a thousand cost little."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

AT_ONCE_FROM = 16
"""Values; fewer are found sooner one by one."""

Places = npt.NDArray[np.int64]
Row = dict[str, Any]


def rows(table: pa.Table) -> list[Row]:
    """Return rows with what JSON knows: instants and days as ISO 8601 text, unknown numbers as None."""
    names = table.column_names
    columns = [cells(table[name]) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def cells(column: pa.ChunkedArray) -> list[Any]:
    """Return the cells of a column as JSON has them."""
    kind = column.type
    if pa.types.is_floating(kind):
        return _numbers(column)
    if pa.types.is_timestamp(kind):
        return _instants(column)
    if pa.types.is_list(kind):
        return _lists(column)
    if pa.types.is_date(kind):
        return cells(column.cast(pa.string()))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return list(column.to_numpy(zero_copy_only=False).tolist())
    return list(column.to_pylist())


def _numbers(column: pa.ChunkedArray) -> list[float | None]:
    values = column.to_numpy(zero_copy_only=False)
    known = np.isfinite(values)
    found: list[float | None] = values.tolist()
    for place in np.flatnonzero(~known):
        found[place] = None
    return found


def _instants(column: pa.ChunkedArray) -> list[str | None]:
    # A run has few instants for many customers: each is written once.
    encoded = column.combine_chunks().dictionary_encode()
    texts = [*(instant(moment) for moment in encoded.dictionary.to_pylist()), None]
    return [texts[code] for code in pc.fill_null(encoded.indices, -1).to_pylist()]


def _lists(column: pa.ChunkedArray) -> list[list[Any] | None]:
    array = column.combine_chunks()
    items, known = cells(pa.chunked_array([array.flatten()])), array.is_valid().to_pylist()
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    ends = np.cumsum(lengths)
    places = zip((ends - lengths).tolist(), ends.tolist(), known, strict=True)
    return [items[start:end] if there else None for start, end, there in places]


def instant(moment: datetime | None) -> str | None:
    """Return an instant as answers have it, ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def taken(table: pa.Table, ids: Sequence[str]) -> tuple[pa.Table, list[slice]]:
    """
    Take the rows of some customers out of a table.

    Parameters
    ----------
    table : pa.Table
        Sorted by customer_id.
    ids : (n,) sequence of str

    Returns
    -------
    (pa.Table, (n,) list of slice)
        The rows, and which of them each customer's are; none of whoever is not in the table.
    """
    starts, stops = spans(table["customer_id"], ids)
    counts = stops - starts
    ends = np.cumsum(counts)
    places = np.arange(counts.sum()) + np.repeat(starts - (ends - counts), counts)
    mine = [slice(end - count, end) for end, count in zip(ends.tolist(), counts.tolist(), strict=True)]
    return table.take(pa.array(places)), mine


def rows_of(table: pa.Table, ids: Sequence[str]) -> list[list[Row]]:
    """Return the rows of each of some customers, out of a table sorted by customer_id."""
    mine, which = taken(table, ids)
    found = rows(mine)
    return [found[each] for each in which]


def spans(column: pa.ChunkedArray, values: Sequence[str]) -> tuple[Places, Places]:
    """
    Find values in a sorted column.

    Parameters
    ----------
    column : (n,) str
        Sorted as Arrow sorts text, which is by code point.
    values : (m,) sequence of str

    Returns
    -------
    (m,) int, (m,) int
        Where the rows of each value start, and where they stop.
    """
    if len(values) < AT_ONCE_FROM:
        rows, at = range(len(column)), (lambda row: column[row].as_py())
        starts = [bisect_left(rows, value, key=at) for value in values]
        stops = [
            bisect_right(rows, value, lo=start, key=at) for start, value in zip(starts, values, strict=True)
        ]
        return np.array(starts, np.int64), np.array(stops, np.int64)
    wanted = pa.array(values, pa.string())
    return _bisected(column, wanted, pc.less), _bisected(column, wanted, pc.less_equal)


def _bisected(column: pa.ChunkedArray, wanted: pa.Array, goes_before: Any) -> Places:  # noqa: ANN401 - a function of Arrow's
    """Return how many rows go before each value; all values are halved towards their places together."""
    low = np.zeros(len(wanted), np.int64)
    high = np.full(len(wanted), len(column), np.int64)
    while (open_ := low < high).any():
        middle = (low + high) // 2
        # A value whose place is found may stand behind the last row; any row will do for it.
        cells = column.take(pa.array(np.minimum(middle, len(column) - 1))).combine_chunks()
        before = goes_before(cells, wanted).to_numpy(zero_copy_only=False) & open_
        low = np.where(before, middle + 1, low)
        high = np.where(before | ~open_, high, middle)
    return low
