"""The core features as one would write them in pandas and in Polars: what `benchmarks/feature_speed.py` compares with.

Both read the ledger's own files, whole numbers and local days as an import leaves them, and are spared what the
made-up store has none of: corrected rows, merged customers, several descriptions of a product. Run alone, this file
does nothing.
"""
# ruff: noqa: PLR2004 - windows, weekdays and hours, as the features' names say them

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

READ = (
    *("customer_id", "order_id", "line_id", "known_at", "product_id", "quantity_milli", "net_minor"),
    *("discount_minor", "status", "order_day", "order_hour", "order_isoweekday"),
)
KEY = ["order_id", "line_id"]


def in_pandas(orders: Sequence[Path], products: Sequence[Path], at: pd.Timestamp, day: int) -> pd.DataFrame:
    """Return the core features, a row a customer."""
    lines = pd.concat([pd.read_parquet(path, columns=list(READ)) for path in orders], ignore_index=True)
    lines = lines[lines["known_at"] < at]
    void = pd.MultiIndex.from_frame(lines.loc[lines["status"] == "cancelled", KEY])
    everyone = pd.Index(lines["customer_id"].unique(), name="customer_id")
    lines = lines[~pd.MultiIndex.from_frame(lines[KEY]).isin(void)]
    paid = lines["status"] == "paid"
    lines = lines.assign(
        gross=lines["net_minor"].where(paid, 0),
        refund=(-lines["net_minor"]).where(~paid, 0),
        discount=lines["discount_minor"].where(paid),
        quantity=lines["quantity_milli"].where(paid),
        order_hour=lines["order_hour"].where(paid),
        order_isoweekday=lines["order_isoweekday"].where(paid),
        lines=paid.astype(np.int64),
    )
    baskets = lines.groupby(["customer_id", "order_day", "product_id"], sort=False, as_index=False).agg(
        gross=("gross", "sum"), refund=("refund", "sum"), discount=("discount", "sum"),
        quantity=("quantity", "sum"), lines=("lines", "sum"),
        order_hour=("order_hour", "min"), order_isoweekday=("order_isoweekday", "min"),
    )  # fmt: skip
    del lines, paid
    baskets["kept"] = (baskets["lines"] > 0) & (
        (baskets["refund"] == 0) | (baskets["gross"] > baskets["refund"])
    )
    days = baskets.groupby(["customer_id", "order_day"], as_index=False).agg(
        gross=("gross", "sum"), refund=("refund", "sum"), discount=("discount", "sum"),
        quantity=("quantity", "sum"), lines=("lines", "sum"), products=("kept", "sum"),
        order_hour=("order_hour", "min"), order_isoweekday=("order_isoweekday", "min"),
    )  # fmt: skip
    days = days[days["gross"] > days["refund"]]
    days["net"] = days["gross"] - days["refund"]
    found = pd.DataFrame(index=everyone)
    found = found.join(_orders_in_pandas(days, day)).join(_items_in_pandas(baskets, days, products))
    money = baskets.groupby("customer_id")[["refund", "gross"]].sum()
    found["refunded_share"] = money["refund"] / money["gross"].where(money["gross"] != 0)
    counted = ["orders", *(f"orders_{length}d" for length in (30, 90, 180, 365))]
    counted += ["spend", *(f"spend_{length}d" for length in (30, 90, 365))]
    found[counted] = found[counted].fillna(0)
    return found.sort_index().reset_index()


