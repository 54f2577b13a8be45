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

MORE_BASKET = (
    Feature(
        "mean_piece_price",
        "1000 * sum(case when quantity_milli > 0 then net_minor end) / nullif(sum(quantity_milli), 0)",
        unit="currency",
        means="Mean net paid for a piece, over purchases whose product and quantity are known.",
        over="items",
    ),
    Feature(
        "price_level",
        "1000 * sum(case when list_milli > 0 then net_minor end) "
        "/ nullif(cast(cast(sum(list_milli) as string) as double), 0)",
        unit="ratio",
        means="Net paid over what the same pieces cost at the products' prices as known at the cutoff; unknown when "
        "the shop's products have no price.",
        over="items",
    ),
    Feature(
        "new_product_share_90d",
        "sum(case when age_days <= 90 then product_first end) / nullif(count(case when age_days <= 90 then 1 end), 0)",
        unit="share",
        means="Share of the last 90 days' purchases that are of a product never bought before.",
        over="items",
    ),
    Feature(
        "days_since_new_product",
        "min(case when product_first = 1 then age_days end)",
        unit="days",
        means="Days since the customer last bought a product for the first time.",
        over="items",
    ),
    Feature(
        "repeat_products",
        "count(case when product_number = 2 then 1 end)",
        unit="products",
        means="Different products bought on more than one day; unknown when no product was recorded.",
        over="items",
    ),
    Feature(
        "top_product_share",
        "max(product_number) / nullif(count(*), 0)",
        unit="share",
        means="Share of the purchases that are of the product bought most often.",
        over="items",
    ),
    Feature(
        "category_concentration",
        "sum(items * items) / nullif(sum(items) * sum(items), 0)",
        unit="share",
        means="Chance that two purchases, drawn at random, are of one category; over known categories.",
        over="categories",
    ),
)
