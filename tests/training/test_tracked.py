"""What MLflow's pages show of a training run, read back as they read it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.home import Home
from models.release import load_deployed
from training import registry
from training.card import SECTIONS, Trained, card
from training.evaluate import OURS
from training.metrics import METRICS
from training.peers.shipped import PEERS
from training.slices import SLICES

pytestmark = pytest.mark.slow

CUTOFFS = ("2023-03-29", "2022-12-29")


@pytest.fixture(scope="module")
def shop_client(shop_home: Home) -> Any:  # noqa: ANN401
    from mlflow import MlflowClient  # noqa: PLC0415

    uri = f"sqlite:///{shop_home.mlflow_database}"
    return MlflowClient(uri, uri)


@pytest.fixture(scope="module")
def run(shop_home: Home, shop_client: Any) -> Any:  # noqa: ANN401
    found = registry.champion(shop_home)
    assert found is not None
    return shop_client.get_run(found["run_id"])


def read(client: Any, run: Any, path: str) -> str:  # noqa: ANN401
    return Path(client.download_artifacts(run.info.run_id, path)).read_text(encoding="utf-8")


def test_a_run_has_its_settings_its_process_and_its_fingerprints(shop_home: Home, run: Any) -> None:  # noqa: ANN401
    manifest = load_deployed(shop_home).manifest
    assert run.data.params["as_of"] == "2023-06-27"
    assert run.data.params["test_cutoffs"] == ", ".join(CUTOFFS)
    assert run.data.params["customers"] == "400"
    assert run.data.params["process.kind"] == load_deployed(shop_home).predictors.next_order.process.kind
    assert run.data.tags["data_fingerprint"] == manifest.data_fingerprint
    assert run.data.tags["gate"] == manifest.gate.verdict


def test_a_run_has_ours_and_every_quick_peer_as_series_by_cutoff(shop_client: Any, run: Any) -> None:  # noqa: ANN401
    metrics = run.data.metrics
    days = [int(cutoff.replace("-", "")) for cutoff in reversed(CUTOFFS)]
    for name in (f"brier/{OURS}", *(f"brier_by_slice/{part.name}" for part in SLICES)):
        series = shop_client.get_metric_history(run.info.run_id, name)
        assert [point.step for point in series] == days
        assert all(0 <= point.value < 0.5 for point in series)
    peers = {name.split("/")[1] for name in metrics if name.startswith("brier/")}
    assert peers == {OURS, *(peer.name for peer in PEERS if peer.every_run)}
    assert metrics[f"{OURS}.auc"] == metrics[f"auc/{OURS}"]


def test_a_run_begins_with_what_the_gate_said_and_the_newest_window(run: Any) -> None:  # noqa: ANN401
    told = run.data.tags["mlflow.note.content"]
    assert f"### As of {CUTOFFS[0]}" in told
    assert "| hiatus |" in told
    assert told.startswith("The trees are ")


def test_the_comparison_is_one_table_of_cutoffs_slices_and_methods(shop_client: Any, run: Any) -> None:  # noqa: ANN401
    table = json.loads(read(shop_client, run, "comparison.json"))
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    assert {*(metric.name for metric in METRICS), "brier_lead", "brier_lead_noise"} <= set(table["columns"])
    methods = {OURS, *(peer.name for peer in PEERS if peer.every_run)}
    assert {(row["cutoff"], row["slice"], row["method"]) for row in rows} == {
        (cutoff, part, method)
        for cutoff in CUTOFFS
        for part in ("all", *(each.name for each in SLICES))
        for method in methods
    }
    newest = {row["method"]: row for row in rows if (row["cutoff"], row["slice"]) == (CUTOFFS[0], "all")}
    assert newest["hiatus"]["brier_lead"] == pytest.approx(newest["hiatus"]["brier"] - newest[OURS]["brier"])


def test_every_cutoff_has_its_pictures(shop_client: Any, run: Any) -> None:  # noqa: ANN401
    for cutoff in CUTOFFS:
        found = shop_client.list_artifacts(run.info.run_id, f"figures/{cutoff}")
        names = {"calibration.png", "deciles.png", "lift.png", "timing.png"}
        assert {each.path.rpartition("/")[2] for each in found} == names
        assert all(each.file_size > 5_000 for each in found)


def test_the_model_card_says_what_how_well_and_why(shop_home: Home, shop_client: Any, run: Any) -> None:  # noqa: ANN401
    text, manifest = read(shop_client, run, "model_card.md"), load_deployed(shop_home).manifest
    assert text.startswith(f"# Model card of release {manifest.release}\n")
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [
        title for title, _ in SECTIONS
    ]
    assert all(f"### As of {cutoff}, the 90 days after it" in text for cutoff in CUTOFFS)
    assert all(reason in text for reason in manifest.gate.reasons)
    assert manifest.data_fingerprint in text
    assert f"- The store's level: {load_deployed(shop_home).predictors.next_order.level.says}." in text
    assert "| `churn_probability_90d` | probability | chance of not ordering within 90 days |" in text
    assert " nan " not in text


def test_a_card_without_a_backtest_says_that_nothing_was_checked(shop_home: Home) -> None:
    text = card(Trained(load_deployed(shop_home), [], promoted=False, reasons=("made up",)))
    assert "Not known: the history is too short to predict a past window and check it." in text
    assert "## By kind of customer" not in text
    assert "- made up" in text


def test_a_card_is_the_same_when_written_again(shop_home: Home) -> None:
    trained = Trained(load_deployed(shop_home), [], promoted=True, reasons=())
    assert card(trained) == card(replace(trained))
