"""The scores: every output column of a release, with its unit and its sentence."""

import re
from dataclasses import dataclass

CHURN_HORIZON_DAYS = 90
VALUE_HORIZON_DAYS = 365
ORDER_HORIZONS_DAYS = (7, 30, 90)


@dataclass(frozen=True)
class Score:
    """One output column of a release.

    Parameters
    ----------
    name : str
        Column name; carries the quantity and its horizon.
    unit : str
        `probability`, `orders`, `currency`, `days` or `percentile`.
    means : str
        What the number says, in one phrase that reads on inside a sentence.
    """

    name: str
    unit: str
    means: str


UNSCORED = "none"
"""The confidence of who never ordered: there is nothing to predict from, and every score is null."""
LEARNT = "what happened within the horizon"
CARRIED_ON = "the purchase process beyond the trained horizon, with the correction learnt within it"
PROCESS_ALONE = "the purchase process"


def rests_on(score: Score, horizon_days: int, *, trees: bool) -> str:
    """Return on what a release's score rests: LEARNT, CARRIED_ON or PROCESS_ALONE.

    Parameters
    ----------
    score : Score
    horizon_days : int, days
        The longest that the release was trained on. A score that names no days is read off the same curve.
    trees : bool
        Whether the release has a correction; without one nothing but the process answers.
    """
    if not trees:
        return PROCESS_ALONE
    days = re.search(r"_(\d+)d(?:_|$)", score.name)
    return CARRIED_ON if days is not None and int(days[1]) > horizon_days else LEARNT


def horizon_scores(days: int) -> tuple[Score, ...]:
    """Return the scores that every trained horizon has."""
    return (
        Score(f"p_order_{days}d", "probability", f"chance of ordering within {days} days"),
        Score(f"expected_orders_{days}d", "orders", f"expected orders over the next {days} days"),
        Score(f"expected_value_{days}d", "currency", f"expected net spend over the next {days} days"),
    )


def percentile_score(score: Score) -> Score:
    """Return the percentile companion of a score, 0 to 100 among the customers of its release."""
    return Score(f"{score.name}_percentile", "percentile", f"percentile of the {score.means}")


_CHURN = Score("churn_probability_90d", "probability", "chance of not ordering within 90 days")
_CLV = Score("clv_365d", "currency", "predicted net spend over the next 365 days")
_P_ORDER = {days: horizon_scores(days)[0] for days in ORDER_HORIZONS_DAYS}

SCORES: tuple[Score, ...] = (
    *_P_ORDER.values(),
    _CHURN,
    Score("expected_orders_90d", "orders", "expected orders over the next 90 days"),
    Score("expected_orders_365d", "orders", "expected orders over the next 365 days"),
    Score("expected_value_90d", "currency", "expected net spend over the next 90 days"),
    _CLV,
    Score(
        "clv_365d_p10", "currency", "low estimate (1 in 10 stays below) of net spend over the next 365 days"
    ),
    Score(
        "clv_365d_p90", "currency", "high estimate (1 in 10 goes above) of net spend over the next 365 days"
    ),
    Score("next_order_days_p10", "days", "days until 1 in 10 customers like this one has ordered"),
    Score("next_order_days_p50", "days", "days until half of the customers like this one have ordered"),
    Score("next_order_days_p90", "days", "days until 9 in 10 customers like this one have ordered"),
    percentile_score(_CHURN),
    percentile_score(_P_ORDER[7]),
    percentile_score(_P_ORDER[30]),
    percentile_score(_CLV),
)


def scores_for(horizon_days: int) -> tuple[Score, ...]:
    """Return the scores of a release trained for one horizon: SCORES and, where it is another, that horizon's own."""
    known = {score.name for score in SCORES}
    return SCORES + tuple(score for score in horizon_scores(horizon_days) if score.name not in known)
