"""The training job: what it makes, what it serves, and that a second run changes nothing."""

from datetime import timedelta
from pathlib import Path

import pytest

from features.cutoff import Cutoff
from ledger.errors import InputError
from ledger.home import Home
from ledger.store import Ledger
from models.release import deployed_release, load_deployed
from tests.conftest import SHOP_CUTOFF, SHOP_FIRST_DAY, SHOP_HORIZON_DAYS, SHOP_SEED, SHOP_TIME_ZONE
from training.dataset import Dataset
from training.evaluate import OURS, evaluate
from training.fit import fit_customers
from training.gate import ACCURACY, BOUNDS
from training.peers.shipped import PEERS
from training.slices import SLICES
from training.train import train


@pytest.mark.slow
def test_the_same_ledger_and_seed_give_the_release_that_is_served_already(shop_home: Home) -> None:
    before = deployed_release(shop_home)
    again = train(shop_home, cutoff=SHOP_CUTOFF, horizon_days=SHOP_HORIZON_DAYS, seed=SHOP_SEED)
    assert again.release == before
    assert again.promoted
    assert again.reasons == (
        "it is the release that is served already: same data, same settings, same result",
    )
    assert again.backtests == ("2023-03-29", "2022-12-29")


@pytest.mark.slow
def test_a_release_says_of_what_it_is_made(shop_home: Home) -> None:
    manifest = load_deployed(shop_home).manifest
    ledger = Ledger(shop_home)
    assert manifest.as_of == SHOP_CUTOFF.local_date.isoformat()
    assert manifest.data_fingerprint == ledger.fingerprint()
    assert (manifest.currency, manifest.time_zone) == ("EUR", SHOP_TIME_ZONE)
    assert {"A_1", "C_1", "A_3", "C_3"} <= set(manifest.lifecycle_limits)
    assert manifest.metrics[f"{OURS}.auc"] > manifest.metrics["hiatus.auc"] - 0.05
    assert {reason.split()[0] for reason in manifest.gate.reasons} >= {*ACCURACY, *(b.metric for b in BOUNDS)}


@pytest.mark.slow
def test_fitting_as_of_a_date_looks_at_nothing_after_it(shop_home: Home) -> None:
    as_of = SHOP_CUTOFF.plus_days(-SHOP_HORIZON_DAYS)
    connection = Ledger(shop_home).connect()
    whole = Dataset(connection, SHOP_CUTOFF, SHOP_HORIZON_DAYS)
    only_before = Dataset(connection, as_of, SHOP_HORIZON_DAYS)
    one, other = (fit_customers(dataset, as_of, SHOP_SEED) for dataset in (whole, only_before))
    assert one.next_order.process == other.next_order.process
    assert one.next_order.correction is not None
    assert other.next_order.correction is not None
    assert one.next_order.correction.text == other.next_order.correction.text


@pytest.mark.slow
def test_an_evaluation_puts_ours_beside_every_peer(shop_home: Home) -> None:
    cutoff = SHOP_CUTOFF.plus_days(-SHOP_HORIZON_DAYS)
    found = evaluate(Ledger(shop_home).connect(), cutoff, SHOP_HORIZON_DAYS, SHOP_SEED)
    methods = [row["method"] for row in found.rows]
    assert methods == [OURS, *(peer.name for peer in PEERS)]
    assert [part.name for part in found.slices] == [part.name for part in SLICES]
    assert {row["method"] for part in found.slices for row in part.rows} == set(methods)
    assert 0 < found.ordered_share < 1
    assert found.metrics["brier"] < 0.25


def test_a_date_before_all_history_is_refused(shop_home: Home) -> None:
    early = Cutoff.at_midnight(SHOP_FIRST_DAY - timedelta(days=1), SHOP_TIME_ZONE)
    with pytest.raises(InputError, match="no customer is known before 2022-01-02; choose a later --as-of"):
        evaluate(Ledger(shop_home).connect(), early, 90, 1)


def test_a_window_that_is_not_over_cannot_be_evaluated(shop_home: Home) -> None:
    late = SHOP_CUTOFF.plus_days(-30)
    with pytest.raises(
        InputError, match=r"orders end \d+ days before the 90 days after .* choose an earlier"
    ):
        evaluate(Ledger(shop_home).connect(), late, 90, 1)


def test_a_home_without_orders_says_how_to_import_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run `regulars import orders FILE`"):
        train(Home(tmp_path), cutoff=SHOP_CUTOFF, horizon_days=90, seed=1)
