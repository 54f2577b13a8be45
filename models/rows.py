"""Customers as columns of numbers: what predictors read of a snapshot, whoever made it.

A DataFrame is the public face. Asking one for a column costs more than most of what is then computed of one customer,
so a column is asked for once and kept as an array.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Made = TypeVar("Made")

Snapshot: TypeAlias = "pd.DataFrame | Rows"
"""A row a customer: features by name, maybe beside others."""


class Rows:
    """Columns of float64 by name, a row a customer; unknown is NaN.

    Parameters
    ----------
    columns : mapping of str to (n,) float, Series or ChunkedArray
        Each is read when it is first asked for; those that nobody asks for need not be numbers.
    count : int
        Customers.
    """

    def __init__(self, columns: Mapping[str, object], count: int) -> None:
        self._columns = dict(columns)
        self._count = count
        self._kept: dict[Hashable, Any] = {}

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Rows":
        """Return the rows of a snapshot; those that are rows already are themselves."""
        return (
            snapshot
            if isinstance(snapshot, Rows)
            else cls({str(name): column for name, column in snapshot.items()}, len(snapshot))
        )

    @classmethod
    def of_table(cls, table: pa.Table) -> "Rows":
        """Return the rows of an Arrow table."""
        return cls(dict(zip(table.column_names, table.columns, strict=True)), len(table))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._columns)

    def __len__(self) -> int:
        """Return how many customers there are."""
        return self._count

    def __contains__(self, name: object) -> bool:
        """Return whether there is a column of that name."""
        return name in self._columns

    def __getitem__(self, name: str) -> Floats:
        """Return (n,) float, a column; KeyError when there is none of that name."""
        found = self._columns[name]
        if not isinstance(found, np.ndarray):
            found = self._columns[name] = _floats(found)
        return found

    def matrix(self, names: Sequence[str]) -> Floats:
        """Return (n, k) float, columns side by side; not to be written to."""
        return self.kept(("matrix", *names), lambda: self._matrix(names))

    def kept(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what is made of these rows, for whoever asks for it again.

        Parameters
        ----------
        key : hashable
        make : callable
            Called when it is first asked for.
        """
        if key not in self._kept:
            self._kept[key] = make()
        found: Made = self._kept[key]
        return found

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Rows":
        """Return some of the customers: by their places, or where true."""
        count = int(rows.sum()) if rows.dtype == np.bool_ else len(rows)
        return Rows({name: self[name][rows] for name in self._columns}, count)

    def only(self, names: Sequence[str]) -> "Rows":
        """Return all customers with those columns that are named."""
        return Rows({name: self[name] for name in names}, self._count)

    def plus(self, **columns: Floats) -> "Rows":
        """Return the same customers with more columns."""
        return Rows({**self._columns, **columns}, self._count)

    def _matrix(self, names: Sequence[str]) -> Floats:
        if not names:
            return np.empty((self._count, 0))
        beneath = np.concatenate([self[name] for name in names]).reshape(len(names), self._count)
        return np.ascontiguousarray(beneath.T)


def _floats(column: object) -> Floats:
    if isinstance(column, pa.ChunkedArray):
        return np.asarray(column.to_numpy(), dtype=np.float64)
    if isinstance(column, pd.Series):
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    raise TypeError(
        f"a column of numbers is an array, a Series or a ChunkedArray, not {type(column).__name__}"
    )
