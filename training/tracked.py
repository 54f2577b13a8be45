"""What the record of a training run holds: every number by name, the comparison as one table, the pictures."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import numpy as np
from matplotlib.figure import Figure

from models.release import Manifest, Release
from training import report
from training.evaluate import OURS, Comparison, Row
from training.importance import Importance
from training.metrics import METRICS
from training.registry import Data, Measured

ALL = "all"


def params(release: Release, backtests: Sequence[Comparison]) -> dict[str, object]:
    """Return the settings and what was fitted with them, by name."""
    manifest, process = release.manifest, release.predictors.next_order.process
    return {
        "as_of": manifest.as_of,
        "horizon_days": manifest.horizon_days,
        "seed": manifest.seed,
        "data_through": manifest.data_through,
        "customers": manifest.customers,
        "inputs": len(release.predictors.inputs),
        "test_cutoffs": ", ".join(test.cutoff for test in backtests) or "none",
        **{f"process.{name}": value for name, value in process.model_dump().items()},
        **{f"version.{name}": number for name, number in manifest.versions.items()},
    }


def tags(manifest: Manifest) -> dict[str, str]:
    """Return the fingerprints and the gate's verdict."""
    return {
        "data_fingerprint": manifest.data_fingerprint,
        "feature_fingerprint": manifest.feature_fingerprint,
        "gate": manifest.gate.verdict,
    }


def newest_metrics(backtests: Sequence[Comparison]) -> dict[str, float]:
    """Return every method's metrics of the newest backtest, named `method.metric`: what a manifest keeps."""
    newest = backtests[0].rows if backtests else []
    return {f"{method}.{metric}": value for method, metric, value in _finite(newest)}


def data(manifest: Manifest) -> Data:
    """Return what the run was made from."""
    told = {
        "as_of": manifest.as_of,
        "data_through": manifest.data_through,
        "customers": str(manifest.customers),
    }
    return Data("ledger", manifest.data_fingerprint, told)


def metrics(backtests: Sequence[Comparison]) -> list[Measured]:
    """Return the newest backtest's metrics, and series by cutoff: `metric/method`, and `metric_by_slice/slice`.

    The slices' are ours alone; the peers' are in the table, where they can be read side by side.
    """
    found = []
    for test in backtests:
        day = date.fromisoformat(test.cutoff)
        found += [Measured(f"{metric}/{method}", value, day) for method, metric, value in _finite(test.rows)]
        for part in test.slices:
            ours = [row for row in part.rows if row["method"] == OURS]
            found += [
                Measured(f"{metric}_by_slice/{part.name}", value, day) for _, metric, value in _finite(ours)
            ]
    if backtests:
        day = date.fromisoformat(backtests[0].cutoff)
        found += [Measured(name, value, day) for name, value in newest_metrics(backtests).items()]
    return found


def _finite(rows: Sequence[Row]) -> Iterator[tuple[str, str, float]]:
    """Return method, metric and value where that is finite: a tracker knows no other."""
    for row in rows:
        for metric in METRICS:
            value = float(row[metric.name])
            if np.isfinite(value):
                yield str(row["method"]), metric.name, value


def comparison(backtests: Sequence[Comparison]) -> list[Row]:
    """Return one table of all cutoffs, slices and methods, with every metric and our lead where it is known."""
    rows = []
    for test in backtests:
        known = {(lead.rival, lead.metric): lead for lead in test.leads}
        for row in test.table:
            leads: Row = {}
            for metric in dict.fromkeys(lead.metric for lead in test.leads):
                lead = known.get((str(row["method"]), metric)) if row["slice"] == ALL else None
                leads[f"{metric}_lead"] = lead.lead if lead else float("nan")
                leads[f"{metric}_lead_noise"] = lead.noise if lead else float("nan")
            rows.append(row | leads)
    return rows


def importance(moves: Sequence[Importance]) -> list[Row]:
    """Return one table of how much each subject and each term moves each score; the whole of a subject is `all`."""
    return [
        {
            "score": row.score,
            "subject": row.subject,
            "term": row.term or ALL,
            "mean_absolute": row.mean_absolute,
        }
        for row in moves
    ]


def figures(backtests: Sequence[Comparison]) -> Mapping[str, Figure]:
    """Return the pictures of each cutoff by file name, `2024-01-01/calibration.png` and so on."""
    drawn = {}
    for test in backtests:
        for name, figure in report.figures(test.ours, test.happened).items():
            drawn[f"{test.cutoff}/{name}"] = figure
    return drawn
