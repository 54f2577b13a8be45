"""How often: counts of orders. Orders on one local day count once."""

from features.feature import Feature, windows

FREQUENCY = (
    Feature("orders", "count(*)", unit="orders", means="Days with a valid order, ever.", empty=0),
    *windows(
        "orders",
        "count(*)",
        days=(30, 90, 180, 365),
        unit="orders",
        means="Days with a valid order in the last {days} days.",
        empty=0,
    ),
    Feature(
        "orders_90d_over_prior_90d",
        "count(case when age_days <= 90 then 1 end) / "
        "nullif(count(case when age_days between 91 and 180 then 1 end), 0)",
        unit="ratio",
        means="Orders of the last 90 days over those of the 90 days before; unknown without any before.",
    ),
)
