"""Cutoffs roll back in months, and no training outcome reaches into the window that judges it."""

from datetime import date

import pytest

from features.cutoff import Cutoff
from training.folds import (
    MINIMUM_HISTORY_DAYS,
    MOST_TRAINING_CUTOFFS,
    backtest_folds,
    training_cutoffs,
)

AS_OF = Cutoff.at_midnight(date(2024, 1, 1), "Europe/Berlin")
FIRST_DAY = AS_OF.day - 400


@pytest.mark.parametrize("horizon_days", [30, 90, 180])
def test_training_outcomes_end_before_the_window_that_judges_them(horizon_days: int) -> None:
    folds = backtest_folds(AS_OF.day - 1_500, AS_OF, horizon_days)
    assert len(folds) == 2
    for fold in folds:
        assert fold.training
        assert all(cutoff.plus_days(horizon_days).at <= fold.test.at for cutoff in fold.training)
        assert fold.test.plus_days(horizon_days).at <= AS_OF.at


def test_the_newest_training_window_ends_on_the_day_itself_and_older_ones_a_month_apart() -> None:
    days = [AS_OF.day - cutoff.day for cutoff in training_cutoffs(FIRST_DAY, AS_OF, 90)]
    # 400 days of history less the first 60 leave cutoffs up to 340 days back.
    assert days == [90, 120, 150, 180, 210, 240, 270, 300, 330]


def test_long_histories_are_trained_on_their_newest_year() -> None:
    assert len(training_cutoffs(AS_OF.day - 5_000, AS_OF, 90)) == MOST_TRAINING_CUTOFFS


def test_two_complete_windows_are_too_few_to_train_on_and_three_are_enough() -> None:
    two = AS_OF.day - (90 + 30) - MINIMUM_HISTORY_DAYS
    assert training_cutoffs(two, AS_OF, 90) == ()
    assert len(training_cutoffs(two - 30, AS_OF, 90)) == 3


def test_a_history_that_cannot_be_judged_has_no_fold() -> None:
    assert backtest_folds(AS_OF.day - 290, AS_OF, 90) == ()
    assert len(backtest_folds(AS_OF.day - 300, AS_OF, 90)) == 1


def test_cutoffs_keep_local_midnight_across_daylight_saving() -> None:
    cutoffs = training_cutoffs(FIRST_DAY, AS_OF, 90)
    assert {cutoff.at.hour for cutoff in cutoffs} == {
        22,
        23,
    }  # Berlin's midnight in summer and in winter, UTC
