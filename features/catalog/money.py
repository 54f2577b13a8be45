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
        "sum(case when age_days <= 90 then net_minor end) / "
        "nullif(sum(case when age_days between 91 and 180 then net_minor end), 0)",
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
        "sum(case when next_gap_days is null then net_minor end)",
        unit="currency",
        means="Net value of the last order.",
    ),
    Feature(
        "first_order_value",
        "sum(case when order_number = 1 then net_minor end)",
        unit="currency",
        means="Net value of the first order.",
    ),
    Feature("max_order_value", "max(net_minor)", unit="currency", means="Net value of the largest order."),
    Feature(
        "order_value_spread",
        # The standard deviation is sqrt(n S2 - S1 S1) / n and the mean S1 / n; whole numbers up to the root. Large
        # ones become doubles by way of their digits: DuckDB's own cast rounds one in a hundred the wrong way.
        "case when count(*) > 1 then sqrt(cast(cast(count(*) * sum(net_minor_squared) "
        "- cast(sum(net_minor) as decimal(19, 0)) * cast(sum(net_minor) as decimal(19, 0)) as string) as double)) "
        "/ sum(net_minor) end",
        unit="ratio",
        means="Standard deviation of the order values over their mean; unknown below two orders.",
    ),
    Feature(
        "discounted_order_share",
        "count(case when discount_minor > 0 then 1 end) / nullif(count(discount_minor), 0)",
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

MORE_MONEY = (
    Feature(
        "gross_spend",
        "sum(gross_minor)",
        unit="currency",
        means="Paid before refunds, ever, wholly refunded orders included.",
        over="customers",
    ),
    Feature("min_order_value", "min(net_minor)", unit="currency", means="Net value of the smallest order."),
    Feature(
        "median_order_value", "median(net_minor)", unit="currency", means="Median net value of an order."
    ),
    Feature(
        "last_order_over_mean_order",
        "sum(case when next_gap_days is null then net_minor end) * count(*) / nullif(sum(net_minor), 0)",
        unit="ratio",
        means="Net value of the last order over the mean of all.",
    ),
    Feature(
        "order_value_trend",
        # The slope of a least-squares line is (12 S(k v) - 6 (n + 1) S(v)) / (n (n n - 1)) for k = 1 ... n.
        "case when count(*) > 1 then cast(cast(12 * sum(cast(order_number as decimal(19, 0)) * "
        "cast(net_minor as decimal(19, 0))) - 6 * (count(*) + 1) * cast(sum(net_minor) as decimal(19, 0)) "
        "as string) as double) / cast(cast((count(*) * count(*) - 1) * cast(sum(net_minor) as decimal(19, 0)) "
        "as string) as double) end",
        unit="ratio",
        means="How much an order's value grows from one order to the next, by a straight line through all, over their "
        "mean; unknown below two orders.",
    ),
    Feature(
        "discount_share",
        "sum(discount_minor) / nullif("
        "sum(discount_minor) + sum(case when discount_minor is not null then gross_minor end), 0)",
        unit="share",
        means="Discounts over the price before them; unknown when the shop does not record discounts.",
    ),
)
