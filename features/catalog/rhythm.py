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
        "max(case when next_gap_days is null then gap_days end)",
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
        "count(case when order_isoweekday >= 6 then 1 end) / nullif(count(*), 0)",
        unit="share",
        means="Share of orders on a Saturday or Sunday.",
    ),
    Feature(
        "evening_order_share",
        "count(case when order_hour >= 18 then 1 end) / nullif(count(*), 0)",
        unit="share",
        means="Share of order days whose first order came at 18:00 or later, local time.",
    ),
)

MORE_RHYTHM = (
    Feature(
        "min_gap_days", "min(gap_days)", unit="days", means="Shortest time between one order and the next."
    ),
    Feature(
        "gap_regularity",
        # Gaps of a gamma distribution have shape r = mean^2 / variance, by moments; this is r / (1 + r), which
        # clockwork does not send to infinity. The shape as regularity: Wheat and Morrison (1990), Journal of
        # Marketing Research 27(1), who estimate it from two gaps of each of many customers.
        "case when count(gap_days) > 1 then sum(gap_days) * sum(gap_days) "
        "/ (count(gap_days) * sum(gap_days * gap_days)) end",
        unit="share",
        means="How regular the gaps are: 1 when all are the same, 0.5 when orders come at random, less when in "
        "bursts, which is r / (1 + r) for the shape r of a gamma distribution; unknown below three orders.",
    ),
    Feature(
        "gap_trend",
        # The same least-squares slope as order_value_trend's, over the gaps; the first gap is the second order's.
        "case when count(gap_days) > 1 then (12 * (sum(order_number * gap_days) - sum(gap_days)) "
        "- 6 * (count(gap_days) + 1) * sum(gap_days)) "
        "/ ((count(gap_days) * count(gap_days) - 1) * sum(gap_days)) end",
        unit="ratio",
        means="How much a gap grows from one to the next, by a straight line through all, over their mean; unknown "
        "below three orders.",
    ),
    Feature(
        "days_to_second_order",
        "max(case when order_number = 2 then gap_days end)",
        unit="days",
        means="Days from the first order to the second.",
    ),
    Feature(
        "days_second_to_third_order",
        "max(case when order_number = 3 then gap_days end)",
        unit="days",
        means="Days from the second order to the third.",
    ),
    Feature(
        "last_gap_over_mean_gap",
        "max(case when next_gap_days is null then gap_days end) * count(gap_days) / nullif(sum(gap_days), 0)",
        unit="ratio",
        means="Days between the last order and the one before over the customer's own mean gap.",
    ),
    Feature(
        "days_since_last_over_median_gap",
        "min(age_days) / nullif(median(gap_days), 0)",
        unit="ratio",
        means="Days since the last order over the customer's own median gap; above 1 is later than usual.",
    ),
    Feature(
        "days_since_last_over_max_gap",
        "min(age_days) / nullif(max(gap_days), 0)",
        unit="ratio",
        means="Days since the last order over the customer's own longest gap; above 1 is longer than ever before.",
    ),
    Feature(
        "early_week_order_share",
        "count(case when order_isoweekday <= 3 then 1 end) / nullif(count(*), 0)",
        unit="share",
        means="Share of orders on a Monday, Tuesday or Wednesday.",
    ),
    Feature(
        "morning_order_share",
        "count(case when order_hour between 6 and 11 then 1 end) / nullif(count(*), 0)",
        unit="share",
        means="Share of order days whose first order came between 6:00 and 12:00, local time.",
    ),
    Feature(
        "afternoon_order_share",
        "count(case when order_hour between 12 and 17 then 1 end) / nullif(count(*), 0)",
        unit="share",
        means="Share of order days whose first order came between 12:00 and 18:00, local time.",
    ),
)
