"""What each input of small trees adds to their answer, looked up: a tree of six splits comes out in 64 ways at most.

How a row's splits come out says all that a tree can say of the row, so what each input adds is reckoned once for every
way there is, when a release is loaded. A row costs its splits and a few lookups then.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]
_Step = tuple[int, bool, float]
_Steps = list[_Step]

MOST_SPLITS = 12
"""Of a tree: its table doubles with each."""
ROWS_AT_ONCE = 256
"""Described together, so that what is looked up stays close to the processor."""


@dataclass(frozen=True)
class _Leaf:
    """A leaf, and the splits on the way to it.

    Parameters
    ----------
    tree : int
    value, share : float
        What it answers, and the part of the tree's rows in training that came to it.
    path : tuple of (split, left, share)
        Of each split its number in the tree, whether the way goes left there, and the part of its rows that did.
    """

    tree: int
    value: float
    share: float
    path: tuple["_Step", ...]


class TreeShap:
    """Shapley values of what trees answer, for every way in which their splits can come out.

    Parameters
    ----------
    model : mapping
        As `lightgbm.Booster.dump_model` returns it: numeric splits alone, missing values unknown or none.

    Raises
    ------
    ValueError
        When a tree has more than `MOST_SPLITS` splits, or one that is not of `<=`.

    References
    ----------
    Lundberg, Erion and Lee (2018), "Consistent Individualized Feature Attribution for Tree Ensembles": the values, with
    the rows of training as weights where an input is not known.
    Yang (2021), "Fast TreeSHAP: Accelerating SHAP Value Computation for Trees": that they hang on which splits of a
    path agree with the row alone, and can be kept.
    """

    def __init__(self, model: Mapping[str, Any]) -> None:
        trees = [info["tree_structure"] for info in model["tree_info"]]
        splits = [sorted(_splits(tree), key=lambda split: int(split["split_index"])) for tree in trees]
        most = max((len(each) for each in splits), default=0)
        if most > MOST_SPLITS:
            raise ValueError(f"a tree has {most} splits; contributions are kept for {MOST_SPLITS} at most")
        leaves = [leaf for number, tree in enumerate(trees) for leaf in _leaves(tree, number)]
        self.constant = sum(leaf.value * leaf.share for leaf in leaves)
        self._inputs = len(model["feature_names"])
        self._set_splits(splits, most)
        self._set_table(leaves, len(trees), most)

    def contributions(self, matrix: Floats) -> Floats:
        """
        Return what each input adds; with `constant` a row sums to what the trees answer.

        Parameters
        ----------
        matrix : (n, k) float
            The inputs of the model, in its order; missing is NaN.

        Returns
        -------
        (n, k) float
            Of a row alone the same, to the last bit, as among others.
        """
        found = np.empty(matrix.shape)
        for at in range(0, len(matrix), ROWS_AT_ONCE):
            found[at : at + ROWS_AT_ONCE] = self._of_some(matrix[at : at + ROWS_AT_ONCE])
        return found

    def _of_some(self, matrix: Floats) -> Floats:
        columns = np.ascontiguousarray(matrix.T)[self._input]
        left = columns <= self._threshold
        left |= np.isnan(columns) & self._unknown_left
        # Of each tree, which of the ways its splits came out: a bit a split.
        ways = np.zeros((self._split.shape[1], matrix.shape[0]), dtype=np.intp)
        for bit, split in enumerate(self._split):
            ways += left[split].astype(np.intp) << bit
        ways += self._first_way
        added = self._table[:, ways].reshape(self._sum.shape[1], matrix.shape[0])
        return np.asarray((self._sum @ added).T)

    def _set_splits(self, splits: list[list[Mapping[str, Any]]], most: int) -> None:
        """Keep each different question once, and of each tree which it asks; those it lacks ask the first."""
        asked: dict[tuple[int, float, bool], int] = {}
        self._split = np.zeros((most, len(splits)), dtype=np.intp)
        # The inputs of each tree's splits; -1 where it has no more.
        self._of_split = np.full((most, len(splits)), -1, dtype=np.intp)
        for tree, mine in enumerate(splits):
            for place, split in enumerate(mine):
                question = int(split["split_feature"]), float(split["threshold"]), _unknown_left(split)
                self._split[place, tree] = asked.setdefault(question, len(asked))
                self._of_split[place, tree] = question[0]
        questions = list(asked)
        self._input = np.array([question[0] for question in questions], dtype=np.intp)
        self._threshold = np.array([question[1] for question in questions])[:, None]
        self._unknown_left = np.array([question[2] for question in questions], dtype=bool)[:, None]

    def _set_table(self, leaves: list[_Leaf], trees: int, most: int) -> None:
        """Make the table: of each split's input, in each tree and way, what it adds."""
        ways = 2**most
        came_out = (np.arange(ways) >> np.arange(most)[:, None]) & 1 == 1
        table = np.zeros((most, trees, ways))
        by_count: dict[int, list[tuple[_Leaf, list[_Steps]]]] = {}
        for leaf in leaves:
            inputs: dict[int, _Steps] = {}
            for step in leaf.path:
                inputs.setdefault(int(self._of_split[step[0], leaf.tree]), []).append(step)
            by_count.setdefault(len(inputs), []).append((leaf, list(inputs.values())))
        for alike in by_count.values():
            shares = [[math.prod(share for _, _, share in steps) for steps in path] for _, path in alike]
            for (leaf, path), values in zip(alike, _shapley(np.array(shares)), strict=True):
                agrees = np.zeros(ways, dtype=np.intp)
                for bit, steps in enumerate(path):
                    agreeing = [came_out[split] == went_left for split, went_left, _ in steps]
                    agrees |= np.logical_and.reduce(agreeing).astype(np.intp) << bit
                for steps, added in zip(path, values, strict=True):
                    # An input of several splits adds under one of them, whichever it is.
                    table[steps[0][0], leaf.tree] += leaf.value * added[agrees]
        self._table = table.reshape(most, trees * ways)
        self._first_way = (np.arange(trees) * ways)[:, None]
        places = np.flatnonzero(self._of_split.ravel() >= 0)
        cells = (np.ones(len(places)), (self._of_split.ravel()[places], places))
        self._sum = csr_array(cells, shape=(self._inputs, most * trees))


