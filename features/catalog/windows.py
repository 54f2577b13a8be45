"""How lately: orders, money and lines of the last days, beside one another and beside the days before."""

from features.feature import Feature, windows

WINDOWS = (
    *windows(
        "orders",
        "count(*)",
        days=(7, 14, 60),
        unit="orders",
        means="Days with a valid order in the last {days} days.",
        empty=0,
    ),
    *windows(
        "spend",
        "sum(net_minor)",
        days=(7, 14, 60, 180),
        unit="currency",
        means="Net spend in the last {days} days.",
        empty=0,
    ),
    *windows(
        "lines",
        "sum(lines)",
        days=(7, 14, 30, 60, 90, 180, 365),
        unit="items",
        means="Lines bought in the last {days} days.",
        empty=0,
    ),
    *(
        Feature(
            f"orders_{days}d_over_prior_{days}d",
            f"count(case when age_days <= {days} then 1 end) / "
            f"nullif(count(case when age_days between {days + 1} and {2 * days} then 1 end), 0)",
            unit="ratio",
            means=f"Orders of the last {days} days over those of the {days} days before; unknown without any before.",
        )
        for days in (30, 180, 365)
    ),
    *(
        Feature(
            f"spend_{days}d_over_prior_{days}d",
            f"sum(case when age_days <= {days} then net_minor end) / "
            f"nullif(sum(case when age_days between {days + 1} and {2 * days} then net_minor end), 0)",
            unit="ratio",
            means=f"Net spend of the last {days} days over that of the {days} days before; unknown when either is "
            "empty.",
        )
        for days in (30, 180, 365)
    ),
    *(
        Feature(
            f"orders_{days}d_of_{longer}d",
            f"count(case when age_days <= {days} then 1 end) / "
            f"nullif(count(case when age_days <= {longer} then 1 end), 0)",
            unit="share",
            means=f"Share of the last {longer} days' orders that came in the last {days}.",
        )
        for days, longer in ((30, 90), (90, 365))
    ),
)
