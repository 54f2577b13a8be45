"""What the customer did in the shop without ordering: views, searches, carts, checkouts and visits."""

from features.feature import Feature, windows

LAST = (
    ("product_view", "product_views", "product page viewed"),
    ("cart", "carts", "day with a cart"),
    ("abandoned_cart", "abandoned_carts", "day with an abandoned cart"),
    ("checkout", "checkouts", "checkout started"),
    ("visit", "active", "day on which anything was done in the shop"),
)

EVENTS = (
    *windows(
        "product_views",
        "sum(product_views)",
        days=(7, 30, 90),
        unit="events",
        means="Product pages viewed in the last {days} days.",
        over="events",
        empty="no_product_views",
    ),
    *windows(
        "product_list_views",
        "sum(product_list_views)",
        days=(30, 90),
        unit="events",
        means="Lists of products viewed in the last {days} days.",
        over="events",
        empty="no_product_list_views",
    ),
    *windows(
        "searches",
        "sum(searches)",
        days=(30, 90),
        unit="events",
        means="Searches and filters of lists in the last {days} days.",
        over="events",
        empty="no_searches",
    ),
    *windows(
        "cart_additions",
        "sum(cart_additions)",
        days=(7, 30, 90),
        unit="events",
        means="Products put into the cart in the last {days} days.",
        over="events",
        empty="no_cart_additions",
    ),
    *windows(
        "abandoned_carts",
        "sum(abandoned_carts)",
        days=(7, 30, 90),
        unit="events",
        means="Days of the last {days} with a cart and no order on that day or the next.",
        over="events",
        empty="no_carts",
    ),
    *windows(
        "checkouts",
        "sum(checkouts)",
        days=(30, 90),
        unit="events",
        means="Checkouts started in the last {days} days.",
        over="events",
        empty="no_checkouts",
    ),
    *windows(
        "abandoned_checkouts",
        "sum(abandoned_checkouts)",
        days=(7, 30, 90),
        unit="events",
        means="Days of the last {days} with a checkout started and no order on that day or the next.",
        over="events",
        empty="no_checkouts",
    ),
    *windows(
        "checkout_steps",
        "sum(checkout_steps)",
        days=(30,),
        unit="events",
        means="Steps of checkouts in the last {days} days.",
        over="events",
        empty="no_checkout_steps",
    ),
    *windows(
        "visits",
        "sum(visits)",
        days=(7, 30, 90),
        unit="visits",
        means="Visits to the shop that began in the last {days} days; where a visit has no session, days with any.",
        over="events",
        empty="no_visits",
    ),
    *windows(
        "active_days",
        "sum(active)",
        days=(30, 90),
        unit="days",
        means="Days of the last {days} on which anything was done in the shop.",
        over="events",
        empty="no_visits",
    ),
    *(
        Feature(
            f"days_since_last_{name}",
            f"min(case when {column} > 0 then age_days end)",
            unit="days",
            means=f"Days from the last {what} to the cutoff; unknown without any.",
            over="events",
        )
        for name, column, what in LAST
    ),
)
