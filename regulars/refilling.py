"""`regulars evaluate --replenishment`: refills forecast as of a past day, and what was then bought."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from math import isnan
from typing import TYPE_CHECKING, Any

from regulars import terminal
from regulars.options import cutoff_of, ledger_of

if TYPE_CHECKING:
    from regulars.settings import Settings
    from training.replenishment import RefillComparison

HORIZON_DAYS = 14
"""Where none is asked for: a reminder is sent for the next two weeks, not for the next ninety days."""
NO_CATEGORY = (
    "Nothing to judge at level category: of no category that is known was anything bought on two days. "
    "`regulars import products` tells categories."
)


def evaluate(settings: "Settings", as_of: datetime | None, horizon_days: int, *, as_json: bool) -> None:
    """Judge a shop's refills and print it.

    Parameters
    ----------
    settings : Settings
    as_of : datetime or None
        The local day that is taken for today; by default the last whose horizon is over.
    horizon_days : int, days
    as_json : bool
    """
    from training.replenishment import evaluate_refills  # noqa: PLC0415 - a second to import; help must not pay it

    ledger = ledger_of(settings)
    cutoff = cutoff_of(ledger, as_of)
    if as_of is None:
        cutoff = cutoff.plus_days(-horizon_days)
    with terminal.progress() as progress, ledger.connect() as connection:
        found = evaluate_refills(connection, cutoff, horizon_days, settings.seed, progress)
    if as_json:
        terminal.show_json(plain(found))
    else:
        show(found)


def show(comparisons: "Sequence[RefillComparison]") -> None:
    """Print every level's tables: methods, calibration by tenth, and how near the dates came."""
    for found in comparisons:
        answered = "trees over the gap curve" if found.trees else "the gap curve alone"
        terminal.show(
            found.methods,
            title=f"Refills at level {found.level} as of {found.cutoff}, {found.horizon_days} days: {found.pairs:,} "
            f"pairs bought on two days or more, {found.bought_share:.1%} bought again; answered by {answered}",
        )
        rows = [{"tenth": place, **group} for place, group in enumerate(found.deciles, start=1)]
        terminal.show(rows, title="\nCalibration by tenth of the prediction")
        terminal.show_record(found.dates, indent="  ")
        terminal.show_lines([*_remarks(found), ""])
    if "category" not in {found.level for found in comparisons}:
        terminal.show_lines([NO_CATEGORY, ""])


def _remarks(found: "RefillComparison") -> list[str]:
    """Return what explains a blank, and what would tell more."""
    remarks = []
    if isnan(float(found.methods[0]["precision_top_50"])):
        remarks.append("  precision_top_50 is told of items with 200 such pairs or more; there are none.")
    if found.dates["followed_days"] <= found.horizon_days:
        remarks.append("  Dates can be judged over these days alone; an earlier --as-of tells more of them.")
    return remarks


def plain(comparisons: "Sequence[RefillComparison]") -> list[dict[str, Any]]:
    """Return the same as JSON can hold it; what is not known is null."""
    return [_finite(asdict(found)) for found in comparisons]


def _finite(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124 - NaN alone differs from itself
