"""What moves the scores of a store is told by subject and by input."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.snapshot import compute
from ledger.home import Home
from ledger.store import Ledger
from models.contributions import LEVEL, PROCESS, Contributions, explained
from models.reason_words import TITLES
from models.release import load_deployed
from models.scores import SCORES
from tests.conftest import SHOP_CUTOFF
from training import registry
from training.card import Trained, card
from training.importance import Importance, importance, of_score


def test_a_subject_moves_a_score_by_the_mean_of_its_terms_sum() -> None:
    added = np.array([[1.0, 0.5, -1.0, 0.0], [-3.0, 0.5, 1.0, 0.0]])
    terms = (PROCESS, LEVEL, "days_since_last_order", "spend_30d")
    found = of_score(Contributions(SCORES[0], "log_odds", -1.0, terms, added))
    score = SCORES[0].name
    # History: |1 - 1| and |-3 + 1|, a mean of 1; what its terms say against each other cancels.
    assert found == [
        Importance(score, "history", None, 1.0),
        Importance(score, "season", None, 0.5),
        Importance(score, "history", PROCESS, 2.0),
        Importance(score, "history", "days_since_last_order", 1.0),
        Importance(score, "season", LEVEL, 0.5),
    ]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_importances_of_every_score(shop_home: Home) -> None:
    release = load_deployed(shop_home)
    cutoff = SHOP_CUTOFF
    with Ledger(shop_home).connect() as connection:
        snapshot = compute(connection, cutoff).to_pandas()
    found = importance(release, snapshot, cutoff.day, seed=1)
    assert found == importance(release, snapshot, cutoff.day, seed=1)
    assert {row.score for row in found} == {score.name for score in explained(release.manifest.horizon_days)}
    assert min(row.mean_absolute for row in found) > 0
    assert importance(release, snapshot.iloc[:0], cutoff.day, seed=1) == []


@pytest.mark.slow
def test_a_run_keeps_the_importances_and_its_card_shows_them_and_no_customer(shop_home: Home) -> None:
    from mlflow import MlflowClient  # noqa: PLC0415

    uri = f"sqlite:///{shop_home.mlflow_database}"
    client: Any = MlflowClient(uri, uri)
    champion = registry.champion(shop_home)
    assert champion is not None
    run = champion["run_id"]
    table = json.loads(Path(client.download_artifacts(run, "importance.json")).read_text())
    assert table["columns"] == ["score", "subject", "term", "mean_absolute"]
    whole = {row[1] for row in table["data"] if row[0] == "p_order_90d" and row[2] == "all"}
    text = Path(client.download_artifacts(run, "model_card.md")).read_text()
    section = text.partition("## What moves the scores")[2].partition("\n## ")[0]
    assert all(f"| {TITLES[subject]} | " in section for subject in whole)
    assert "### `p_order_90d`" in section
    assert "### `clv_365d`" in section


@pytest.mark.slow
def test_a_card_of_no_customers_has_no_such_section(shop_home: Home) -> None:
    text = card(Trained(load_deployed(shop_home), [], promoted=True, reasons=()))
    assert "## What moves the scores" not in text
