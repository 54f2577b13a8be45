"""The published run: an immutable copy of the latest scores, read memory-mapped; `publishing` writes it."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import ValidationError

from ledger.errors import InputError
from ledger.home import Home
from models.scores import UNSCORED
from serving.facts import RunFacts, SegmentFacts
from serving.pointer import current_run
from serving.segments.columns import CustomerColumns
from serving.stored_features import StoredFeatures

ROWS_A_SEARCH = 1_000
"""Of a sorted column, that are looked through in the time that one value is searched for."""
FACTS_FILE = "run.json"
FEATURES_FILE = "features.arrow"
CUSTOMERS_FILE = "customers.arrow"
SORTED_BY = {
    "scores": ("customer_id",),
    "memberships": ("customer_id", "segment"),
    "members": ("segment", "customer_id"),
    "replenishment": ("customer_id", "level", "product_id", "category"),
    "suggestions": ("customer_id",),
    "demand": ("level", "product_id", "category", "date"),
    "products": ("product_id",),
    "store": ("as_of_day",),
    "trend": ("segment", "as_of"),
}


@dataclass(frozen=True)
class PublishedRun:
    """One run, memory-mapped.

    Parameters
    ----------
    name : str
    facts : RunFacts
    tables : mapping of str to pa.Table
        By the names of `SORTED_BY`, each sorted by its columns.
    features : StoredFeatures
        A row for each row of the scores.
    columns : CustomerColumns
        Likewise.
    home : Home
        Where it is published.
    """

    name: str
    facts: RunFacts
    tables: Mapping[str, pa.Table]
    features: StoredFeatures
    columns: CustomerColumns
    home: Home

    @classmethod
    def open(cls, home: Home, name: str | None = None) -> "PublishedRun":
        """
        Open the run that the pointer names, or another of `kept_runs`.

        Raises
        ------
        InputError
            When nothing is published or the run is damaged.
        """
        name = name or current_run(home)
        if name is None:
            raise InputError("nothing has been scored yet; run `regulars score`")
        directory = home.published / name
        try:
            facts = RunFacts.model_validate_json((directory / FACTS_FILE).read_bytes())
            tables = {table: _map(directory / f"{table}.arrow") for table in SORTED_BY}
            features = StoredFeatures.open(directory / FEATURES_FILE)
            columns_of_all = CustomerColumns.open(directory / CUSTOMERS_FILE)
        except (OSError, pa.ArrowException, ValidationError) as error:
            raise InputError(
                f"published run {name} cannot be read; run `regulars score` to write it anew"
            ) from error
        return cls(name, facts, tables, features, columns_of_all, home)

    @cached_property
    def scored(self) -> NDArray[np.bool_]:
        """Of each row whether it is a customer's; the others never ordered, and nothing is reckoned over them."""
        confidence = self.tables["scores"]["confidence"]
        flags: NDArray[np.bool_] = pc.not_equal(confidence, UNSCORED).to_numpy()
        return flags

    def customer(self, customer_id: str) -> dict[str, Any] | None:
        """Return one customer's row of scores, or None when he is not in the run."""
        rows = self._rows("scores", customer_id)
        return rows[0] if rows else None

    def features_of(self, customer_id: str) -> pa.Table:
        """Return the row that a customer of the run was scored by."""
        scores = self.tables["scores"]
        place, _ = _span(scores["customer_id"], customer_id, 0, scores.num_rows)
        found = self.features.row(place)
        if found["customer_id"][0].as_py() != customer_id:
            raise ValueError("a run's features must be those of its customers, sorted as its scores are")
        return found

    def memberships_of(self, customer_id: str) -> list[dict[str, Any]]:
        """Return one customer's open memberships, by segment name."""
        return self._rows("memberships", customer_id)

    def replenishment_of(self, customer_id: str) -> pa.Table:
        """Return what one customer is expected to buy again."""
        return self._slice("replenishment", customer_id)

    def suggestion_of(self, customer_id: str) -> dict[str, Any] | None:
        """Return the reminder suggested for one customer, or None when nothing is due."""
        rows = self._rows("suggestions", customer_id)
        return rows[0] if rows else None

    def segment(self, name: str) -> SegmentFacts | None:
        """Return one segment's facts, or None when the run has no such segment."""
        return next((segment for segment in self.facts.segments if segment.name == name), None)

    def members(self, segment: str, after: str, limit: int) -> list[dict[str, Any]]:
        """
        Return the next members of a segment, by customer id.

        Parameters
        ----------
        segment : str
        after : str
            Only members whose id sorts after this one; "" starts at the first. It means the same in
            every run.
        limit : int

        Returns
        -------
        list of dict
            Memberships: customer_id, segment, entered_at, reasons.
        """
        everybody = self.memberships(segment)
        customers = everybody["customer_id"]
        first = bisect_right(range(len(customers)), after, key=lambda row: customers[row].as_py())
        return list(everybody.slice(first, limit).to_pylist())

    def memberships(self, segment: str) -> pa.Table:
        """Return all memberships of a segment, by customer id, as `members` tells them; not copied."""
        table = self.tables["members"]
        start, stop = _span(table["segment"], segment, 0, table.num_rows)
        return table.slice(start, stop - start)

    def products_of(self, product_ids: pa.Array) -> pa.Table:
        """Return the ledger's rows about some products, by product id."""
        products = self.tables["products"]
        known = products["product_id"]
        if len(product_ids) * ROWS_A_SEARCH > len(known):
            return products.filter(pc.is_in(known, value_set=product_ids))
        spans = (
            _span(known, wanted, 0, len(known)) for wanted in sorted(filter(None, product_ids.to_pylist()))
        )
        rows = [row for start, stop in spans for row in range(start, stop)]
        return products.take(pa.array(rows, pa.int64()))

    def _rows(self, name: str, customer_id: str) -> list[dict[str, Any]]:
        return list(self._slice(name, customer_id).to_pylist())

    def _slice(self, name: str, customer_id: str) -> pa.Table:
        table = self.tables[name]
        start, stop = _span(table["customer_id"], customer_id, 0, table.num_rows)
        return table.slice(start, stop - start)


def _span(column: pa.ChunkedArray, value: str, low: int, high: int) -> tuple[int, int]:
    """Return the rows [start, stop) of a sorted column that equal `value`; Python sorts as Arrow does."""
    # The rows of one run lie in one piece, of which a cell costs half as much.
    cells = column.chunk(0) if column.num_chunks == 1 else column

    def at(row: int) -> Any:  # noqa: ANN401 - a cell
        return cells[row].as_py()

    start = bisect_left(range(high), value, lo=low, key=at)
    # Most have few rows: the end is looked for twice as far each time, and then between.
    step = 1
    while start + step < high and at(start + step) == value:
        step *= 2
    return start, bisect_right(range(min(start + step, high)), value, lo=start, key=at)


def _map(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