def _orders_in_pandas(days: pd.DataFrame, day: int) -> pd.DataFrame:
    days = days.sort_values(["customer_id", "order_day"])
    age, who = day - days["order_day"], days["customer_id"]
    first = who != who.shift()
    last = who != who.shift(-1)
    days = days.assign(
        age=age, gap=days["order_day"].diff().where(~first), weekend=days["order_isoweekday"] >= 6,
        evening=days["order_hour"] >= 18, discounted=days["discount"] > 0,
        products_known=days["products"].where(days["products"] > 0),
    )  # fmt: skip
    days["last_gap"] = days["gap"].where(last)
    columns = {f"orders_{length}d": age <= length for length in (30, 90, 180, 365)}
    columns |= {f"spend_{length}d": days["net"].where(age <= length, 0) for length in (30, 90, 365)}
    before = age.between(91, 180)
    columns |= {"orders_before": before, "spend_before": days["net"].where(before)}
    columns |= {"last_order_value": days["net"].where(last), "first_order_value": days["net"].where(first)}
    days = days.assign(**columns)
    by = days.groupby("customer_id", sort=False)
    g = by.agg(
        orders=("net", "size"), spend=("net", "sum"), max_order_value=("net", "max"), value_sd=("net", "std"),
        days_since_last_order=("age", "min"), days_since_first_order=("age", "max"),
        mean_gap_days=("gap", "mean"), median_gap_days=("gap", "median"), max_gap_days=("gap", "max"),
        gap_sd=("gap", "std"), gaps=("gap", "count"), last_gap_days=("last_gap", "sum"),
        weekend_order_share=("weekend", "mean"), evening_order_share=("evening", "mean"),
        discounted_order_share=("discounted", "mean"), lines=("lines", "sum"), quantity=("quantity", "sum"),
        products_per_order=("products_known", "mean"),
        **{name: (name, "sum") for name in columns},
    )  # fmt: skip
    n, before_n = g["orders"], g["orders_before"].where(g["orders_before"] > 0)
    g["days_first_to_last_order"] = g["days_since_first_order"] - g["days_since_last_order"]
    g["orders_90d_over_prior_90d"] = g["orders_90d"] / before_n
    g["spend_90d_over_prior_90d"] = (
        g["spend_90d"].where(g["orders_90d"] > 0) / g["spend_before"].where(g["orders_before"] > 0) / 100
    )
    g["mean_order_value"] = g["spend"] / n
    g["order_value_spread"] = g["value_sd"] * np.sqrt((n - 1) / n) / g["mean_order_value"]
    g["gap_spread"] = (
        g["gap_sd"] * np.sqrt((g["gaps"] - 1) / g["gaps"].where(g["gaps"] > 0)) / g["mean_gap_days"]
    )
    g["last_gap_days"] = g["last_gap_days"].where(g["gaps"] > 0)
    g["days_since_last_over_mean_gap"] = g["days_since_last_order"] / g["mean_gap_days"]
    g["lines_per_order"], g["quantity_per_order"] = g["lines"] / n, g["quantity"] / n / 1000
    money = ["spend", "spend_30d", "spend_90d", "spend_365d", "mean_order_value", "max_order_value"]
    money += ["last_order_value", "first_order_value"]
    g["spend_90d_over_prior_90d"] *= 100
    g[money] = g[money] / 100
    return g.drop(
        columns=["value_sd", "gap_sd", "gaps", "lines", "quantity", "orders_before", "spend_before"]
    )


def _items_in_pandas(baskets: pd.DataFrame, days: pd.DataFrame, products: Sequence[Path]) -> pd.DataFrame:
    items = baskets.loc[baskets["kept"], ["customer_id", "order_day", "product_id", "gross", "refund"]].merge(
        days[["customer_id", "order_day"]]
    )
    known = pd.concat([pd.read_parquet(path, columns=["product_id", "category"]) for path in products])
    items = items.merge(known, on="product_id", how="left")
    items["net"] = items["gross"] - items["refund"]
    by_product = items.groupby(["customer_id", "product_id"], sort=False).size()
    g = by_product.groupby("customer_id").agg(["size", "sum"])
    by_category = items.groupby(["customer_id", "category"], sort=False)["net"].sum().groupby("customer_id")
    c = by_category.agg(["size", "max", "sum"])
    return pd.DataFrame(
        {
            "products": g["size"],
            "repeat_product_share": 1 - g["size"] / g["sum"],
            "categories": c["size"],
            "top_category_share": c["max"] / c["sum"].where(c["sum"] != 0),
        }
    )


