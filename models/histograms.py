"""Histograms of features and scores over the customers of a training run: what later customers are compared with.

Counts alone: no customer's row is in one.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Floats = NDArray[np.float64]

BINS = 10


class Histogram(BaseModel):
    """How many customers had a value up to each edge, above the last one, and none at all.

    Parameters
    ----------
    edges : tuple of float
        Rising, each but the last bin's upper edge, which belongs to it: the deciles that were met, so that a whole
        number that many share has a bin of its own.
    counts : tuple of int, customers
        One more than edges.
    missing : int, customers
        Of whom nothing is known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int

    @classmethod
    def of(cls, values: Floats) -> "Histogram":
        """Return the histogram of (n,) float values, NaN where nothing is known, on edges of its own."""
        known = values[~np.isnan(values)]
        if not len(known):
            return cls(edges=(), counts=(0,), missing=len(values))
        shares = np.arange(1, BINS) / BINS
        # Values that were met, not points between them: then "one order" is a bin, and stays one.
        edges = np.unique(np.quantile(known, shares, method="inverted_cdf"))
        empty = cls(edges=tuple(edges[edges < known.max()].tolist()), counts=(), missing=0)
        return empty.again(values)

    def again(self, values: Floats) -> "Histogram":
        """Return the histogram of other values on the same edges."""
        known = values[~np.isnan(values)]
        place = np.searchsorted(np.asarray(self.edges), known, side="left")
        counts = np.bincount(place, minlength=len(self.edges) + 1)
        return Histogram(edges=self.edges, counts=tuple(counts.tolist()), missing=len(values) - len(known))

    @property
    def all_counts(self) -> Floats:
        """Customers of each bin, the last one being those of whom nothing is known."""
        return np.array([*self.counts, self.missing], dtype=np.float64)


def histograms(frame: pd.DataFrame) -> dict[str, Histogram]:
    """Return the histogram of every column of numbers, by name."""
    return {
        str(name): Histogram.of(column.to_numpy(dtype=np.float64, na_value=np.nan))
        for name, column in frame.select_dtypes("number").items()
    }
