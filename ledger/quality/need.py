"""What a prediction needs of the history at least, and whether it is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Need:
    """What a prediction needs of the history at least.

    Parameters
    ----------
    prediction : str
    short : str
        The same in a word or two.
    span_days, customers, repeat_customers, products : int
    """

    prediction: str
    short: str
    span_days: int
    customers: int
    repeat_customers: int
    products: int = 0


@dataclass(frozen=True)
class Allowance:
    """Whether the history allows a prediction.

    Parameters
    ----------
    prediction, short : str
        As of the need.
    allowed : bool
    why : str
        Why (not), in a sentence.
    missing : str
        What it needs, as in "refills need {missing}"; empty when it is allowed.
    """

    prediction: str
    short: str
    allowed: bool
    why: str
    missing: str


# Least history for a model of the shop's own to be fitted and backtested once: two windows of outcomes, one to learn
# from and one to be judged by, two months between the cutoffs that are learnt from, and two to look back on. Below it
# scores come from rules and say so in `confidence`.
NEEDS = (
    Need("who leaves within 90 days", "churn", span_days=300, customers=200, repeat_customers=60),
    Need(
        "the same with --horizon-days 30",
        "churn at 30 days",
        span_days=180,
        customers=200,
        repeat_customers=60,
    ),
    Need("customer lifetime value", "lifetime value", span_days=300, customers=200, repeat_customers=100),
    Need(
        "next purchase of a product", "refills", span_days=90, customers=100, repeat_customers=30, products=2
    ),
)

WORDS = (
    ("span_days", "days of history"),
    ("customers", "customers"),
    ("repeat_customers", "customers who came back"),
    ("products", "products"),
)


def allowance(need: Need, figures: Mapping[str, Any]) -> Allowance:
    """Return whether the figures reach what a prediction needs.

    Parameters
    ----------
    need : Need
    figures : mapping
        span_days, customers, repeat_customers and products of the history.
    """
    if need.products and not figures["products"]:
        why = "the orders name no product; import them with product_id"
        return Allowance(need.prediction, need.short, allowed=False, why=why, missing="product ids")
    lacks = [
        (figures[name], getattr(need, name), words)
        for name, words in WORDS
        if figures[name] < getattr(need, name)
    ]
    if not lacks:
        why = "the history is long enough"
        return Allowance(need.prediction, need.short, allowed=True, why=why, missing="")
    only = ", ".join(f"{is_there:,} of {least:,} {words}" for is_there, least, words in lacks)
    return Allowance(
        need.prediction,
        need.short,
        allowed=False,
        why=f"there are only {only}; rules answer instead",
        missing=" and ".join(f"{least:,} {words}" for _, least, words in lacks),
    )
