"""How long ago: features of when the customer ordered first and last."""

from features.feature import Feature

RECENCY = (
    Feature(
        "days_since_last_order",
        "min(age_days)",
        unit="days",
        means="Days from the last order to the cutoff.",
    ),
    Feature(
        "days_since_first_order",
        "max(age_days)",
        unit="days",
        means="Days from the first order to the cutoff.",
    ),
    Feature(
        "days_first_to_last_order",
        "max(age_days) - min(age_days)",
        unit="days",
        means="Days from the first order to the last; 0 for one order.",
    ),
)
