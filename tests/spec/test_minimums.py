"""What `regulars doctor` asks of a history is what training needs."""

from datetime import date

import pytest

from features.cutoff import Cutoff
from ledger.quality.need import NEEDS
from training.folds import backtest_folds

AS_OF = Cutoff.at_midnight(date(2024, 1, 1), "UTC")


@pytest.mark.parametrize(
    ("prediction", "horizon_days"),
    [("who leaves within 90 days", 90), ("the same with --horizon-days 30", 30)],
)
def test_a_history_of_the_days_that_the_doctor_asks_for_is_just_enough_for_one_backtest(
    prediction: str, horizon_days: int
) -> None:
    span_days = next(need.span_days for need in NEEDS if need.prediction == prediction)
    assert len(backtest_folds(AS_OF.day - span_days, AS_OF, horizon_days)) == 1
    assert backtest_folds(AS_OF.day - span_days + 1, AS_OF, horizon_days) == ()
