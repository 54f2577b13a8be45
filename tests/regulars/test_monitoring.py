"""What `regulars monitor` tells of a shop whose future is known."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import typer
from typer.testing import CliRunner, Result

from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from regulars import monitoring
from regulars.monitoring import look, measured
from serving import tables
from serving.monitoring import words
from serving.monitoring.report import read
from tests.serving.shop import CUTOFF, Shop, make_shop

NOW = datetime(2023, 12, 1, tzinfo=UTC)
DAY_90 = "2023-09-25"  # the ninetieth day after 27 June, which is the first after the horizon

app = typer.Typer()
app.command()(monitoring.monitor)


def silent(_step: str, _share: float) -> None:
    """Tell nobody."""


@pytest.fixture(scope="module")
def made(shop_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return make_shop(tmp_path_factory.mktemp("monitored") / "home", shop_files)


@pytest.fixture
def own(made: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(made.home.path, tmp_path / "home")
    return Shop(type(made.home)(tmp_path / "home"), made.release, made.summary)


def order_later(shop: Shop, folder: Path, lines: list[str]) -> None:
    file = folder / "later.csv"
    file.write_text("\n".join(["customer_id,order_id,ordered_at,net_amount", *lines]) + "\n")
    import_files(Ledger(shop.home), ORDERS, [file], imported_at=NOW)


def called_likely_to_leave(shop: Shop) -> list[str]:
    scores = tables.read_newest(shop.home.scores)
    assert scores is not None
    return list(scores.filter(pc.greater(scores["churn_probability_90d"], 0.66))["customer_id"].to_pylist())


def test_a_run_is_not_judged_before_its_horizon_is_over(own: Shop, tmp_path: Path) -> None:
    order_later(own, tmp_path, [f"c001,l1,{DAY_90[:8]}23T12:00:00,10"])
    found = look(Ledger(own.home), NOW, silent)
    assert found.happened == ()
    assert found.over_on is not None
    assert found.over_on.isoformat() == DAY_90
    assert words.honest(found) is None
    assert any(DAY_90 in line for line in words.lines(found))


def test_who_was_called_likely_to_leave_is_counted_by_what_he_then_did(own: Shop, tmp_path: Path) -> None:
    likely = called_likely_to_leave(own)
    # The first comes back twice, the second on the first day after the horizon: too late.
    lines = [
        f"{likely[0]},l1,2023-07-02T12:00:00,10",
        f"{likely[0]},l2,2023-09-24T12:00:00,30",
        f"{likely[1]},l3,{DAY_90}T12:00:00,10",
    ]
    order_later(own, tmp_path, lines)
    (past,) = look(Ledger(own.home), NOW, silent).happened
    assert past.called is not None
    assert (past.called.customers, past.called.left) == (len(likely), len(likely) - 1)
    assert (past.as_of, past.ordered, past.release) == (CUTOFF.local_date, 1, own.release.id)
    assert sum(each.orders for each in past.groups) == 2
    assert sum(each.value for each in past.groups) == 40
    assert sum(each.customers for each in past.groups) == past.customers == own.summary.facts.customers


def test_scores_are_judged_as_they_were_stored_and_not_as_they_would_be_now(
    own: Shop, tmp_path: Path
) -> None:
    record = tables.read_newest(own.home.scores)
    assert record is not None
    name = "churn_probability_90d"
    sure = record.set_column(record.column_names.index(name), name, pa.array([0.9] * len(record)))
    tables.replace_as_of(own.home.scores, sure, CUTOFF.at)
    order_later(own, tmp_path, [f"c001,l1,{DAY_90}T12:00:00,10"])
    found = look(Ledger(own.home), NOW, silent)
    called = found.happened[0].called
    assert called is not None
    assert (called.customers, called.left) == (len(record), len(record))
    assert [each.name for each in found.replays[0].recorded] == [name]
    assert any(line.startswith("REPLAY DIFFERS") for line in words.lines(found))


def run(shop: Shop, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--home", str(shop.home.path), *arguments])


def test_the_command_says_what_it_found_and_keeps_it_for_the_service(own: Shop) -> None:
    said = run(own)
    assert said.exit_code == 0
    assert "No run can be judged by what happened yet" in said.stdout
    assert "features drifted from training as of 2023-06-27 by more than luck explains" in said.stdout
    assert "came out as they were stored" in said.stdout
    told = json.loads(run(own, "--json").stdout)
    kept = read(own.home)
    assert kept is not None
    assert kept.model_dump(mode="json") == told


def test_what_is_kept_names_no_customer(own: Shop, tmp_path: Path) -> None:
    order_later(own, tmp_path, [f"c001,l1,{DAY_90}T12:00:00,10"])
    look(Ledger(own.home), NOW, silent)
    text = own.home.monitoring.read_text()
    assert [customer for customer in called_likely_to_leave(own) if f'"{customer}"' in text] == []


def test_mlflow_is_told_drift_by_the_day_of_the_run_and_outcomes_by_the_day_predicted(
    own: Shop, tmp_path: Path
) -> None:
    order_later(own, tmp_path, [f"c001,l1,{DAY_90}T12:00:00,10"])
    found = measured(look(Ledger(own.home), NOW, silent))
    by_name = {each.name: each for each in found}
    assert by_name["drift/orders"].value == 0
    assert by_name["replay/columns_that_differ"].value == 0
    assert by_name["happened/brier"].value > 0
    assert {each.day for each in found} == {CUTOFF.local_date}
