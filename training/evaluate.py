"""The backtest of one date: our predictions and the peers' beside what then happened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import duckdb

from features.cutoff import Cutoff
from ledger.errors import InputError
from models.predictor import Outcomes
from training.dataset import Dataset
from training.fit import fit_customers
from training.metrics import METRICS, Prediction, judge
from training.peers import ask, plain_boosting, simple_predictions

OURS = "regulars"
CHAMPION = "champion"

Progress = Callable[[str, float], None]
"""Told what is being done and the share done, 0 to 1."""


def silent(_doing: str, _share: float) -> None:
    """Report progress to nobody."""


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
    """

    cutoff: str
    horizon_days: int
    customers: int
    ordered_share: float
    rows: list[dict[str, str | float]]
    ours: Prediction
    happened: Outcomes

    @property
    def metrics(self) -> dict[str, float]:
        """Our own metrics by name."""
        return {metric.name: float(self.rows[0][metric.name]) for metric in METRICS}


def evaluate(
    connection: duckdb.DuckDBPyConnection,
    cutoff: Cutoff,
    horizon_days: int,
    seed: int,
    progress: Progress = silent,
) -> Comparison:
    """Train as of a past date and compare with what then happened.

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
    cutoffs = dataset.training_cutoffs(cutoff)
    boosting = {"lightgbm": plain_boosting(dataset, cutoffs, cutoff, seed)} if cutoffs else {}
    return compare(dataset, cutoff, seed, boosting, progress)


def compare(
    dataset: Dataset,
    cutoff: Cutoff,
    seed: int,
    rivals: Mapping[str, Prediction],
    progress: Progress = silent,
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
    """
    progress("fitting", 0.3)
    customers = fit_customers(dataset, cutoff, seed)
    progress("asking the peers", 0.7)
    ours = ask(customers, dataset.snapshot(cutoff), dataset.horizon_days)
    said = {OURS: ours, **simple_predictions(dataset, cutoff, customers), **rivals}
    happened = dataset.outcomes(cutoff)
    progress("judged", 1.0)
    return Comparison(
        cutoff=cutoff.local_date.isoformat(),
        horizon_days=dataset.horizon_days,
        customers=len(happened.orders),
        ordered_share=float((happened.orders > 0).mean()),
        rows=[{"method": method, **judge(answer, happened)} for method, answer in said.items()],
        ours=ours,
        happened=happened,
    )
