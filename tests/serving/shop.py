"""The made-up shop imported, with a quickly made release and a scoring run: what the service reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from features.catalog.shipped import CATALOG
from features.cutoff import Cutoff
from features.snapshot import compute
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from models.checked import Seen
from models.contributions import UsualCustomer
from models.histograms import histograms
from models.next_order import NextOrder
from models.percentiles import reference_quantiles
from models.predictor import Outcomes
from models.purchase_process import Histories, OrderValue, StoreRate
from models.release import Predictors, Release, deploy, load_deployed, write_release
from models.replenishment import ReplenishmentModel
from models.scores import scores_for
from models.worth import OrdersAndValue
from segments.assign import parse_all
from segments.partitions import lifecycle_limits, waits, waits_since_sign_up
from segments.resolve import thresholds
from segments.segment import load_library
from segments.vocabulary import vocabulary
from serving import batch

CUTOFF = Cutoff.at_midnight(date(2023, 6, 27), "Europe/Berlin")
NOW = datetime(2023, 7, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Shop:
    """A home with a ledger, a deployed release and a published run as of `CUTOFF`."""

    home: Home
    release: Release
    summary: batch.RunSummary


def fit_predictors(frame: pd.DataFrame, replenishment: ReplenishmentModel, seed: int) -> Predictors:
    """Fit real trees to outcomes drawn at random: what they say matters here only in that it is the same anywhere."""
    random = np.random.default_rng(seed)
    orders = random.poisson(0.3 * np.sqrt(frame["orders"])).astype(float)
    days = np.where(orders > 0, random.uniform(0, 90, len(frame)), np.nan)
    outcomes = Outcomes(90, days, orders, orders * random.gamma(3.0, 12.0, len(frame)))
    process = StoreRate.fit(Histories(frame))
    value = OrderValue(store_mean=40.0, prior_orders=2.0, basis="shrunk_mean")
    next_order = NextOrder.fit(frame, outcomes, process, CATALOG.names, seed)
    return Predictors(
        next_order, OrdersAndValue.fit(frame, outcomes, next_order, value, CATALOG.names, seed), replenishment
    )


def make_release(home: Home, cutoff: Cutoff, *, seed: int = 1) -> str:
    """Fit a release and deploy it."""
    with Ledger(home).connect() as connection:
        frame = compute(connection, cutoff).to_pandas()
        replenishment = ReplenishmentModel.fit(connection)
        found = lifecycle_limits(waits(connection), waits_since_sign_up(connection, cutoff))
        limits = {name: float(days) for name, days in found.items()}
    predictors = fit_predictors(frame, replenishment, seed)
    scored = predictors.score(frame)
    reference = reference_quantiles(scored, 90)
    columns = vocabulary((*CATALOG, *scores_for(90)), "EUR")
    known = frame.merge(scored, on="customer_id")
    facts = {
        "as_of": cutoff.local_date.isoformat(),
        "data_through": cutoff.local_date.isoformat(),
        "time_zone": "Europe/Berlin",
        "currency": "EUR",
        "horizon_days": 90,
        "seed": seed,
        "customers": len(frame),
        "feature_fingerprint": CATALOG.fingerprint,
        "feature_names": CATALOG.names,
        "data_fingerprint": "made-up",
        "thresholds": thresholds(parse_all(load_library(), columns).values(), known),
        "lifecycle_limits": limits,
        "usual_customer": UsualCustomer.of(frame).model_dump(),
        "metrics": {},
        "gate": {"verdict": "rule", "reasons": ("made for a test",)},
        "versions": {},
    }
    seen = Seen(histograms=histograms(frame) | histograms(scored))
    directory = write_release(home, predictors, reference, facts, seen)
    deploy(home, directory.name)
    return directory.name


def make_shop(directory: Path, files: Mapping[str, Path]) -> Shop:
    """Import, deploy and score in an empty directory."""
    home = Home(directory)
    ledger = Ledger(home)
    import_files(
        ledger, ORDERS, [files["orders"]], imported_at=NOW, currency="EUR", time_zone="Europe/Berlin"
    )
    import_files(ledger, PRODUCTS, [files["products"]], imported_at=NOW)
    make_release(home, CUTOFF)
    release = load_deployed(home)
    return Shop(home, release, batch.run(home, release, load_library(), CUTOFF))
