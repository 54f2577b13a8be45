"""A store's categories and products as a tree in which what is seen little leans on the level above."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.gaps import Items

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_BUYERS: Final = 2
"""An item that one customer bought has no place of its own in the tree. Its own history would weigh a twentieth
there, so that nothing jumps where an item gets its place; and it keeps a release from naming what one person bought."""


@dataclass(frozen=True)
class Tree:
    """The nodes of one fit and each item's way down to its own; node 0 is the store, then categories, then products."""

    names: tuple[str, ...]
    depth: Ints
    parent: Ints

    @classmethod
    def grow(cls, items: Items, buyers: Floats, levels: int) -> "Tree":
        """Make a node of every category, and at two levels of every product, with at least two buyers.

        Parameters
        ----------
        items : Items
        buyers : (items,) float
        levels : int
            1 for categories, 2 for categories and the products in them.
        """
        names, depth, parent = [""], [0], [0]
        frame = pd.DataFrame({"item": items.names, "category": items.categories, "buyers": buyers})
        above: dict[str, int] = {}
        for level, column in enumerate(("category", "item")[:levels], start=1):
            known = frame[frame["buyers"] >= LEAST_BUYERS].dropna(subset=[column])
            rows = known.drop_duplicates(column).sort_values(column)
            for name, category in zip(rows[column], rows["category"], strict=True):
                if level == 1:
                    above[name] = len(names)
                names.append(name)
                depth.append(level)
                parent.append(0 if level == 1 else above.get(category, 0))
        return cls(tuple(names), np.asarray(depth), np.asarray(parent))

    def paths(self, items: Items) -> Ints:
        """Return the nodes above each item, store first; where a level has no node, its parent's is repeated.

        Returns
        -------
        (items, levels) int
        """
        columns = [np.zeros(len(items.names), dtype=np.int64)]
        for level in range(1, int(self.depth.max(initial=0)) + 1):
            nodes = np.flatnonzero(self.depth == level)
            key = items.categories if level == 1 else items.names
            known = pd.Index([self.names[node] for node in nodes], dtype=object)
            found = known.get_indexer(pd.Index(key, dtype=object))
            columns.append(np.where(found < 0, columns[-1], nodes[found] if len(nodes) else 0))
        return np.stack(columns, axis=1)

    def totals(self, paths: Ints, values: Floats) -> Floats:
        """Sum a value of each row into every node above it, each node once."""
        out: Floats = np.bincount(paths[:, -1], values, len(self.names)).astype(np.float64)
        for level in range(int(self.depth.max(initial=0)), 0, -1):
            at = self.depth == level
            out += np.bincount(self.parent[at], out[at], len(self.names))
        return out

    def pooled(self, totals: Floats, weights: Floats, root: float, strength: float) -> Floats:
        """Pool each node's total / weight towards its parent's pooled value, which counts `strength`."""
        values = np.full(len(self.names), root)
        for level in range(1, int(self.depth.max()) + 1):
            at = self.depth == level
            values[at] = (totals[at] + strength * values[self.parent[at]]) / (weights[at] + strength)
        return values
