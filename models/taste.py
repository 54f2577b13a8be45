"""What a customer buys, drawn towards what those buy who buy alike: a low-rank picture of customers and items.

The directions along which baskets of the store's most bought items differ most are kept, and a customer's own
purchases are seen through them: an item he should like by the rest of what he buys shows, though he bought it seldom.
Only the items' directions are stored; a customer's place follows from his own rows.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.linalg import eigh
from scipy.sparse import csr_matrix

from models.gaps import Floats, Ints, Items
from models.pair_history import Runs

DIRECTIONS: Final = 24
MOST_ITEMS: Final = 600
"""The most bought ones; the picture's cost grows with the cube of their number."""
LEAST_BUYERS: Final = 20
_DIGITS: Final = 5  # of what is stored
_NOBODY: Final = -1


@dataclass(frozen=True)
class Taste:
    """The kept directions of a level's most bought items.

    Parameters
    ----------
    names : (k,) tuple of str
    vectors : (k, d) float
        Orthonormal columns.
    """

    names: tuple[str, ...]
    vectors: Floats

    @classmethod
    def fit(cls, pairs: pd.DataFrame, items: Items) -> "Taste | None":
        """Find the directions; None where too few items have buyers enough.

        Parameters
        ----------
        pairs : pandas.DataFrame
            As `models.pair_history.pairs_as_of` gives it, of many customers.
        items : Items
        """
        item = pairs["item"].to_numpy()
        buyers = np.bincount(item, minlength=len(items.names))
        kept = np.sort(np.argsort(-buyers, kind="stable")[:MOST_ITEMS])
        kept = kept[buyers[kept] >= LEAST_BUYERS]
        if len(kept) <= DIRECTIONS:
            return None
        place = np.full(len(items.names), _NOBODY)
        place[kept] = np.arange(len(kept))
        rows = place[item] != _NOBODY
        customer, _ = pd.factorize(pairs["customer"].to_numpy()[rows])
        liked = csr_matrix((_liking(pairs)[rows], (customer, place[item[rows]])))
        alike = (liked.T @ liked).toarray()
        vectors: Floats = eigh(alike, subset_by_index=[len(kept) - DIRECTIONS, len(kept) - 1])[1]
        return cls(tuple(items.names[kept]), np.round(vectors, _DIGITS))

    def of(self, pairs: pd.DataFrame, items: Items, rows: Ints) -> tuple[Floats, Floats]:
        """Return how much some pairs should be bought by their customers' taste, and how much more they are.

        Parameters
        ----------
        pairs : (n, k) pandas.DataFrame
            Whole customers, by customer.
        items : Items
        rows : (m,) int
            The pairs asked for.

        Returns
        -------
        (m,) float, (m,) float
            Logarithms of faded counts; NaN for items outside the picture.
        """
        known = pd.Index(self.names, dtype=object).get_indexer(pd.Index(items.names, dtype=object))
        place: Ints = known[pairs["item"].to_numpy()]
        liked, customer = _liking(pairs), Runs(pairs["customer"].to_numpy())
        number = customer.spread(np.arange(len(customer.first)))
        inside = place != _NOBODY
        mine = csr_matrix(
            (liked[inside], (number[inside], place[inside])), shape=(len(customer.first), len(self.names))
        )
        seen = np.asarray(mine @ self.vectors)
        drawn = np.einsum("ij,ij->i", seen[number[rows]], self.vectors[np.maximum(place[rows], 0)])
        drawn = np.where(inside[rows], drawn, np.nan)
        return drawn, liked[rows] - drawn

    def to_json_dict(self) -> dict[str, Any]:
        """Return lists and strings only."""
        return {"names": list(self.names), "vectors": self.vectors.tolist()}

    @classmethod
    def from_json_dict(cls, stored: dict[str, Any]) -> "Taste":
        """Return the same directions, bit for bit."""
        return cls(tuple(stored["names"]), np.asarray(stored["vectors"], dtype=np.float64))


def _liking(pairs: pd.DataFrame) -> Floats:
    return np.asarray(np.log1p(4 * pairs["days_faded_60d"].to_numpy()))
