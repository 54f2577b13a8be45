"""At what time of year: the same days a year ago, and how the orders lie about the cutoff's month."""

from features.feature import Feature

SEASON = (
    Feature(
        "orders_90d_year_ago",
        "case when max(age_days) > 365 then count(case when age_days between 366 and 455 then 1 end) end",
        unit="orders",
        means="Days with a valid order in the same last 90 days a year earlier; unknown when the first order is more "
        "recent.",
    ),
    Feature(
        "spend_90d_year_ago",
        "case when max(age_days) > 365 then "
        "coalesce(sum(case when age_days between 366 and 455 then net_minor end), 0) end",
        unit="currency",
        means="Net spend in the same last 90 days a year earlier; unknown when the first order is more recent.",
    ),
    Feature(
        "orders_next_90d_year_ago",
        "case when max(age_days) > 365 then count(case when age_days between 276 and 365 then 1 end) end",
        unit="orders",
        means="Days with a valid order in the 90 days that began a year before the cutoff; unknown when the first "
        "order is more recent.",
    ),
    Feature(
        "spend_next_90d_year_ago",
        "case when max(age_days) > 365 then "
        "coalesce(sum(case when age_days between 276 and 365 then net_minor end), 0) end",
        unit="currency",
        means="Net spend in the 90 days that began a year before the cutoff; unknown when the first order is more "
        "recent.",
    ),
    Feature(
        "orders_90d_over_year_ago",
        "count(case when age_days <= 90 then 1 end) / "
        "nullif(count(case when age_days between 366 and 455 then 1 end), 0)",
        unit="ratio",
        means="Orders of the last 90 days over those of the same days a year earlier; unknown without any then.",
    ),
    Feature(
        "spend_90d_over_year_ago",
        "sum(case when age_days <= 90 then net_minor end) / "
        "nullif(sum(case when age_days between 366 and 455 then net_minor end), 0)",
        unit="ratio",
        means="Net spend of the last 90 days over that of the same days a year earlier; unknown when either is empty.",
    ),
    Feature(
        "season_order_share",
        "count(case when months_from_cutoff <= 1 then 1 end) / nullif(count(*), 0)",
        unit="share",
        means="Share of orders, of any year, in the cutoff's month of the year or the month before or after it.",
    ),
    Feature(
        "fourth_quarter_order_share",
        "count(case when order_month >= 10 then 1 end) / nullif(count(*), 0)",
        unit="share",
        means="Share of orders from October to December.",
    ),
    Feature(
        "cutoff_month",
        "max(cutoff_month)",
        unit="month",
        means="Month of the year of the cutoff, 1 January to 12 December.",
        over="customers",
    ),
)
