"""Predictions beside the peers on real purchases: `python benchmarks/accuracy.py [ONLINE_RETAIL_II.parquet]`.

Each case is imported like any shop's, trained on what was known before its cutoff and compared with what then
happened, by the same settings for all. CDNOW and Complete Journey come inside packages; the UCI Online Retail II lines
(columns as published) are read from the file that is given, and left out without one. A made-up store comes last,
whose customers' true rates are known.

What is printed of a case is, of each metric, ours beside the bar and beside the best of the peers; then every peer.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq

from benchmarks.generate import Store, generate
from features.cutoff import Cutoff
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from regulars.datasets import CDNOW, COMPLETE_JOURNEY, Dataset, write_plain
from regulars.evaluating import show_rows, standing
from regulars.terminal import show, show_lines
from training.ask import ask
from training.dataset import Dataset as TrainingDataset
from training.evaluate import OURS, Comparison, evaluate
from training.fit import fit_customers
from training.metrics import METRIC, METRICS, Prediction
from training.peers.case import Case as PeerCase
from training.peers.processes import bg_nbd, pareto_nbd

SEED = 1
STORE_SEED = 11
STORE_CUSTOMERS = 6_000
CURVES_BELOW = 0.97
"""The integrated Brier score is to be this part of the best of the curves that others offer, at most."""
OTHER_CURVES = ("bg_nbd_gamma_gamma", "kaplan_meier", "mean_gap")
CALIBRATED_WITHIN = 0.03
COVERED = (0.77, 0.83)
# Sales to known customers: no cancellations (invoices starting with C), no give-aways, no corrections.
ONLINE_RETAIL_SALES = """
copy (
    select "Customer ID"::varchar as customer_id, Invoice as order_id, row_number() over () as line_id,
           InvoiceDate as ordered_at, StockCode as product_id, Quantity as quantity,
           round(Quantity * Price, 2)::decimal(12, 2) as net_amount
      from read_parquet(?)
     where "Customer ID" is not null and Invoice not like 'C%' and Quantity > 0 and Price > 0
       and round(Quantity * Price, 2) > 0
) to '{file}' (format parquet)
"""


@dataclass(frozen=True)
class Case:
    """One cutoff and horizon, and what is to be reached on it.

    Parameters
    ----------
    day : date
        The cutoff.
    horizon_days : int, days
    bar : tuple of float
        AUC, Brier, RMSE of order counts, normalised Gini, share of money in the top tenth. Empty where the best peer
        of the same run is the bar.
    totals : tuple of float
        Between which predicted totals over what happened are to lie.
    """

    day: date
    horizon_days: int
    bar: tuple[float, ...] = ()
    totals: tuple[float, float] = (0.85, 1.15)


BAR = ("auc", "brier", "orders_rmse", "normalised_gini", "top_10_share")
CDNOW_CASES = (
    Case(date(1998, 4, 2), 90, (0.8420, 0.0878, 0.605, 0.787, 0.619), (0.92, 1.08)),
    Case(date(1998, 1, 1), 181, (0.8075, 0.1285, 1.105, 0.759, 0.575), (0.92, 1.08)),
)
ONLINE_RETAIL_CASES = (
    Case(date(2011, 3, 11), 90, (0.7882, 0.1818, 0.943, 0.811, 0.612)),
    Case(date(2011, 6, 11), 90, (0.8261, 0.1480, 0.846, 0.860, 0.668)),
    Case(date(2011, 9, 11), 90, (0.8150, 0.1750, 1.18, 0.785, 0.568)),
)
COMPLETE_JOURNEY_CASES = (Case(date(2017, 10, 1), 90),)


def ledger_of(files: Sequence[Path], home: Path, currency: str, time_zone: str) -> Ledger:
    """Return a new ledger with the orders of files."""
    ledger = Ledger(Home(home))
    import_files(ledger, ORDERS, files, imported_at=datetime.now(UTC), currency=currency, time_zone=time_zone)
    return ledger


def compare(name: str, ledger: Ledger, cases: Sequence[Case]) -> None:
    """Print what is reached of each case, and every peer."""
    for case in cases:
        cpu, wall = time.process_time(), time.perf_counter()
        cutoff = Cutoff.at_midnight(case.day, ledger.shop.time_zone)
        with ledger.connect() as connection:
            found = evaluate(connection, cutoff, case.horizon_days, SEED)
        taken = f"{time.process_time() - cpu:.0f} CPU s, {time.perf_counter() - wall:.0f} s"
        asked = f"{name}, {found.cutoff}, {case.horizon_days} days"
        title = f"\n== {asked}: {found.customers:,} customers, {found.ordered_share:.1%} ordered ({taken}) =="
        show(reached(found, case), title=title)
        show_rows(found.rows)
        show_lines(["", *standing(found)])


def reached(found: Comparison, case: Case) -> list[dict[str, str | float]]:
    """Return of each metric ours, the best peer, the bar and whether it is reached; "-" where there is none."""
    rows: list[dict[str, str | float]] = []
    for metric in METRICS:
        ours = float(found.rows[0][metric.name])
        peers = {str(row["method"]): float(row[metric.name]) for row in found.rows if row["method"] != OURS}
        known = {method: value for method, value in peers.items() if not np.isnan(value)}
        best = min(known, key=lambda method: metric.distance(known[method]), default=None)
        low, high = bar_of(metric.name, found, case, None if best is None else known[best])
        judged = not np.isnan(ours) and (low > -np.inf or high < np.inf)
        rows.append(
            {
                "metric": metric.name,
                "ours": ours,
                "from": low if np.isfinite(low) else float("nan"),
                "to": high if np.isfinite(high) else float("nan"),
                "bar": ("reached" if low <= ours <= high else "not reached") if judged else "-",
                "best_peer": float("nan") if best is None else known[best],
                "is": best or "-",
            }
        )
    return rows


def bar_of(name: str, found: Comparison, case: Case, best_peer: float | None) -> tuple[float, float]:
    """Return the least and the most that a metric of ours is to be."""
    metric, anything = METRIC[name], (-np.inf, np.inf)
    if metric.better == "one":
        return case.totals
    if metric.better == "covered":
        return COVERED
    if name == "calibration_error":
        return (-np.inf, CALIBRATED_WITHIN)
    if name == "integrated_brier":
        others = [float(row[name]) for row in found.rows if row["method"] in OTHER_CURVES]
        return (-np.inf, CURVES_BELOW * min(others))
    asked = dict(zip(BAR, case.bar, strict=False)).get(name, best_peer if name in BAR else None)
    if asked is None:
        return anything
    return (asked, np.inf) if metric.better == "higher" else (-np.inf, asked)


def compare_with_truth(folder: Path, store: Store) -> None:
    """Print how far a made-up store's expected orders of the 90 days after it ends are from the true ones."""
    generate(STORE_CUSTOMERS, folder / "store", STORE_SEED, store, events=False)
    ledger = ledger_of(sorted((folder / "store/orders").glob("*.parquet")), folder / "made-up", "EUR", "UTC")
    past = Case(date.fromordinal(store.end.toordinal() - 90), 90)
    compare(f"A store of seed {STORE_SEED}", ledger, [past])
    end = Cutoff.at_midnight(store.end, "UTC")
    with ledger.connect() as connection:
        dataset = TrainingDataset(connection, end, 90)
        customers = fit_customers(dataset, end, SEED)
        case = PeerCase(dataset, end, SEED, customers)
        said: dict[str, Prediction | None] = {
            OURS: ask(customers, case.snapshot, 90),
            "bg_nbd_gamma_gamma": bg_nbd(case),
            "pareto_nbd_gamma_gamma": pareto_nbd(case),
        }
        known = case.snapshot["customer_id"]
    truth = pq.read_table(folder / "store/truth").to_pandas().set_index("customer_id")
    true = truth["expected_orders_90d"].reindex(known).to_numpy()
    rows = [
        {
            "method": method,
            "orders_rmse": float(np.sqrt(np.mean((answer.orders - true) ** 2))),
            "orders_total_ratio": float(answer.orders.sum() / true.sum()),
            "correlation": float(np.corrcoef(answer.orders, true)[0, 1]),
        }
        for method, answer in said.items()
        if answer is not None and answer.orders is not None
    ]
    show(rows, title=f"\nExpected orders of the 90 days from {store.end} beside each customer's true ones")


