"""How the store as a whole fares at the cutoff: its trend, its season and its new customers, the same for everyone.

With these a model can know that it is October.
"""

from features.feature import Feature

MONTHS_13 = 390
SEASON = (
    f"case when max(first_order_age_days) > {MONTHS_13} then "
    "max(orders_{days}d_a_year_ago) * 365 / nullif(max(orders_last_year) * {days}, 0) end"
)

STORE = (
    Feature(
        "store_trend_30d",
        f"case when max(first_order_age_days) > {MONTHS_13} then "
        "max(orders_30d) * 12 / nullif(max(orders_prior_360d), 0) end",
        unit="ratio",
        means="The store's orders of the last 30 days over their mean in the twelve times 30 days before; "
        "unknown below 13 times 30 days of history.",
        over="store",
    ),
    *(
        Feature(
            f"store_season_{days}d",
            SEASON.format(days=days),
            unit="ratio",
            means=f"The store's orders in the {days} days that followed the same day of last year, over the mean of "
            f"{days} days of the year since; unknown below 13 times 30 days of history.",
            over="store",
        )
        for days in (30, 90)
    ),
    Feature(
        "store_new_customer_share_90d",
        "max(new_customers_90d) / nullif(max(customers_90d), 0)",
        unit="share",
        means="Share of first-time buyers among the store's customers of the last 90 days.",
        over="store",
    ),
)
