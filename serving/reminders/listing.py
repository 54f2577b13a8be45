"""Choosing among the refills of a run: the filters that the API and the export share, and pages by a stable place."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

BLOCK_ROWS: Final = 65_536


class Place(NamedTuple):
    """Where a page ends: the key of its last row, which means the same in every run."""

    customer_id: str
    level: str
    item: str


START: Final = Place("", "", "")


@dataclass(frozen=True)
class Wanted:
    """Which refills are asked for; what is None, or empty, does not matter.

    Parameters
    ----------
    customer : str, optional
    product : str, optional
        Product id; as given in the forecast, or offered in place of one no longer sold.
    category : str, optional
        Path of a category; those beneath it count too.
    level : "product" or "category", optional
    states : tuple of str
        Any of these.
    suppressed : bool, optional
        Only those that must not be reminded, or only those that may.
    due_from, due_to : date, optional
        The median date of the next purchase lies in these days, both included.
    """

    customer: str | None = None
    product: str | None = None
    category: str | None = None
    level: str | None = None
    states: tuple[str, ...] = ()
    suppressed: bool | None = None
    due_from: date | None = None
    due_to: date | None = None

    def among(self, refills: pa.Table) -> pa.Table:
        """Return the rows that are asked for, in their order."""
        return _all_of(refills, [*self._of_item(refills), *self._of_refill(refills)])

    def items_among(self, rows: pa.Table) -> pa.Table:
        """Return the rows of the product, category or level that is asked for, of a table that is not of refills."""
        return _all_of(rows, self._of_item(rows))

    def _of_item(self, rows: pa.Table) -> list[pa.ChunkedArray]:
        found = []
        if self.level is not None:
            found.append(pc.equal(rows["level"], self.level))
        if self.product is not None:
            named = [name for name in ("product_id", "offer_product_id") if name in rows.column_names]
            same = [pc.fill_null(pc.equal(rows[name], self.product), fill_value=False) for name in named]
            found.append(reduce(pc.or_, same))
        if self.category is not None:
            exact = pc.equal(rows["category"], self.category)
            found.append(pc.or_(exact, pc.starts_with(rows["category"], f"{self.category} > ")))
        return found

    def _of_refill(self, refills: pa.Table) -> list[pa.ChunkedArray]:
        found = []
        if self.customer is not None:
            found.append(pc.equal(refills["customer_id"], self.customer))
        if self.states:
            found.append(pc.is_in(refills["state"], value_set=pa.array(self.states, pa.string())))
        if self.suppressed is not None:
            free = pc.is_null(refills["suppressed_because"])
            found.append(pc.invert(free) if self.suppressed else free)
        if self.due_from is not None:
            found.append(pc.greater_equal(refills["next_purchase_p50"], self.due_from))
        if self.due_to is not None:
            found.append(pc.less_equal(refills["next_purchase_p50"], self.due_to))
        return found


EVERYTHING: Final = Wanted()


def _all_of(rows: pa.Table, conditions: list[pa.ChunkedArray]) -> pa.Table:
    return rows.filter(reduce(pc.and_kleene, conditions)) if conditions else rows


def page(refills: pa.Table, wanted: Wanted, after: Place, limit: int) -> list[dict[str, Any]]:
    """
    Return the next rows that are asked for.

    Parameters
    ----------
    refills : pa.Table
        Sorted by customer_id, level, product_id and category, as a run publishes it.
    wanted : Wanted
    after : Place
        Only rows whose key sorts after it; `START` begins at the first.
    limit : int, rows

    Returns
    -------
    list of dict
    """
    customers = refills["customer_id"]

    def customer_at(row: int) -> Any:  # noqa: ANN401 - a cell
        return customers[row].as_py()

    from_customer = max(after.customer_id, wanted.customer or "")
    first = bisect_left(range(refills.num_rows), from_customer, key=customer_at)
    end = refills.num_rows
    if wanted.customer is not None:
        end = bisect_right(range(end), wanted.customer, lo=first, key=customer_at)
    found: list[dict[str, Any]] = []
    for start in range(first, end, BLOCK_ROWS):
        rows = wanted.among(refills.slice(start, min(BLOCK_ROWS, end - start)))
        # Only the customer at whom the page before ended may have rows that it held already.
        if rows.num_rows and rows["customer_id"][0].as_py() == after.customer_id:
            mine = rows.filter(pc.equal(rows["customer_id"], after.customer_id)).to_pylist()
            found += [row for row in mine if place_of(row) > after]
            rows = rows.slice(len(mine))
        found += rows.slice(0, max(0, limit - len(found))).to_pylist()
        if len(found) >= limit:
            break
    return found[:limit]


def place_of(row: Mapping[str, Any]) -> Place:
    """Return the key of a row."""
    item = row["product_id"] if row["level"] == "product" else row["category"]
    return Place(row["customer_id"], row["level"], item)
