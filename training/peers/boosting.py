"""LightGBM at near-default settings, on the features alone and with what BG/NBD and Gamma-Gamma make of them."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.cutoff import Cutoff
from models.boosting import MOST_ROWS, sample
from models.purchase_process import Histories, fit_bg_nbd, fit_order_value
from training.metrics import Prediction
from training.peers.case import Case

Floats = NDArray[np.float64]

_SETTINGS = {"verbosity": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True}
_ROUNDS = 100


def plain_boosting(case: Case) -> Prediction | None:
    """Return LightGBM on what ours may read: a classifier, a Poisson and a Tweedie model."""
    if not case.cutoffs:
        return None
    return _boosted(case, _matrix(case.learnt_from[0]), _matrix(case.snapshot))


def boosting_on_processes(case: Case) -> Prediction | None:
    """Return the same with the purchase process of each cutoff, fitted on what was known then, among the inputs."""
    if not case.cutoffs:
        return None
    known = np.vstack([_with_process(case, cutoff) for cutoff in case.cutoffs])
    return _boosted(case, known, _with_process(case, case.test))


def _boosted(case: Case, known: Floats, asked: Floats) -> Prediction | None:
    import lightgbm  # noqa: PLC0415  # a second to import; only what compares needs it

    happened = case.learnt_from[1]
    # Where nobody ordered in any window LightGBM fits no counts: such a store teaches this peer nothing.
    if not happened.value.max(initial=0.0) > 0 or not happened.orders.any():
        return None
    # As many rows as ours reads: fewer would make a weaker peer of it, more would not fit a large store.
    rows = sample(len(known), MOST_ROWS, np.random.default_rng(case.seed))

    # Binned once for the three models, which changes nothing but the time.
    data = lightgbm.Dataset(known[rows], params=_SETTINGS, free_raw_data=False)

    def fitted(objective: str, target: Floats) -> Floats:
        settings = _SETTINGS | {"objective": objective, "seed": case.seed}
        booster = lightgbm.train(settings, data.set_label(target[rows]), _ROUNDS)
        return np.asarray(booster.predict(asked), dtype=np.float64)

    return Prediction(
        fitted("binary", (happened.orders > 0).astype(np.float64)),
        fitted("poisson", happened.orders),
        fitted("tweedie", np.maximum(happened.value, 0.0)),
    )


def _matrix(snapshot: pd.DataFrame) -> Floats:
    features = snapshot.drop(columns=["customer_id"])
    numeric = [name for name in features if pd.api.types.is_numeric_dtype(features[name])]
    return features[numeric].to_numpy(dtype=np.float64, na_value=np.nan)


def _with_process(case: Case, cutoff: Cutoff) -> Floats:
    snapshot = case.dataset.snapshot(cutoff)
    past, days = Histories(snapshot), case.horizon_days
    buyers = past.orders > 0
    process = fit_bg_nbd(past.frequency[buyers], past.recency_days[buyers], past.age_days[buyers])
    made: list[Callable[[], Floats]] = []
    if process is not None:
        made = [
            lambda: process.p_active(past),
            lambda: process.rate_per_day(past),
            lambda: process.p_order(past, days),
            lambda: process.expected_orders(past, days),
        ]
    # Without convergence as of this cutoff its rows have none of the four: missing, as LightGBM knows it.
    columns = [column() for column in made] or [np.full(len(snapshot), np.nan)] * 4
    return np.column_stack([_matrix(snapshot), *columns, fit_order_value(past).expected(past)])
