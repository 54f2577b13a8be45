"""What a peer is, and what it is given: one test cutoff and all that was known before it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from features.cutoff import Cutoff
from models.predictor import Outcomes
from models.purchase_process import Histories, OrderValue, fit_order_value
from training.dataset import Dataset
from training.fit import CustomerPredictors
from training.metrics import Prediction


@dataclass(frozen=True)
class Case:
    """One test cutoff, as every peer is asked about it.

    Parameters
    ----------
    dataset : Dataset
    test : Cutoff
        Peers may use what was known before it, and the outcomes of windows that were over by then.
    seed : int
    ours : CustomerPredictors
        What is being judged; what it would be without trees is a peer too.
    """

    dataset: Dataset
    test: Cutoff
    seed: int
    ours: CustomerPredictors

    @property
    def horizon_days(self) -> int:
        """Length of the test window."""
        return self.dataset.horizon_days

    @property
    def snapshot(self) -> pd.DataFrame:
        """The customers known at the test cutoff."""
        return self.dataset.snapshot(self.test)

    @cached_property
    def cutoffs(self) -> tuple[Cutoff, ...]:
        """Cutoffs whose windows were over by the test cutoff, newest first; maybe none."""
        return self.dataset.training_cutoffs(self.test)

    @cached_property
    def learnt_from(self) -> tuple[pd.DataFrame, Outcomes]:
        """Snapshots at those cutoffs under each other, and what then happened."""
        return self.dataset.stacked(self.cutoffs)

    @cached_property
    def histories(self) -> Histories:
        """What purchase processes read of the customers."""
        return Histories(self.snapshot)

    @cached_property
    def order_value(self) -> OrderValue:
        """Gamma-Gamma, fitted on the customers at the test cutoff."""
        return fit_order_value(self.histories)


@dataclass(frozen=True)
class Peer:
    """One method that ours is compared with.

    Parameters
    ----------
    name : str
        As in every table.
    answer : callable
        Case to Prediction; None where the history does not allow it, which is logged where it is no matter of length.
    means : str
        What it does, in a phrase.
    rule : bool
        Simple enough to be served instead: what the gate holds a candidate against.
    every_run : bool
        Asked in every training run; the others, which take long, by `regulars evaluate` only.
    """

    name: str
    answer: Callable[[Case], Prediction | None]
    means: str
    rule: bool = False
    every_run: bool = True
