"""A shop far below the minimums gets answers, labelled for what they are."""

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from ledger.home import Home
from models.release import load_deployed
from regulars import cli
from tests.conftest import shop_orders

pytestmark = pytest.mark.slow

CUSTOMERS = 30


def regulars(*arguments: str | Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert ended.value.code in (0, None), captured.err
    return captured.out


@pytest.mark.parametrize(
    ("days", "why"),
    [
        (540, r"only \d+ customers ordered in the test windows; 50 are needed to judge"),
        (60, "history is too short for a backtest, so nothing shows that a model is better"),
    ],
)
def test_a_shop_of_thirty_is_imported_trained_scored_and_evaluated(
    days: int, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path / "home")
    orders = shop_orders(CUSTOMERS)
    first_day = pd.to_datetime(orders["ordered_at"]).min()
    orders = orders[pd.to_datetime(orders["ordered_at"]) < first_day + pd.Timedelta(days=days)]
    orders.drop(columns="known_at").to_csv(tmp_path / "orders.csv", index=False)
    imported = ("--time-zone", "Europe/Berlin", "--currency", "EUR", "--home", home.path)
    regulars("import", "orders", tmp_path / "orders.csv", *imported, capsys=capsys)

    trained = json.loads(regulars("train", "--home", home.path, "--json", capsys=capsys))
    regulars("score", "--home", home.path, capsys=capsys)
    regulars("export", "scores", "--home", home.path, "--out", tmp_path / "s.parquet", capsys=capsys)
    horizon = ("--horizon-days", "30")
    evaluated = json.loads(regulars("evaluate", *horizon, "--home", home.path, "--json", capsys=capsys))

    scores = pq.read_table(tmp_path / "s.parquet").to_pandas()
    assert trained["gate"]["verdict"] == "rule"
    assert len(trained["gate"]["reasons"]) == 1
    assert pd.Series(trained["gate"]["reasons"]).str.fullmatch(why).all()
    assert len(scores) == orders["customer_id"].nunique()
    assert set(scores["confidence"]) == {"rule"}
    certain = scores.drop(columns=[name for name in scores if name.startswith("next_order_days")])
    assert not certain.isna().any().any()
    assert load_deployed(home).predictors.next_order.process.kind == "store_rate"
    said = {row["method"]: row for row in evaluated["methods"]}
    assert 0 <= said["regulars"]["brier"] <= 1
    assert {"without_trees", "kaplan_meier", "mean_gap"} <= set(said)


def test_the_evaluation_of_a_shop_is_told_by_question_and_by_kind_of_customer(
    shop_home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    text = regulars("evaluate", "--by-slice", "--horizon-days", "30", "--home", shop_home.path, capsys=capsys)
    headings = [line.partition(":")[0] for line in text.splitlines()]
    for heading in ("Who orders", "When", "How much", "one_time", "repeat", "heavy", "dormant"):
        assert heading in headings
    tables = [line for line in text.splitlines() if "peers by more than the noise" not in line]
    assert max(map(len, tables)) <= 140
    assert "brier: ahead of " in text
