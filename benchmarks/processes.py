"""Which regularity of the gaps foretells best: `python benchmarks/processes.py [ONLINE_RETAIL_II.parquet]`.

At one cutoff after another each MBG/CNBD-k is fitted and judged on the 90 days after it, as training judges it on the
newest complete window. Printed is by how much it is ahead of Pareto/NBD, in ten-thousandths of the log-likelihood of
"ordered by day t" and with its standard error, and beside it the k that Wheat and Morrison's ratio finds in the gaps.
"""

import sys
import tempfile
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from benchmarks.accuracy import ONLINE_RETAIL_SALES, SEED, ledger_of
from benchmarks.generate import Store, generate
from features.cutoff import Cutoff
from ledger.store import Ledger
from models.boosting import sample
from models.mbg_cnbd import fit_mbg_cnbd
from models.purchase_process import Histories, fit_purchase_process
from regulars.datasets import CDNOW, COMPLETE_JOURNEY, write_plain
from regulars.terminal import show
from training.choice import MOST_CUSTOMERS, REGULARITIES, timing_losses
from training.dataset import Dataset
from training.level import orders_known

HORIZON_DAYS = 90
CUTOFFS = {
    CDNOW.name: (date(1998, 1, 2), date(1998, 4, 2)),
    COMPLETE_JOURNEY.name: (date(2017, 7, 3), date(2017, 10, 1)),
    "Online Retail II": (date(2011, 6, 11), date(2011, 9, 11)),
    "made up, at random": (date(2023, 7, 5), date(2023, 10, 3)),
}


def wheat_morrison(orders: pd.DataFrame) -> float:
    """Return k by the ratio of each customer's last gap to his last two.

    Parameters
    ----------
    orders : DataFrame
        customer_id and order_day, a row a customer and day.

    Notes
    -----
    Of gamma gaps with one k the ratio is a beta of k and k, whose variance is 1 / (8 k + 4). Wheat and Morrison (1990),
    Journal of Marketing Research 27(1).
    """
    days = orders.sort_values(["customer_id", "order_day"]).groupby("customer_id")["order_day"]
    last_three = days.apply(lambda day: day.to_numpy()[-3:])
    gaps = np.array([np.diff(each) for each in last_three if len(each) == 3])  # noqa: PLR2004  # two gaps
    ratio = gaps[:, 1] / gaps.sum(axis=1)
    return float((1.0 - 4.0 * ratio.var()) / (8.0 * ratio.var()))


def compare(name: str, ledger: Ledger, days: tuple[date, ...]) -> None:
    """Print the leads at each cutoff."""
    rows = []
    for day in days:
        cutoff = Cutoff.at_midnight(day, ledger.shop.time_zone)
        with ledger.connect() as connection:
            dataset = Dataset(connection, cutoff.plus_days(HORIZON_DAYS), HORIZON_DAYS)
            some = sample(len(dataset.snapshot(cutoff)), MOST_CUSTOMERS, np.random.default_rng(SEED))
            snapshot, happened = dataset.snapshot(cutoff).iloc[some], dataset.outcomes(cutoff).take(some)
            ratio = wheat_morrison(orders_known(dataset, cutoff))
        past = Histories(snapshot)
        buyers = past.orders > 0
        counted = (past.frequency[buyers], past.recency_days[buyers], past.age_days[buyers])
        usual = timing_losses(fit_purchase_process(past), past, happened)
        row: dict[str, str | float] = {"cutoff": day.isoformat(), "wheat_morrison": ratio}
        for k in REGULARITIES:
            fitted = fit_mbg_cnbd(k, *counted)
            lead = np.full(1, np.nan) if fitted is None else usual - timing_losses(fitted, past, happened)
            error = lead.std() / np.sqrt(len(lead))
            row[f"k={k:g}"] = f"{1e4 * lead.mean():.0f} ({1e4 * error:.0f})"
        rows.append(row)
    show(rows, title=f"\n{name}")


def main(online_retail: Path | None) -> None:
    """Print every store."""
    with tempfile.TemporaryDirectory(prefix="regulars-processes-") as scratch:
        folder = Path(scratch)
        for packaged in (CDNOW, COMPLETE_JOURNEY):
            file = write_plain(packaged, folder)["orders"]
            ledger = ledger_of([file], folder / packaged.name, packaged.currency, packaged.time_zone)
            compare(packaged.name, ledger, CUTOFFS[packaged.name])
        if online_retail is not None:
            sales = folder / "sales.parquet"
            duckdb.execute(ONLINE_RETAIL_SALES.format(file=sales), [str(online_retail)])
            ledger = ledger_of([sales], folder / "online-retail", "GBP", "Europe/London")
            compare("Online Retail II", ledger, CUTOFFS["Online Retail II"])
        name = "made up, at random"
        generate(6_000, folder / "made-up", SEED + 10, Store(), events=False)
        files = sorted((folder / "made-up/orders").glob("*.parquet"))
        compare(name, ledger_of(files, folder / "made-up-home", "EUR", "UTC"), CUTOFFS[name])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
