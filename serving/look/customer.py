"""One customer: what he is likely to do next, what he is worth, why, and what he runs out of."""

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from features.cutoff import Cutoff
from models.next_order import FARTHEST_DAYS
from models.rows import Rows
from models.scores import UNSCORED, scores_for
from serving.answers import Answer
from serving.look import formats
from serving.look.charts import Chart, Series
from serving.look.page import Asked
from serving.look.products import last_part, titles
from serving.look.texts import say
from serving.lookup import Customers
from serving.scorer import stored_rows

FIRST: Final = ("p_order_30d", "churn_probability_90d", "clv_365d")
"""Scores whose reasons are told first."""
KINDS: Final = {"probability": "share", "currency": "money", "orders": "decimal", "days": "days"}
QUANTILES: Final = (
    ("next_order_days_p10", 0.1),
    ("next_order_days_p50", 0.5),
    ("next_order_days_p90", 0.9),
)
ALL_BUT_CERTAIN: Final = 0.99
SHORTEST_DAYS: Final = 30
BETTER_LOW: Final = "churn_probability_90d"
"""The score with reasons of which less is better for the shop; of all others, more."""
_EFFECT: Final = re.compile(r"(?P<fact>.+): (?P<does>raises|lowers) .+ by (?P<by>[^:]+)", re.DOTALL)


def answer(asked: Asked) -> Answer:
    """
    Return all that is told of a customer but his past and his segments, which are pages of their own.

    Raises
    ------
    ProblemError
        When there is nothing to tell of him; says why.
    """
    run = asked.run
    now = asked.now or run.facts.as_of
    told = Customers(asked.live, lambda: now).one(run, {"customer_id": asked.given["customer_id"]})
    named = titles(
        run, [each[name] for each in told["replenishment"] for name in ("product_id", "offer_product_id")]
    )
    refills = [
        {
            **each,
            "title": named.get(each["product_id"]) or each["product_id"] or last_part(each["category"]),
            "offer_title": named.get(each["offer_product_id"]) or each["offer_product_id"],
        }
        for each in told["replenishment"]
    ]
    return {
        **told,
        "replenishment": refills,
        "currency": run.facts.currency,
        "told": scores_told(run.facts.horizon_days, told),
        "curve": _curve(asked, told),
        "since_run": told["customer_id"] in asked.live.rescored(run, [told["customer_id"]]),
    }


def charts(told: Answer) -> Mapping[str, Chart]:
    """Return the next-order curve, with the days by which 1, 5 and 9 in 10 such customers have ordered."""
    curve = told["curve"]
    if not curve:
        return {}
    scores = told["scores"]
    marks = {scores[name]: share for name, share in QUANTILES if scores.get(name) is not None}
    days = [each["day"] for each in curve]
    chances = [each["probability"] for each in curve]
    places = sorted({*days, *(day for day in marks if day <= days[-1])})
    return {
        "next_order": Chart(
            say("customer.curve"),
            places,
            [
                Series(
                    say("customer.ordered_by_then"),
                    [float(np.interp(day, days, chances)) for day in places],
                    "area",
                    "share",
                ),
                Series(say("customer.marks"), [marks.get(day) for day in places], "dots", "share"),
            ],
            say("customer.days_from_now"),
            "number",
            _summary(scores),
        )
    }


def _summary(scores: Mapping[str, float | None]) -> str:
    low, median, high = (formats.days(scores.get(name)) for name, _ in QUANTILES)
    if scores.get(QUANTILES[1][0]) is None:
        return say("customer.curve_summary_open")
    return say("customer.curve_summary", low=low, median=median, high=high)


def _curve(asked: Asked, told: Answer) -> list[dict[str, float]]:
    """Return the probability of an order by each of some days, to where it is all but certain."""
    if told["confidence"] == UNSCORED:
        return []
    run, customer_id = asked.run, told["customer_id"]
    rescored = asked.live.rescored(run, [customer_id]).get(customer_id)
    if rescored is not None:
        release, day = rescored.scorer.release, rescored.cutoff.day
        rows = Rows.of_table(rescored.scored.features)
    else:
        stored = asked.live.release_of(run)
        if stored is None:
            return []
        release, day = stored, Cutoff(run.facts.as_of, run.facts.time_zone).day
        rows = stored_rows(release, run.features_of(customer_id))
    curve = {
        days: float(chance[0]) for days, chance in release.predictors.next_order.curve(rows, day).items()
    }
    enough = (days for days, chance in curve.items() if chance >= ALL_BUT_CERTAIN and days >= SHORTEST_DAYS)
    last = next(enough, FARTHEST_DAYS)
    points = {0: 0.0, **{days: chance for days, chance in curve.items() if days <= last}}
    return [{"day": days, "probability": chance} for days, chance in points.items()]


def scores_told(horizon_days: int, told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """
    Return each score that has reasons, as it is shown: how it is written, where it stands, and why it is so.

    Parameters
    ----------
    horizon_days : int
    told : Answer
        With `scores`, and with `reasons` as `serving.answers.reasons_of` has them or None.
    """
    scores = told["scores"]
    return [
        {
            "name": score.name,
            "first": score.name in FIRST,
            "means": score.means,
            "as": KINDS[score.unit],
            "value": scores[score.name],
            "percentile": scores.get(f"{score.name}_percentile"),
            "usual": why["usual"],
            "reasons": [_reason(score.name, each) for each in why["reasons"]],
        }
        for score in scores_for(horizon_days)
        if (why := (told["reasons"] or {}).get(score.name)) is not None
    ]


def _reason(score: str, reason: Mapping[str, Any]) -> dict[str, Any]:
    """Return a reason as what is so, what that does to the score, and whether that is good for the shop."""
    said = _EFFECT.fullmatch(reason["text"])
    fact, by = (said["fact"], said["by"]) if said else (reason["text"], "")
    raises = reason["effect"] > 0
    return {"fact": fact, "by": by, "raises": raises, "good": raises != (score == BETTER_LOW)}
