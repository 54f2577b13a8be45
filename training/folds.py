"""Rolling cutoffs with an embargo: which past days are trained on, and on which the result is judged."""

from dataclasses import dataclass

from features.cutoff import Cutoff

STEP_DAYS = 30
MOST_TRAINING_CUTOFFS = 12
MOST_TEST_CUTOFFS = 2
MINIMUM_TRAINING_CUTOFFS = 3
"""With fewer, trees see customers of one age in one season and are wrong about any other."""
MINIMUM_HISTORY_DAYS = 60
"""History before the first training cutoff: with less, nearly every customer looks new."""


@dataclass(frozen=True)
class Fold:
    """One backtest: fitted on outcomes that end before the test cutoff, judged on what came after it.

    Parameters
    ----------
    training : tuple of Cutoff
        Newest first; each one's outcomes end at or before `test`, which is the embargo of one horizon.
    test : Cutoff
    """

    training: tuple[Cutoff, ...]
    test: Cutoff


def training_cutoffs(first_order_day: int, as_of: Cutoff, horizon_days: int) -> tuple[Cutoff, ...]:
    """Return the cutoffs whose outcomes are complete as of a date, newest first; none when history is too short.

    Parameters
    ----------
    first_order_day : int
        Local day number of the ledger's first order.
    as_of : Cutoff
        Nothing after it is looked at.
    horizon_days : int, days
    """
    first = first_order_day + MINIMUM_HISTORY_DAYS
    ages = range(horizon_days, horizon_days + STEP_DAYS * MOST_TRAINING_CUTOFFS, STEP_DAYS)
    found = tuple(cutoff for cutoff in (as_of.plus_days(-age) for age in ages) if cutoff.day >= first)
    return found if len(found) >= MINIMUM_TRAINING_CUTOFFS else ()


def backtest_folds(first_order_day: int, as_of: Cutoff, horizon_days: int) -> tuple[Fold, ...]:
    """Return the backtests that a history allows, newest first, their test windows side by side.

    Parameters
    ----------
    first_order_day : int
        Local day number of the ledger's first order.
    as_of : Cutoff
        End of the newest test window.
    horizon_days : int, days
    """
    tests = [as_of.plus_days(-horizon_days * k) for k in range(1, MOST_TEST_CUTOFFS + 1)]
    folds = (Fold(training_cutoffs(first_order_day, test, horizon_days), test) for test in tests)
    return tuple(fold for fold in folds if fold.training)