def in_polars(orders: Sequence[Path], products: Sequence[Path], at: pd.Timestamp, day: int) -> pl.DataFrame:
    """Return the core features, a row a customer."""
    known = pl.scan_parquet([str(path) for path in orders]).select(READ).filter(pl.col("known_at") < at)
    void = known.filter(pl.col("status") == "cancelled").select(KEY).unique()
    lines = known.join(void, on=KEY, how="anti")
    paid = pl.col("status") == "paid"
    baskets = (
        lines.group_by("customer_id", "order_day", "product_id")
        .agg(
            gross=pl.col("net_minor").filter(paid).sum(), refund=-pl.col("net_minor").filter(~paid).sum(),
            discount=pl.col("discount_minor").filter(paid).sum(),
            quantity=pl.col("quantity_milli").filter(paid).sum(), lines=paid.sum(),
            order_hour=pl.col("order_hour").filter(paid).min(),
            order_isoweekday=pl.col("order_isoweekday").filter(paid).min(),
        )
        .with_columns(
            kept=(pl.col("lines") > 0) & ((pl.col("refund") == 0) | (pl.col("gross") > pl.col("refund")))
        )
        .collect()
    )  # fmt: skip
    sums = [pl.col(name).sum() for name in ("gross", "refund", "discount", "quantity", "lines")]
    days = (
        baskets.group_by("customer_id", "order_day")
        .agg(*sums, products=pl.col("kept").sum(), order_hour=pl.col("order_hour").min(),
             order_isoweekday=pl.col("order_isoweekday").min())
        .filter(pl.col("gross") > pl.col("refund"))
        .with_columns(net=pl.col("gross") - pl.col("refund"), age=day - pl.col("order_day").cast(pl.Int64))
        .sort("customer_id", "order_day")
        .with_columns(gap=pl.col("order_day").cast(pl.Int64).diff().over("customer_id"))
    )  # fmt: skip
    share = baskets.group_by("customer_id").agg(
        refunded_share=pl.col("refund").sum()
        / pl.when(pl.col("gross").sum() != 0).then(pl.col("gross").sum())
    )
    everyone = known.select(pl.col("customer_id").unique()).collect()
    counted = pl.col("^(orders|spend)(_[0-9]+d)?$").fill_null(0)
    return (
        everyone.join(_orders_in_polars(days), on="customer_id", how="left")
        .join(_items_in_polars(baskets, days, products), on="customer_id", how="left")
        .join(share, on="customer_id", how="left")
        .with_columns(counted)
        .sort("customer_id")
    )


def _orders_in_polars(days: pl.DataFrame) -> pl.DataFrame:
    age, net, gap = pl.col("age"), pl.col("net"), pl.col("gap")
    n, prior = pl.len(), age.is_between(91, 180)
    windows = {f"orders_{length}d": (age <= length).sum() for length in (30, 90, 180, 365)}
    windows |= {f"spend_{length}d": net.filter(age <= length).sum() / 100 for length in (30, 90, 365)}
    return days.group_by("customer_id", maintain_order=True).agg(
        days_since_last_order=age.min(), days_since_first_order=age.max(),
        days_first_to_last_order=age.max() - age.min(), orders=n, spend=net.sum() / 100, **windows,
        orders_90d_over_prior_90d=(age <= 90).sum() / pl.when(prior.any()).then(prior.sum()),
        spend_90d_over_prior_90d=pl.when((age <= 90).any() & prior.any()).then(
            net.filter(age <= 90).sum() / net.filter(prior).sum()
        ),
        mean_order_value=net.mean() / 100, last_order_value=net.last() / 100, first_order_value=net.first() / 100,
        max_order_value=net.max() / 100,
        order_value_spread=pl.when(n > 1).then(net.std(ddof=0) / net.mean()),
        discounted_order_share=(pl.col("discount") > 0).mean(),
        mean_gap_days=gap.mean(), median_gap_days=gap.median(), last_gap_days=gap.last(), max_gap_days=gap.max(),
        gap_spread=pl.when(gap.count() > 1).then(gap.std(ddof=0) / gap.mean()),
        days_since_last_over_mean_gap=age.min() / gap.mean(),
        weekend_order_share=(pl.col("order_isoweekday") >= 6).mean(),
        evening_order_share=(pl.col("order_hour") >= 18).mean(),
        lines_per_order=pl.col("lines").sum() / n, quantity_per_order=pl.col("quantity").sum() / n / 1000,
        products_per_order=pl.col("products").filter(pl.col("products") > 0).mean(),
    )  # fmt: skip


def _items_in_polars(baskets: pl.DataFrame, days: pl.DataFrame, products: Sequence[Path]) -> pl.DataFrame:
    known = pl.read_parquet([str(path) for path in products], columns=["product_id", "category"])
    items = (
        baskets.filter("kept")
        .join(days.select("customer_id", "order_day"), on=["customer_id", "order_day"], how="semi")
        .join(known, on="product_id", how="left")
        .with_columns(net=pl.col("gross") - pl.col("refund"))
    )
    by_product = items.group_by("customer_id", "product_id").agg(times=pl.len())
    by_category = items.drop_nulls("category").group_by("customer_id", "category").agg(pl.col("net").sum())
    total = pl.col("net").sum()
    return (
        by_product.group_by("customer_id")
        .agg(products=pl.len(), repeat_product_share=1 - pl.len() / pl.col("times").sum())
        .join(
            by_category.group_by("customer_id").agg(
                categories=pl.len(), top_category_share=pl.col("net").max() / pl.when(total != 0).then(total)
            ),
            on="customer_id",
            how="left",
        )
    )
