"""How it began: what the first order was like, and whether what came later is like it."""

from features.feature import Feature

FIRST_ORDER = (
    Feature(
        "first_order_lines",
        "max(case when order_number = 1 then lines end)",
        unit="items",
        means="Lines of the first order.",
    ),
    Feature(
        "first_order_products",
        "max(case when order_number = 1 then products end)",
        unit="products",
        means="Different products of the first order; unknown when no product was recorded.",
    ),
    Feature(
        "first_order_pieces",
        "max(case when order_number = 1 then quantity_milli end) / 1000",
        unit="pieces",
        means="Pieces of the first order; unknown when no quantity was recorded.",
    ),
    Feature(
        "first_order_discount_share",
        "max(case when order_number = 1 then discount_minor end) / "
        "nullif(max(case when order_number = 1 then discount_minor + gross_minor end), 0)",
        unit="share",
        means="Discount of the first order over its price before it; unknown when none was recorded.",
    ),
    Feature(
        "first_order_weekday",
        "max(case when order_number = 1 then order_isoweekday end)",
        unit="weekday",
        means="Weekday of the first order, 1 Monday to 7 Sunday, local.",
    ),
    Feature(
        "first_order_hour",
        "max(case when order_number = 1 then order_hour end)",
        unit="hour",
        means="Local hour of the first order, 0 to 23.",
    ),
    Feature(
        "first_order_over_mean_order",
        "sum(case when order_number = 1 then net_minor end) * count(*) / nullif(sum(net_minor), 0)",
        unit="ratio",
        means="Net value of the first order over the mean of all.",
    ),
    Feature(
        "first_order_categories",
        "nullif(count(case when first_order_items > 0 then 1 end), 0)",
        unit="categories",
        means="Different categories of the first order; unknown when no category of it was known.",
        over="categories",
    ),
    Feature(
        "first_order_category_share",
        "sum(case when first_order_items > 0 then items - first_order_items end) "
        "/ nullif(sum(items) - sum(first_order_items), 0)",
        unit="share",
        means="Share of the later purchases that are of a category of the first order; over known categories.",
        over="categories",
    ),
)