def _shapley(shares: Floats) -> Floats:
    """Return what each input of a path adds to a leaf of value 1, by which of the inputs agree with the path.

    Of inputs that are known the leaf is reached or not, as they agree; of the others by the share of rows that went
    there. What an input adds is the mean over all orders in which inputs can get known.

    Parameters
    ----------
    shares : (n, u) float
        Of each leaf, for each input of its path.

    Returns
    -------
    (n, u, 2**u) float
        A bit of the last place says whether an input agrees, the lowest whether the first does.
    """
    leaves, count = shares.shape
    agrees = ((np.arange(2**count) >> np.arange(count)[:, None]) & 1).astype(np.float64)
    found = np.empty((leaves, count, 2**count))
    for place in range(count):
        # By how many of the others are known: the leaf's weight, summed over which they are.
        weights = np.zeros((count, leaves, 2**count))
        weights[0] = 1.0
        for other in range(count):
            if other != place:
                more = np.zeros_like(weights)
                more[1:] = weights[:-1] * agrees[other]
                weights = more + weights * shares[:, other, None]
        orders = [1.0 / (count * math.comb(count - 1, known)) for known in range(count)]
        found[:, place] = (agrees[place] - shares[:, place, None]) * np.tensordot(orders, weights, axes=1)
    return found


def _splits(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "split_index" in node:
        if node["decision_type"] != "<=":
            raise ValueError(f"a split is {node['decision_type']!r}, not '<='")
        yield node
        yield from _splits(node["left_child"])
        yield from _splits(node["right_child"])


def _leaves(
    node: Mapping[str, Any], tree: int, share: float = 1.0, path: tuple[_Step, ...] = ()
) -> Iterator[_Leaf]:
    if "split_index" not in node:
        yield _Leaf(tree, float(node["leaf_value"]), share, path)
        return
    rows = int(node["internal_count"])
    for name, left in (("left_child", True), ("right_child", False)):
        child = node[name]
        part = int(child.get("internal_count", child.get("leaf_count", rows))) / rows
        yield from _leaves(child, tree, share * part, (*path, (int(node["split_index"]), left, part)))


def _unknown_left(split: Mapping[str, Any]) -> bool:
    """Return where a row goes of which the input is missing: LightGBM takes it as 0 when none was in training."""
    if split["missing_type"] == "NaN":
        return bool(split["default_left"])
    return float(split["threshold"]) >= 0.0
