"""A store's categories and products as a tree in which what is seen little leans on the level above."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIN_GAPS_PER_ITEM: Final = 20
"""Items with fewer gaps use the level above: it keeps the parameters few and the estimates steady."""


@dataclass(frozen=True)
class Tree:
    """The nodes of one fit and each row's way down to its own."""

    names: tuple[str, ...]
    depth: Ints
    parent: Ints

    @classmethod
    def grow(cls, pairs: pd.DataFrame, levels: int) -> "Tree":
        """Make a node of every category, and at two levels of every product, with gaps enough.

        Parameters
        ----------
        pairs : pandas.DataFrame
            With `item`, `category` and `days_bought`.
        levels : int
            1 for categories, 2 for categories and the products in them.
        """
        names, depth, parent = [""], [0], [0]
        gaps = pairs["days_bought"] - 1
        category = pairs.drop_duplicates("item").set_index("item")["category"].to_dict()
        for level, column in enumerate(("category", "item")[:levels], start=1):
            total = gaps.groupby(pairs[column]).sum()
            above = {name: node for node, name in enumerate(names) if depth[node] == 1}
            for name in sorted(total.index[total >= MIN_GAPS_PER_ITEM]):
                names.append(str(name))
                depth.append(level)
                parent.append(0 if level == 1 else above.get(category[name], 0))
        return cls(tuple(names), np.asarray(depth), np.asarray(parent))

    def paths(self, rows: pd.DataFrame) -> Ints:
        """Return the nodes above each row, store first; where a level has no node, its parent's is repeated.

        Returns
        -------
        (n, levels) int
        """
        columns = [np.zeros(len(rows), dtype=np.int64)]
        for level in range(1, int(self.depth.max(initial=0)) + 1):
            nodes = np.flatnonzero(self.depth == level)
            key = rows["category"] if level == 1 else rows["item"]
            known = pd.Index([self.names[node] for node in nodes], dtype=object)
            found = known.get_indexer(pd.Index(key.to_numpy(object)))
            columns.append(np.where(found < 0, columns[-1], nodes[found] if len(nodes) else 0))
        return np.stack(columns, axis=1)

    def totals(self, paths: Ints, values: Floats) -> Floats:
        """Sum a value of each row into every node above it, each node once."""
        out: Floats = np.bincount(paths[:, 0], values, len(self.names)).astype(np.float64)
        for level in range(1, paths.shape[1]):
            own = paths[:, level] != paths[:, level - 1]
            out += np.bincount(paths[own, level], values[own], len(self.names))
        return out

    def pooled(self, totals: Floats, weights: Floats, root: float, strength: float) -> Floats:
        """Pool each node's total / weight towards its parent's pooled value, which counts `strength`."""
        values = np.full(len(self.names), root)
        for level in range(1, int(self.depth.max()) + 1):
            at = self.depth == level
            values[at] = (totals[at] + strength * values[self.parent[at]]) / (weights[at] + strength)
        return values
