"""The training job: backtest, decide, fit on everything known, release, record, and deploy what won."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from features import history
from features.catalog.shipped import CATALOG
from features.cutoff import Cutoff
from features.feature import FeatureSet
from features.stored import StoredSnapshots, state_of
from ledger.engine import bound
from ledger.errors import InputError
from ledger.home import Home
from ledger.store import Ledger
from ledger.workspace import workspace
from models.checked import Seen
from models.contributions import UsualCustomer
from models.histograms import histograms
from models.percentiles import reference_quantiles
from models.release import (
    GateVerdict,
    Release,
    ReleaseError,
    deploy,
    deployed_release,
    load_deployed,
    load_release,
    write_release,
)
from models.scores import scores_for
from segments.assign import parse_all
from segments.derived import statistics_of
from segments.expression import Expression
from segments.partitions import lifecycle_limits, waits, waits_since_sign_up
from segments.resolve import thresholds
from segments.segment import load_library
from segments.vocabulary import vocabulary
from training import registry, tracked
from training.ask import ask
from training.card import Trained, card, summary
from training.dataset import Dataset
from training.evaluate import CHAMPION, Comparison, Progress, compare, silent
from training.fit import CustomerPredictors, Fit, fit_all, fit_customers
from training.folds import backtest_folds
from training.gate import decide, promotion
from training.hindsight import of_backtest
from training.importance import importance
from training.metrics import Prediction

_VERSIONS_OF = ("regulars", "lightgbm", "lifetimes", "numpy", "pandas", "duckdb", "scikit-learn")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainSummary:
    """What a training run did.

    Parameters
    ----------
    release : str
        Name of the release made.
    promoted : bool
        Whether it is served now.
    served : str
        Name of the release that is served.
    gate : GateVerdict
        Why trees or rules are in it.
    reasons : tuple of str
        Why it was promoted or not.
    rows : list of dict
        The newest backtest: `method` and every metric; empty when history allows none.
    backtests : tuple of str
        ISO dates of the test cutoffs.
    run_id : str
        MLflow's.
    """

    release: str
    promoted: bool
    served: str
    gate: GateVerdict
    reasons: tuple[str, ...]
    rows: list[dict[str, str | float]]
    backtests: tuple[str, ...]
    run_id: str


def train(  # noqa: PLR0913  # the job's settings, each with its own command-line option
    home: Home,
    *,
    cutoff: Cutoff,
    horizon_days: int,
    seed: int,
    mlflow_tracking_uri: str | None = None,
    memory_limit_mb: int | None = None,
    owner_limits: Mapping[str, int] | None = None,
    sensitive_attributes: Sequence[str] = (),
    progress: Progress = silent,
    fit: Fit = fit_customers,
) -> TrainSummary:
    """Train on everything known before a cutoff, and serve the result where it has earned that.

    Parameters
    ----------
    home : Home
    cutoff : Cutoff
        Midnight.
    horizon_days : int, days
    seed : int
        The same ledger, cutoff and seed give the same release.
    mlflow_tracking_uri : str or None
        None keeps runs in the home.
    memory_limit_mb : int, MB, optional
        For reading the ledger; by default half of the machine's memory.
    owner_limits : mapping of str to int, days, optional
        Lifecycle limits that the owner sets, by name, such as `A_1`.
    sensitive_attributes : sequence of str
        Those that the owner lets segments ask for; the release says so.
    progress : callable
        Told what is being done and the share done.
    fit : callable
        Makes the predictors that are judged, released and maybe served; of own kinds, those that a release can store.

    Raises
    ------
    InputError
        When nothing is known before the cutoff.
    """
    ledger, champion = Ledger(home), _champion(home)
    progress("reading history", 0.02)
    files = ledger.all_files()
    with workspace(home) as spill, ledger.connect(files) as connection:
        bound(connection, spill, memory_limit_mb)
        stored = StoredSnapshots(connection, ledger, state_of(files))
        dataset = Dataset(connection, cutoff, horizon_days, stored)
        facts = _facts(ledger, dataset, cutoff, seed) | {
            "lifecycle_limits": dict(owner_limits or {}),
            "sensitive_attributes": tuple(sensitive_attributes),
        }
        backtests = _backtest(dataset, cutoff, seed, champion, progress, fit)
        progress("fitting on everything known", 0.6)
        directory = _release(home, dataset, cutoff, facts, backtests, progress, fit)
        release = load_release(directory)
        moves = importance(release, dataset.snapshot(cutoff), cutoff.day, seed)
    manifest = release.manifest
    promoted, reasons = promotion(manifest, None if champion is None else champion.manifest, backtests)
    if promoted:
        deploy(home, manifest.release)
    progress("recording the run", 0.92)
    run_id = _record(
        home, directory, Trained(release, backtests, promoted, reasons, moves), mlflow_tracking_uri
    )
    progress("trained", 1.0)
    return TrainSummary(
        release=manifest.release,
        promoted=promoted,
        served=deployed_release(home) or manifest.release,
        gate=manifest.gate,
        reasons=reasons,
        rows=backtests[0].rows if backtests else [],
        backtests=tuple(test.cutoff for test in backtests),
        run_id=run_id,
    )


def _champion(home: Home) -> Release | None:
    """Return the release that is served; None before the first, or when it cannot be used any more."""
    try:
        return None if deployed_release(home) is None else load_deployed(home)
    except ReleaseError as cause:
        _log.warning("the release served until now is no rival: %s", cause)
        return None


def _backtest(  # noqa: PLR0913, PLR0917  # what is judged, and against whom
    dataset: Dataset, cutoff: Cutoff, seed: int, champion: Release | None, progress: Progress, fit: Fit
) -> list[Comparison]:
    first_day = dataset.first_order_day
    folds = () if first_day is None else backtest_folds(first_day, cutoff, dataset.horizon_days)
    backtests = []
    for done, fold in enumerate(folds):
        progress(f"backtest as of {fold.test.local_date}", 0.05 + 0.55 * done / len(folds))
        backtests.append(compare(dataset, fold.test, seed, _asked(champion, dataset, fold.test), fit=fit))
    return backtests


def _asked(champion: Release | None, dataset: Dataset, test: Cutoff) -> dict[str, Prediction]:
    """Return what the champion says at a test cutoff, where it was trained on nothing after it."""
    if champion is None or champion.manifest.as_of > test.local_date.isoformat():
        return {}
    predictors = CustomerPredictors(champion.predictors.next_order, champion.predictors.worth)
    return {CHAMPION: ask(predictors, dataset.snapshot(test), dataset.horizon_days, test.day)}


def _facts(ledger: Ledger, dataset: Dataset, cutoff: Cutoff, seed: int) -> dict[str, Any]:
    """Return what a manifest says of the data and the settings; refuse where nothing is known."""
    shop = ledger.shop
    data_through = history.last_order_at(dataset.connection, cutoff)
    if data_through is None:
        raise InputError(f"no order is known before {cutoff.local_date}; choose a later --as-of")
    return {
        "as_of": cutoff.local_date.isoformat(),
        "data_through": data_through.isoformat(),
        "time_zone": shop.time_zone,
        "currency": shop.currency,
        "horizon_days": dataset.horizon_days,
        "seed": seed,
        "customers": dataset.customers(cutoff),
        "feature_fingerprint": CATALOG.fingerprint,
        "feature_names": tuple(CATALOG.names),
        "data_fingerprint": ledger.fingerprint(),
        "versions": {name: version(name) for name in _VERSIONS_OF},
    }


def _release(  # noqa: PLR0913, PLR0917  # what a release is made of
    home: Home,
    dataset: Dataset,
    cutoff: Cutoff,
    facts: dict[str, Any],
    backtests: Sequence[Comparison],
    progress: Progress,
    fit: Fit,
) -> Path:
    """Fit on everything known, resolve what segments and percentiles need, and write the release."""
    expressions = _library(dataset.horizon_days, facts["currency"])
    asked = _asked_about(dataset, cutoff, expressions)
    gate = decide(backtests)
    customers = fit(dataset, cutoff, facts["seed"])
    allowed = customers if gate.verdict == "model" else customers.without_trees()
    progress("learning refills", 0.7)
    predictors = fit_all(dataset, cutoff, allowed, facts["seed"])
    progress("reading off the store's own numbers", 0.85)
    # `fit_all` has staged the history as of the cutoff.
    sign_ups = waits_since_sign_up(dataset.connection, cutoff)
    limits = lifecycle_limits(waits(dataset.connection), sign_ups, facts["lifecycle_limits"])
    scored = predictors.score(dataset.snapshot(cutoff))
    found = {
        "metrics": tracked.newest_metrics(backtests),
        "gate": gate.model_dump(),
        "thresholds": thresholds(
            expressions, pd.concat([asked, scored.drop(columns=["customer_id"])], axis=1)
        ),
        "lifecycle_limits": {name: float(days) for name, days in limits.items()},
        "usual_customer": UsualCustomer.of(dataset.snapshot(cutoff)).model_dump(),
    }
    return write_release(
        home,
        predictors,
        reference_quantiles(scored, dataset.horizon_days),
        facts | found,
        Seen(
            histograms=histograms(dataset.snapshot(cutoff)) | histograms(scored),
            backtests=tuple(of_backtest(test) for test in backtests),
        ),
    )


def _library(horizon_days: int, currency: str) -> list[Expression]:
    """Return the conditions of the library's segments."""
    columns = vocabulary((*CATALOG, *scores_for(horizon_days)), currency)
    return list(parse_all(load_library(), columns).values())


