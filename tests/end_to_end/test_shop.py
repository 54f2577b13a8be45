"""The made-up shop from files to answers: what one part wrote, the next one reads."""

import json
import shutil
from pathlib import Path

import httpx
import pandas as pd
import pyarrow.parquet as pq
import pytest

from ledger.home import Home
from models.scores import SCORES
from regulars import cli
from segments.partitions import lifecycle_cells

pytestmark = pytest.mark.slow


def _json(*arguments: str | Path, capsys: pytest.CaptureFixture[str]) -> object:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        cli.main([*map(str, arguments), "--json"])
    captured = capsys.readouterr()
    assert ended.value.code in (0, None), captured.err
    return json.loads(captured.out)


def _exported(*what: str, home: Home, out: Path, capsys: pytest.CaptureFixture[str]) -> pd.DataFrame:
    _json("export", *what, "--home", home.path, "--out", out, capsys=capsys)
    return pd.DataFrame(pq.read_table(out).to_pandas())


def test_the_scores_file_has_a_row_a_customer_and_the_documented_columns(
    shop_home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = _exported("scores", home=shop_home, out=tmp_path / "s.parquet", capsys=capsys)
    names = [score.name for score in SCORES]
    assert list(scores.columns) == ["customer_id", "as_of", "release", "confidence", *names]
    assert sorted(scores["customer_id"]) == [f"c{number:03d}" for number in range(400)]


def test_probabilities_grow_with_the_horizon_and_churn_is_their_complement(
    shop_home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = _exported("scores", home=shop_home, out=tmp_path / "s.parquet", capsys=capsys)
    assert (scores["p_order_7d"] <= scores["p_order_30d"]).all()
    assert (scores["p_order_30d"] <= scores["p_order_90d"]).all()
    assert (scores["churn_probability_90d"] + scores["p_order_90d"] - 1).abs().max() < 1e-12


def test_every_customer_is_in_exactly_one_lifecycle_cell(
    shop_home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    segments = _json("segments", "list", "--home", shop_home.path, capsys=capsys)
    assert isinstance(segments, list)
    cells = {cell.name for cell in lifecycle_cells()}
    assert sum(segment["size"] for segment in segments if segment["name"] in cells) == 400


def test_a_segments_export_has_the_size_the_list_says(
    shop_home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    segments = _json("segments", "list", "--home", shop_home.path, capsys=capsys)
    assert isinstance(segments, list)
    largest = max(segments, key=lambda segment: segment["size"])
    members = _exported("segment", largest["name"], home=shop_home, out=tmp_path / "m.parquet", capsys=capsys)
    assert len(members) == largest["size"]
    assert members["reasons"].map(len).min() >= 1


def test_refills_are_of_products_and_of_categories_with_dates_in_order(
    shop_home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refills = _exported("replenishment", home=shop_home, out=tmp_path / "r.parquet", capsys=capsys)
    assert set(refills["level"]) == {"product", "category"}
    assert (refills["p_due_7d"] <= refills["p_due_14d"]).all()
    known = refills.dropna(subset=["next_purchase_p25", "next_purchase_p75"])
    assert (known["next_purchase_p25"] <= known["next_purchase_p75"]).all()


def test_a_backtest_is_as_of_the_last_day_whose_horizon_is_over(
    shop_home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    found = _json("evaluate", "--horizon-days", "30", "--home", shop_home.path, capsys=capsys)
    assert isinstance(found, dict)
    assert (found["as_of"], found["horizon_days"]) == ("2023-05-28", 30)  # 30 days before 2023-06-27
    assert found["methods"][0]["method"] == "regulars"


def test_scoring_an_earlier_day_says_so_in_the_shops_time_and_leaves_what_is_served(
    shop_home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = Home(shutil.copytree(shop_home.path, tmp_path / "mine"))
    with pytest.raises(SystemExit):
        cli.main(["score", "--as-of", "2023-06-01", "--json", "--home", str(mine.path)])
    captured = capsys.readouterr()
    facts = json.loads(captured.out)
    assert (facts["as_of"], facts["published"]) == ("2023-06-01T00:00:00+02:00", None)
    assert "a later day is served already and stays" in captured.err


def test_training_again_on_the_same_orders_gives_the_same_release(
    shop_home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = tmp_path / "again"
    shutil.copytree(shop_home.ledger, again / "ledger")
    shutil.copy(shop_home.shop_facts, again)
    (again / "settings.toml").write_text("seed = 7\n", encoding="utf-8")
    summary = _json("train", "--as-of", "2023-06-27", "--home", again, capsys=capsys)
    assert isinstance(summary, dict)
    assert [summary["release"]] == [path.name for path in shop_home.releases.iterdir()]


def test_a_posted_history_gets_what_the_nightly_run_stored(
    shop_home: Home,
    shop_service: str,
    shop_files: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored = _exported("scores", home=shop_home, out=tmp_path / "s.parquet", capsys=capsys).set_index(
        "customer_id"
    )
    lines = pd.read_csv(shop_files["orders"], dtype=str).set_index("customer_id")
    ids = ["c000", "c001", "c002"]
    customers = [
        {"customer_id": name, "orders": [line.dropna().to_dict() for _, line in lines.loc[[name]].iterrows()]}
        for name in ids
    ]
    answer = httpx.post(
        f"{shop_service}/v1/score", json={"as_of": "2023-06-27", "customers": customers}, timeout=60
    )
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [result["customer_id"] for result in results] == ids
    for result in results:
        for score in SCORES:
            said, kept = result["scores"][score.name], stored.loc[result["customer_id"], score.name]
            assert (said is None and pd.isna(kept)) or abs(said - kept) <= 1e-9


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/livez", 200),
        ("/readyz", 200),
        ("/", 200),
        ("/segments/likely_to_churn", 200),
        ("/v1/segments", 200),
        ("/v1/segments/likely_to_churn", 200),
        ("/v1/segments/likely_to_churn/members?limit=5", 200),
        ("/v1/customers/c000", 200),
        ("/v1/customers/nobody", 404),
        ("/v1/segments/no_such_segment", 404),
        ("/segments/no_such_segment", 404),
    ],
)
def test_the_service_answers(path: str, status: int, shop_service: str) -> None:
    assert httpx.get(f"{shop_service}{path}", timeout=30).status_code == status


def test_who_is_due_for_what_is_the_same_in_the_export_and_in_the_api(
    shop_home: Home, shop_service: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("--state", "due_now", "--level", "product", "--not-suppressed")
    due = _exported("replenishment", *asked, home=shop_home, out=tmp_path / "due.parquet", capsys=capsys)
    assert len(due) > 0
    assert set(due["state"]) == {"due_now"}
    query = {"state": "due_now", "level": "product", "suppressed": "false", "limit": "1000"}
    answer = httpx.get(f"{shop_service}/v1/replenishment", params=query, timeout=30).json()
    assert answer["next_cursor"] is None
    key = ["customer_id", "product_id", "state_reason", "p_due_14d"]
    told = [tuple(row[name] for name in key) for row in answer["refills"]]
    assert sorted(told) == sorted(due[key].itertuples(index=False, name=None))
    reminders = _exported("reminders", home=shop_home, out=tmp_path / "send.parquet", capsys=capsys)
    assert reminders["customer_id"].is_unique
    assert set(reminders["send_on"].astype(str)) <= {
        str(day.date()) for day in pd.date_range("2023-06-27", periods=14)
    }
    product = due["product_id"].iloc[0]
    days = _exported(
        "demand", "--product", product, home=shop_home, out=tmp_path / "d.parquet", capsys=capsys
    )
    served = httpx.get(
        f"{shop_service}/v1/replenishment/demand", params={"product": product}, timeout=30
    ).json()
    assert [day["expected_units"] for day in served["days"]] == list(days["expected_units"])
