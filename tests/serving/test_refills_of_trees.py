"""A shop whose refills go by visits, not by days: the trees say so, and what they say is served."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from features.history import stage
from ledger.store import Ledger
from models.replenishment import ReplenishmentModel
from serving.store import PublishedRun
from tests.serving.hostile import Served
from tests.serving.shop import CUTOFF, Shop, make_shop
from tests.serving.test_pages import get

CUSTOMERS, PRODUCTS = 400, 5
DAYS_BEFORE, DAYS_AFTER = 300, 14


def purchases(seed: int = 4) -> pd.DataFrame:
    """Return purchases of customers who come at irregular times and need product k at every (k + 2)nd visit.

    Days count from the cutoff. A calendar cannot tell who is due; how often somebody came since the last time can.
    """
    random = np.random.default_rng(seed)
    rows = []
    for customer in range(CUSTOMERS):
        day, waited = -random.uniform(100, DAYS_BEFORE), random.integers(0, 6, PRODUCTS)
        while day < DAYS_AFTER:
            waited += 1
            for product in np.flatnonzero(waited >= np.arange(PRODUCTS) + 2):
                rows.append((f"c{customer:03d}", f"p{product}", int(np.floor(day))))
                waited[product] = 0
            day += 1 + random.exponential(random.choice([2.0, 20.0]))
    return pd.DataFrame(rows, columns=["customer_id", "product_id", "day"]).drop_duplicates()


def orders(bought: pd.DataFrame) -> pd.DataFrame:
    """Return the same as lines of orders in the plain format, at noon."""
    noon = datetime.combine(CUTOFF.local_date, datetime.min.time()) + timedelta(hours=12)
    at = [(noon + timedelta(days=int(day))).isoformat(sep=" ") for day in bought["day"]]
    lines = bought.assign(order_id=bought["customer_id"] + bought["day"].astype(str), ordered_at=at)
    return lines.drop(columns="day").assign(known_at=None, quantity=1, net_amount="5.00", status="paid")


@dataclass(frozen=True)
class Told:
    """The shop, what was bought in the two weeks after its run, and its service."""

    shop: Shop
    then: pd.DataFrame
    served: Served

    @property
    def model(self) -> ReplenishmentModel:
        return self.shop.release.predictors.replenishment

    def forecast(self, model: ReplenishmentModel) -> pd.DataFrame:
        """Return what a model says of products bought on two days or more, and whether it came true."""
        with Ledger(self.shop.home).connect() as connection:
            stage(connection, CUTOFF)
            rows: pd.DataFrame = model.forecast(connection, CUTOFF).to_pandas()
        rows = rows[rows["level"] == "product"]
        both = rows.merge(self.then, on=["customer_id", "product_id"], how="left", indicator="found")
        return both.assign(happened=both["found"] == "both")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("by-visits")
    files = {name: folder / f"{name}.csv" for name in ("orders", "products")}
    bought = purchases()
    orders(bought[bought["day"] < 0]).to_csv(files["orders"], index=False)
    products = pd.DataFrame({"product_id": [f"p{number}" for number in range(PRODUCTS)]})
    products = products.assign(known_at="2022-01-01", title="Bag", category="Coffee", price=5.0)
    products.to_csv(files["products"], index=False)
    shop = make_shop(folder / "home", files)
    then = bought.loc[bought["day"] >= 0, ["customer_id", "product_id"]].drop_duplicates()
    return Told(shop, then, Served(PublishedRun.open(shop.home)))


def test_the_gate_lets_trees_answer_where_they_say_more_than_the_curve(told: Told) -> None:
    model = told.model.levels["product"]
    assert model.trees is not None
    assert all(ours < curve for ours, curve in zip(model.judged["trees"], model.judged["curve"], strict=True))


def test_what_the_trees_say_comes_true_more_often_than_what_the_curve_alone_says(told: Told) -> None:
    bare = {
        level: replace(model, trees=None, taste=None, scale=None)
        for level, model in told.model.levels.items()
    }
    ours, curve = told.forecast(told.model), told.forecast(ReplenishmentModel(bare))
    assert len(ours) > 1500
    said, alone = (roc_auc_score(rows["happened"], rows["p_due_14d"]) for rows in (ours, curve))
    assert said > alone + 0.03
    assert ours["p_due_14d"].mean() == pytest.approx(ours["happened"].mean(), abs=0.04)


def test_who_came_often_since_the_last_time_is_due_and_who_stayed_away_is_not(told: Told) -> None:
    with Ledger(told.shop.home).connect() as connection:
        stage(connection, CUTOFF)
        since = connection.sql(
            """
            SELECT customer_id, count(DISTINCT order_day) FILTER (order_day > last_day) AS visits
            FROM history_items JOIN (
                SELECT customer_id, max(order_day) AS last_day FROM history_items WHERE product_id = 'p4'
                GROUP BY customer_id
            ) USING (customer_id) GROUP BY customer_id
            """
        ).df()
    rows = told.forecast(told.model).query("product_id == 'p4'").merge(since, on="customer_id")
    # p4 is needed at every sixth visit; on most visits something is bought
    often, seldom = rows[rows["visits"] >= 3], rows[rows["visits"] <= 1]
    assert min(len(often), len(seldom)) > 50
    assert often["p_due_14d"].mean() > seldom["p_due_14d"].mean() + 0.15


def test_the_service_answers_what_the_trees_say(told: Told) -> None:
    ours = told.forecast(told.model).set_index(["customer_id", "product_id"])
    answer = get(told.served, "/v1/replenishment?level=product&limit=1000").json()
    assert len(answer["refills"]) == 1000
    for row in answer["refills"]:
        expected = ours.loc[row["customer_id"], row["product_id"]]
        assert [row[f"p_due_{days}d"] for days in (7, 14, 30)] == pytest.approx(
            [expected[f"p_due_{days}d"] for days in (7, 14, 30)], rel=1e-12
        )
        assert row["next_purchase_p50"] == (
            None if pd.isna(expected["next_purchase_p50"]) else str(expected["next_purchase_p50"])
        )


def test_the_seed_decides_what_trees_are_learnt_and_nothing_else_does(told: Told) -> None:
    with Ledger(told.shop.home).connect() as connection:
        stage(connection, CUTOFF)
        again, other = (ReplenishmentModel.fit(connection, seed).to_json_dict() for seed in (1, 2))
    assert again == told.model.to_json_dict()
    assert other["product"]["trees"] != again["product"]["trees"]
    assert other["product"]["gaps"] == again["product"]["gaps"]