def _asked_about(dataset: Dataset, cutoff: Cutoff, expressions: Sequence[Expression]) -> pd.DataFrame:
    """Return the snapshot, and of the other features those that conditions compare with the whole store's."""
    snapshot = dataset.snapshot(cutoff)
    compared = {each.column.name for one in expressions for each in statistics_of(one) if each.column}
    more = FeatureSet(
        feature for feature in CATALOG if feature.name in compared and feature.name not in snapshot
    )
    if not len(more):
        return snapshot
    return pd.concat([snapshot, dataset.more(cutoff, more).drop(columns=["customer_id"])], axis=1)


def _record(home: Home, directory: Path, trained: Trained, tracking_uri: str | None) -> str:
    """Keep the model card, record the run in MLflow and return its id there."""
    text = card(trained)
    home.cards.mkdir(exist_ok=True)
    (home.cards / f"{trained.release.id}.md").write_text(text, encoding="utf-8")
    return registry.record(
        home,
        params=tracked.params(trained.release, trained.backtests),
        metrics=tracked.metrics(trained.backtests),
        data=tracked.data(trained.release.manifest),
        description=summary(trained),
        tags=tracked.tags(trained.release.manifest),
        figures=tracked.figures(trained.backtests),
        tables={
            "comparison.json": tracked.comparison(trained.backtests),
            "importance.json": tracked.importance(trained.importance),
        },
        texts={"model_card.md": text},
        release_directory=directory,
        promoted=trained.promoted,
        tracking_uri=tracking_uri,
    )
