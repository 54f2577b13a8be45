"""How fast BG/NBD is fitted, beside plain `lifetimes` and pymc-marketing: `python benchmarks/process_fits.py`.

On CDNOW's 23,570 customers, and on a million that follow BG/NBD; their summaries are made beforehand. Seconds are the
processor's, the libraries already imported. The orders that a fit foretells for 90 days are told beside it, so that a
faster fit which is another fit would be seen. pymc-marketing is no dependency of ours (it brings PyTensor and half a
gigabyte): install it beside to compare with it.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from lifetimes import BetaGeoFitter

from benchmarks.accuracy import SEED, ledger_of
from features.catalog.shipped import CORE
from features.cutoff import Cutoff
from features.snapshot import compute
from models.purchase_process import BgNbd, Histories, fit_bg_nbd
from regulars.datasets import CDNOW, write_plain
from regulars.terminal import show

DAY = date(1998, 4, 2)
HORIZON_DAYS = 90
MILLION = 1_000_000
WEEK = 7.0
TRUTH = BgNbd(r=0.243, alpha_weeks=4.414, a=0.793, b=2.426)
"""Of the million: the parameters published for CDNOW (Fader, Hardie and Lee, 2005)."""

Fit = Callable[[Histories], BgNbd | None]


def cdnow() -> Histories:
    """Return CDNOW's customers as of a day."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        orders = write_plain(CDNOW, folder)["orders"]
        ledger = ledger_of([orders], folder / "home", CDNOW.currency, CDNOW.time_zone)
        with ledger.connect() as connection:
            return Histories(compute(connection, Cutoff.at_midnight(DAY, CDNOW.time_zone), CORE).to_pandas())


def made_up(customers: int) -> Histories:
    """Return customers who order and leave as BG/NBD has it, known for 39 to 78 weeks."""
    random = np.random.default_rng(SEED)
    rate = random.gamma(TRUTH.r, 1.0 / TRUTH.alpha_weeks, customers)
    leaves = random.beta(TRUTH.a, TRUTH.b, customers)
    age = random.uniform(39.0, 78.0, customers)
    repeat, last, now = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    staying = np.arange(customers)
    while len(staying):
        now[staying] += random.exponential(1.0, len(staying)) / np.maximum(rate[staying], 1e-300)
        staying = staying[now[staying] < age[staying]]
        repeat[staying] += 1
        last[staying] = now[staying]
        staying = staying[random.random(len(staying)) > leaves[staying]]
    days = np.floor(last * WEEK)
    frame = {
        "orders": repeat + 1,
        "days_first_to_last_order": days,
        "days_since_first_order": np.ceil(age * WEEK),
        "mean_order_value": np.ones(customers),
    }
    return Histories(pd.DataFrame(frame))


def ours(histories: Histories) -> BgNbd | None:
    """Fit on unique histories with weights, of a sample when there are many."""
    return fit_bg_nbd(histories.frequency, histories.recency_days, histories.age_days)


def plain_lifetimes(histories: Histories) -> BgNbd:
    """Fit on every customer's row."""
    fitter = BetaGeoFitter()
    fitter.fit(histories.frequency, histories.recency_days / WEEK, histories.age_days / WEEK)
    r, alpha, a, b = (float(fitter.params_[name]) for name in ("r", "alpha", "a", "b"))
    return BgNbd(r=r, alpha_weeks=alpha, a=a, b=b)


def pymc_map(histories: Histories) -> BgNbd:
    """Fit the posterior's mode, with pymc-marketing's own priors."""
    from pymc_marketing.clv import BetaGeoModel  # noqa: PLC0415  # not installed everywhere

    rows = {
        "customer_id": np.arange(len(histories.frequency)),
        "frequency": histories.frequency,
        "recency": histories.recency_days / WEEK,
        "T": histories.age_days / WEEK,
    }
    model = BetaGeoModel(data=pd.DataFrame(rows))
    model.fit(method="map")
    found = {name: float(model.fit_result[name].mean()) for name in ("r", "alpha", "a", "b")}
    return BgNbd(r=found["r"], alpha_weeks=found["alpha"], a=found["a"], b=found["b"])


def main() -> None:
    """Fit and print."""
    stores = {"CDNOW": cdnow(), "made up": made_up(MILLION)}
    fits: dict[str, Fit] = {"regulars": ours, "lifetimes, a row a customer": plain_lifetimes}
    if find_spec("pymc_marketing") is not None:
        fits["pymc-marketing, posterior mode"] = pymc_map
    rows = []
    for store, histories in stores.items():
        ours_took = 0.0
        for name, fit in fits.items():
            begun = time.process_time()
            found = fit(histories)
            took = time.process_time() - begun
            ours_took = ours_took or took
            foretold = 0.0 if found is None else float(found.expected_orders(histories, HORIZON_DAYS).sum())
            rows.append(
                {
                    "customers": f"{len(histories.orders):,} ({store})",
                    "fit": name,
                    "CPU s": f"{took:.2f}",
                    "times ours": f"{took / ours_took:.1f}",
                    "orders in 90 days": f"{foretold:,.0f}",
                }
            )
    show(rows)


if __name__ == "__main__":
    main()
