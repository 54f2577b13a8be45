"""The backtest of one date: our predictions and the peers' beside what then happened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pandas as pd

from features.cutoff import Cutoff
from ledger.errors import InputError
from models.predictor import Outcomes
from training.ask import ask
from training.dataset import Dataset
from training.fit import Fit, fit_customers
from training.metrics import METRICS, Prediction, judge, outcomes_of
from training.paired import Paired, leads
from training.peers.case import Case
from training.peers.shipped import answers
from training.slices import SLICES

OURS = "regulars"
CHAMPION = "champion"

Progress = Callable[[str, float], None]
"""Told what is being done and the share done, 0 to 1."""
Row = dict[str, str | float]


def silent(_doing: str, _share: float) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True)
class SliceComparison:
    """The same comparison among one kind of customers.

    Parameters
    ----------
    name : str
        Of `training.slices.SLICES`.
    customers : int
    ordered_share : float
    rows : list of dict
        As of Comparison.
    """

    name: str
    customers: int
    ordered_share: float
    rows: list[Row]


@dataclass(frozen=True)
class Comparison:
    """Our predictions beside the peers' at one cutoff.

    Parameters
    ----------
    cutoff : str
        ISO date.
    horizon_days : int, days
    customers : int
        Known before the cutoff.
    ordered_share : float
        Of them, those who ordered within the horizon.
    rows : list of dict
        `method` and every metric by name; ours first. NaN where a method has no answer.
    ours : Prediction
    happened : Outcomes
    slices : list of SliceComparison
        Of those kinds of customers that there are.
    leads : list of Paired
        How far ours is ahead of every other method, and how much of that may be luck.
    """

    cutoff: str
    horizon_days: int
    customers: int
    ordered_share: float
    rows: list[Row]
    ours: Prediction
    happened: Outcomes
    slices: list[SliceComparison] = field(default_factory=list)
    leads: list[Paired] = field(default_factory=list)

    @property
    def metrics(self) -> dict[str, float]:
        """Our own metrics by name."""
        return {metric.name: float(self.rows[0][metric.name]) for metric in METRICS}

    @property
    def table(self) -> list[Row]:
        """Every method, all customers first and then slice by slice, in one table: cutoff, slice, customers, ..."""
        whole = SliceComparison("all", self.customers, self.ordered_share, self.rows)
        return [
            {
                "cutoff": self.cutoff,
                "slice": part.name,
                "customers": part.customers,
                "ordered_share": part.ordered_share,
                **row,
            }
            for part in (whole, *self.slices)
            for row in part.rows
        ]


def evaluate(
    connection: duckdb.DuckDBPyConnection,
    cutoff: Cutoff,
    horizon_days: int,
    seed: int,
    progress: Progress = silent,
) -> Comparison:
    """Train as of a past date and compare with every peer and with what then happened.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A ledger connection.
    cutoff : Cutoff
        Midnight of the day that is taken for today.
    horizon_days : int, days
    seed : int
    progress : callable

    Raises
    ------
    InputError
        When no customer is known before the cutoff, or nothing after the window tells that it is complete.
    """
    known_until = cutoff.plus_days(horizon_days)
    dataset = Dataset(connection, known_until, horizon_days)
    progress("reading history", 0.0)
    if dataset.snapshot(cutoff).empty:
        raise InputError(f"no customer is known before {cutoff.local_date}; choose a later --as-of")
    last_day = cutoff.day if dataset.last_order_day is None else dataset.last_order_day
    if last_day < known_until.day - horizon_days // 10:
        raise InputError(
            f"orders end {known_until.day - last_day} days before the {horizon_days} days after "
            f"{cutoff.local_date} do; choose an earlier --as-of or a shorter --horizon-days"
        )
    return compare(dataset, cutoff, seed, {}, progress, every_peer=True)


def compare(  # noqa: PLR0913  # what is asked, of whom, and how much
    dataset: Dataset,
    cutoff: Cutoff,
    seed: int,
    rivals: Mapping[str, Prediction],
    progress: Progress = silent,
    *,
    every_peer: bool = False,
    fit: Fit = fit_customers,
) -> Comparison:
    """Fit as of a cutoff, ask everyone, and judge.

    Parameters
    ----------
    dataset : Dataset
    cutoff : Cutoff
    seed : int
    rivals : mapping of str to Prediction
        The answers of further methods, by name.
    progress : callable
    every_peer : bool
        Those too that take long.
    fit : callable
        Makes what is judged.
    """
    progress("fitting", 0.3)
    customers = fit(dataset, cutoff, seed)
    progress("asking the peers", 0.7)
    ours = ask(customers, dataset.snapshot(cutoff), dataset.horizon_days)
    said = {OURS: ours, **dict(answers(Case(dataset, cutoff, seed, customers), every=every_peer)), **rivals}
    happened = dataset.outcomes(cutoff)
    found = judged(cutoff.local_date.isoformat(), dataset.snapshot(cutoff), said, happened)
    progress("judged", 1.0)
    return found


def judged(
    cutoff: str, snapshot: pd.DataFrame, said: Mapping[str, Prediction], happened: Outcomes
) -> Comparison:
    """Return how every method did, over all and slice by slice.

    Parameters
    ----------
    cutoff : str
        ISO date.
    snapshot : (n, k) DataFrame
        The customers at the cutoff.
    said : mapping of str to Prediction
        By method, OURS among them and first.
    happened : Outcomes
    """
    slices = []
    for part in SLICES:
        rows = part.rows(snapshot)
        if len(rows):
            some = {method: answer.take(rows) for method, answer in said.items()}
            did = outcomes_of(happened, rows)
            slices.append(SliceComparison(part.name, len(rows), _ordered_share(did), _rows(some, did)))
    return Comparison(
        cutoff=cutoff,
        horizon_days=happened.horizon_days,
        customers=len(happened.orders),
        ordered_share=_ordered_share(happened),
        rows=_rows(said, happened),
        ours=said[OURS],
        happened=happened,
        slices=slices,
        leads=leads(said[OURS], {name: each for name, each in said.items() if name != OURS}, happened),
    )


def _rows(said: Mapping[str, Prediction], happened: Outcomes) -> list[Row]:
    return [{"method": method, **judge(answer, happened)} for method, answer in said.items()]


def _ordered_share(happened: Outcomes) -> float:
    return float(np.mean(happened.orders > 0))
