"""What is bought: lines, pieces, products and categories."""

from features.feature import Feature

BASKET = (
    Feature(
        "lines_per_order",
        "sum(lines) / nullif(count(*), 0)",
        unit="items",
        means="Mean number of lines in an order.",
    ),
    Feature(
        "quantity_per_order",
        "sum(quantity_milli) / nullif(1000 * count(quantity_milli), 0)",
        unit="pieces",
        means="Mean pieces in an order, over orders whose quantity is known.",
    ),
    Feature(
        "products",
        "sum(product_first)",
        unit="products",
        means="Different products ever bought; unknown when no product was recorded.",
        over="items",
    ),
    Feature(
        "products_per_order",
        "sum(products) / nullif(count(products), 0)",
        unit="products",
        means="Mean number of different products in an order, over orders whose products are known.",
    ),
    Feature(
        "repeat_product_share",
        "count(gap_days) / nullif(count(*), 0)",
        unit="share",
        means="Share of purchases of a product that the customer had bought on an earlier day.",
        over="items",
    ),
    Feature(
        "categories",
        "count(*)",
        unit="categories",
        means="Different categories ever bought; unknown when no category was known.",
        over="categories",
    ),
    Feature(
        "top_category_share",
        "max(net_minor) / nullif(sum(net_minor), 0)",
        unit="share",
        means="Share of the customer's spend in the category of the highest spend, over known categories.",
        over="categories",
    ),
)