def packaged(dataset: Dataset, folder: Path, cases: Sequence[Case]) -> None:
    """Print the cases of a data set that comes inside a package."""
    into = folder / f"plain-{dataset.name}"
    into.mkdir()
    file = write_plain(dataset, into)["orders"]
    ledger = ledger_of([file], folder / dataset.name, dataset.currency, dataset.time_zone)
    compare(dataset.title.partition(":")[0], ledger, cases)


def main(online_retail: Path | None) -> None:
    """Print every case."""
    started = time.process_time()
    with tempfile.TemporaryDirectory(prefix="regulars-accuracy-") as scratch:
        folder = Path(scratch)
        packaged(CDNOW, folder, CDNOW_CASES)
        packaged(COMPLETE_JOURNEY, folder, COMPLETE_JOURNEY_CASES)
        if online_retail is None:
            print("\nOnline Retail II: left out, no file was given")
        else:
            sales = folder / "sales.parquet"
            duckdb.execute(ONLINE_RETAIL_SALES.format(file=sales), [str(online_retail)])
            ledger = ledger_of([sales], folder / "online-retail", "GBP", "Europe/London")
            compare("Online Retail II", ledger, ONLINE_RETAIL_CASES)
        compare_with_truth(folder, Store())
    print(f"\n{time.process_time() - started:.0f} CPU s in all")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
