"""In what rhythm: gaps between orders, and when in the week and the day they fall."""

from features.feature import Feature

RHYTHM = (
    Feature(
        "mean_gap_days",
        "sum(gap_days) / nullif(count(gap_days), 0)",
        unit="days",
        means="Mean days between one order and the next; unknown below two orders.",
    ),
    Feature(
        "median_gap_days",
        "median(gap_days)",
        unit="days",
        means="Median days between one order and the next; unknown below two orders.",
    ),
    Feature(
        "last_gap_days",
        "max(gap_days) filter (where next_gap_days is null)",
        unit="days",
        means="Days between the last order and the one before.",
    ),
    Feature(
        "max_gap_days", "max(gap_days)", unit="days", means="Longest time between one order and the next."
    ),
    Feature(
        "gap_spread",
        "case when count(gap_days) > 1 then sqrt(count(gap_days) * sum(gap_days * gap_days) "
        "- sum(gap_days) * sum(gap_days)) / sum(gap_days) end",
        unit="ratio",
        means="Standard deviation of the gaps over their mean; unknown below three orders.",
    ),
    Feature(
        "days_since_last_over_mean_gap",
        "min(age_days) * count(gap_days) / nullif(sum(gap_days), 0)",
        unit="ratio",
        means="Days since the last order over the customer's own mean gap; above 1 is later than usual.",
    ),
    Feature(
        "weekend_order_share",
        "count(*) filter (where order_isoweekday >= 6) / nullif(count(*), 0)",
        unit="share",
        means="Share of orders on a Saturday or Sunday.",
    ),
    Feature(
        "evening_order_share",
        "count(*) filter (where order_hour >= 18) / nullif(count(*), 0)",
        unit="share",
        means="Share of order days whose first order came at 18:00 or later, local time.",
    ),
)
