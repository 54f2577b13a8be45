"""How much: money spent, per order and in all, net of refunds."""

from features.feature import Feature, windows

MONEY = (
    Feature("spend", "sum(net_minor)", unit="currency", means="Net spend on valid orders, ever.", empty=0),
    *windows(
        "spend",
        "sum(net_minor)",
        days=(30, 90, 365),
        unit="currency",
        means="Net spend in the last {days} days.",
        empty=0,
    ),
    Feature(
        "spend_90d_over_prior_90d",
        "sum(net_minor) filter (where age_days <= 90) / "
        "nullif(sum(net_minor) filter (where age_days between 91 and 180), 0)",
        unit="ratio",
        means="Net spend of the last 90 days over that of the 90 days before; unknown when either is empty.",
    ),
    Feature(
        "mean_order_value",
        "sum(net_minor) / nullif(count(*), 0)",
        unit="currency",
        means="Mean net value of an order.",
    ),
    Feature(
        "last_order_value",
        "sum(net_minor) filter (where next_gap_days is null)",
        unit="currency",
        means="Net value of the last order.",
    ),
    Feature(
        "first_order_value",
        "sum(net_minor) filter (where order_number = 1)",
        unit="currency",
        means="Net value of the first order.",
    ),
    Feature("max_order_value", "max(net_minor)", unit="currency", means="Net value of the largest order."),
    Feature(
        "order_value_spread",
        # The standard deviation is sqrt(n S2 - S1 S1) / n and the mean S1 / n; whole numbers up to the root.
        "case when count(*) > 1 then sqrt(cast(count(*) * sum(net_minor_squared) "
        "- cast(sum(net_minor) as decimal(19, 0)) * cast(sum(net_minor) as decimal(19, 0)) as double)) "
        "/ sum(net_minor) end",
        unit="ratio",
        means="Standard deviation of the order values over their mean; unknown below two orders.",
    ),
    Feature(
        "discounted_order_share",
        "count(*) filter (where discount_minor > 0) / nullif(count(discount_minor), 0)",
        unit="share",
        means="Share of orders with a discount; unknown when the shop does not record discounts.",
    ),
    Feature(
        "refunded_share",
        "sum(refund_minor) / nullif(sum(gross_minor), 0)",
        unit="share",
        means="Money refunded over money paid, wholly refunded orders included.",
        over="customers",
    ),
)
