"""A release is whole or absent, the same after loading, refused when altered, and knows no customer."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.catalog.shipped import CATALOG
from ledger.engine import open_engine
from ledger.home import Home
from models.next_order import NextOrder
from models.percentiles import reference_quantiles
from models.purchase_process import Histories, fit_order_value, fit_purchase_process
from models.release import (
    Predictors,
    ReleaseError,
    deploy,
    deployed_release,
    load_deployed,
    load_release,
    write_release,
)
from models.replenishment import ReplenishmentModel
from models.scores import SCORES, scores_for
from models.worth import OrdersAndValue
from tests.models.customers import HORIZON_DAYS, outcomes, snapshot

FACTS: dict[str, Any] = {
    "as_of": "2024-01-01",
    "data_through": "2023-12-31T12:00:00+00:00",
    "time_zone": "UTC",
    "currency": "EUR",
    "horizon_days": HORIZON_DAYS,
    "seed": 1,
    "customers": 600,
    "feature_fingerprint": CATALOG.fingerprint,
    "feature_names": tuple(CATALOG.names),
    "data_fingerprint": "0" * 64,
    "thresholds": {},
    "lifecycle_limits": {},
    "usual_customer": {
        "orders": 1.0,
        "days_first_to_last_order": 0.0,
        "days_since_first_order": 200.0,
        "mean_order_value": 20.0,
    },
    "metrics": {},
    "gate": {"verdict": "model", "reasons": ("made up",)},
    "versions": {},
}


@pytest.fixture(scope="module")
def predictors() -> Predictors:
    frame = snapshot(600)
    histories, happened = Histories(frame), outcomes(frame)
    process, order_value = fit_purchase_process(histories), fit_order_value(histories)
    with open_engine() as connection:
        connection.execute(
            "create temp table history_items (customer_id varchar, product_id varchar, category varchar, "
            "order_day integer, age_days integer, gap_days integer, quantity_milli bigint, net_minor bigint)"
        )
        replenishment = ReplenishmentModel.fit(connection)
    next_order = NextOrder.fit(frame, happened, process, CATALOG.names, 1)
    return Predictors(
        next_order,
        OrdersAndValue.fit(frame, happened, next_order, order_value, CATALOG.names, 1),
        replenishment,
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def written(home: Home, predictors: Predictors, **facts: object) -> Path:
    reference = reference_quantiles(predictors.score(snapshot(600)), HORIZON_DAYS)
    return write_release(home, predictors, reference, FACTS | facts)


def test_scores_are_the_same_bit_for_bit_after_writing_and_loading(
    home: Home, predictors: Predictors
) -> None:
    release = load_release(written(home, predictors))
    frame = snapshot(100, seed=8)
    before, after = predictors.score(frame), release.score(frame)
    assert list(after.columns) == ["customer_id", "confidence", *(score.name for score in SCORES)]
    stored = [name for name in after.columns if not name.endswith("_percentile")]
    pd.testing.assert_frame_equal(after[stored], before[stored], check_exact=True)


def test_numbers_of_one_customer_never_contradict_each_other(home: Home, predictors: Predictors) -> None:
    said = load_release(written(home, predictors)).score(snapshot(500, seed=8))
    assert (said["p_order_7d"] <= said["p_order_30d"]).all()
    assert (said["p_order_30d"] <= said["p_order_90d"]).all()
    assert (said["expected_orders_90d"] >= said["p_order_90d"]).all()
    assert (said["expected_orders_365d"] >= said["expected_orders_90d"]).all()
    assert (said["clv_365d"] >= said["expected_value_90d"]).all()
    assert (said["clv_365d_p10"] <= said["clv_365d_p90"]).all()
    early, middle, late = (said[f"next_order_days_p{share}"] for share in (10, 50, 90))
    assert not ((early > middle) | (middle > late)).any()
    assert ((said.filter(like="percentile") >= 0) & (said.filter(like="percentile") <= 100)).all(axis=None)


def test_a_percentile_says_how_many_of_the_releases_customers_are_below(
    home: Home, predictors: Predictors
) -> None:
    frame = snapshot(600)
    said = load_release(written(home, predictors)).score(frame)
    below = (said["clv_365d"].rank() - 1) / (len(said) - 1) * 100
    assert np.abs(said["clv_365d_percentile"] - below).max() < 0.6


def test_one_order_is_pooled_more_are_the_model_and_without_trees_all_is_rule(predictors: Predictors) -> None:
    frame = snapshot(3).assign(orders=[0, 1, 2])
    assert predictors.score(frame)["confidence"].tolist() == ["pooled", "pooled", "model"]
    bare = replace(predictors, next_order=replace(predictors.next_order, correction=None))
    assert bare.score(frame)["confidence"].tolist() == ["rule", "rule", "rule"]


def test_the_same_content_has_the_same_name_and_other_content_another(
    home: Home, predictors: Predictors
) -> None:
    first = written(home, predictors)
    assert written(home, predictors) == first
    assert written(home, predictors, seed=2) != first
    assert not list(home.releases.glob(".writing-*"))


def test_no_customer_is_in_the_files_of_a_release(home: Home, predictors: Predictors) -> None:
    directory = written(home, predictors)
    for path in directory.iterdir():
        assert b"customer-00" not in path.read_bytes(), path.name
    assert {path.suffix for path in directory.iterdir()} == {".json", ".lgb"}


@pytest.mark.parametrize("name", ["next_order.lgb", "purchase_process.json", "reference.json"])
def test_a_release_with_an_altered_or_missing_file_is_refused(
    home: Home, predictors: Predictors, name: str
) -> None:
    directory = written(home, predictors)
    content = (directory / name).read_bytes()
    (directory / name).write_bytes(content + b" ")
    with pytest.raises(ReleaseError, match=f"{name} is missing or was altered"):
        load_release(directory)
    (directory / name).unlink()
    with pytest.raises(ReleaseError, match=f"{name} is missing or was altered"):
        load_release(directory)
    (directory / name).write_bytes(content)
    assert load_release(directory).id == directory.name


def test_a_release_of_other_features_is_refused_with_the_next_step(
    home: Home, predictors: Predictors
) -> None:
    directory = written(home, predictors, feature_fingerprint="f" * 64)
    with pytest.raises(ReleaseError, match=r"other feature definitions .* run `regulars train`"):
        load_release(directory)


def test_a_manifest_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ReleaseError, match="manifest cannot be read"):
        load_release(tmp_path)


def test_a_broken_release_is_not_deployed_and_the_one_before_stays(
    home: Home, predictors: Predictors
) -> None:
    good, bad = written(home, predictors), written(home, predictors, seed=2)
    deploy(home, good.name)
    (bad / "value.lgb").unlink()
    with pytest.raises(ReleaseError):
        deploy(home, bad.name)
    assert deployed_release(home) == good.name
    assert load_deployed(home).id == good.name
    assert json.loads(home.deployed.read_text()) == {"release": good.name}


def test_before_the_first_release_the_next_step_is_told(home: Home) -> None:
    assert deployed_release(home) is None
    with pytest.raises(ReleaseError, match="run `regulars train` first"):
        load_deployed(home)


def test_a_horizon_of_its_own_brings_its_own_scores_and_ninety_days_bring_none_twice() -> None:
    own = [score.name for score in scores_for(60)][len(SCORES) :]
    assert own == ["p_order_60d", "expected_orders_60d", "expected_value_60d"]
    assert scores_for(90) == SCORES


def test_a_release_that_knows_no_usual_customer_is_refused(home: Home, predictors: Predictors) -> None:
    directory = written(home, predictors)
    manifest = json.loads((directory / "manifest.json").read_text())
    del manifest["usual_customer"]
    (directory / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ReleaseError, match="its manifest cannot be read; train again"):
        load_release(directory)
