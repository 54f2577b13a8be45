"""`regulars evaluate --replenishment` from the command line, on the made-up shop."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.home import Home
from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from regulars import cli, settings
from tests.conftest import SHOP_CURRENCY, SHOP_IMPORTED_AT, SHOP_TIME_ZONE
from training.refill_peers import PEERS
from training.replenishment import OURS

ASKED = ["evaluate", "--replenishment", "--as-of", "2023-05-01"]


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(f"REGULARS_{name.upper()}", raising=False)


@pytest.fixture(scope="module")
def home(shop_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a home with orders and products, and nothing trained."""
    home = Home(tmp_path_factory.mktemp("refilling"))
    for table in (ORDERS, PRODUCTS):
        import_files(
            Ledger(home),
            table,
            [shop_files[table.name]],
            imported_at=SHOP_IMPORTED_AT,
            currency=SHOP_CURRENCY,
            time_zone=SHOP_TIME_ZONE,
        )
    return home


def run(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*ASKED, *arguments])
    assert ended.value.code == 0


def test_every_method_is_told_at_both_levels_with_every_metric(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--home", str(home.path), "--json")
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert [(each["level"], each["cutoff"], each["horizon_days"]) for each in found] == [
        ("category", "2023-05-01", 14),
        ("product", "2023-05-01", 14),
    ]
    for each in found:
        named = [row["method"] for row in each["methods"]]
        assert named[0] == OURS
        assert set(named[1:]) <= {peer.name for peer in PEERS}
        assert {"average_precision", "auc", "precision_top_50", "brier", "worst_decile"} <= set(
            each["methods"][0]
        )
        assert len(each["deciles"]) == 10
        assert each["pairs"] > 300
        assert each["dates"]["mean_error_days_of_all"] > 0


def test_what_is_printed_says_who_answered_and_asks_for_the_horizon_given(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--home", str(home.path), "--horizon-days", "30")
    said = capsys.readouterr().out
    assert "Refills at level product as of 2023-05-01, 30 days" in said
    assert "answered by " in said
    assert "Calibration by tenth of the prediction" in said
    assert "last mean gap mean error days of all" in said


def test_a_shop_with_few_customers_and_no_categories_is_told_what_is_missing(
    shop_files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = tmp_path / "orders.csv"
    first, *lines = shop_files["orders"].read_text(encoding="utf-8").splitlines()
    place = first.split(",").index("customer_id")
    customers = sorted({line.split(",")[place] for line in lines})[:30]
    few.write_text("\n".join([first, *(line for line in lines if line.split(",")[place] in customers)]))
    import_files(
        Ledger(Home(tmp_path / "home")),
        ORDERS,
        [few],
        imported_at=SHOP_IMPORTED_AT,
        currency=SHOP_CURRENCY,
        time_zone=SHOP_TIME_ZONE,
    )
    run("--home", str(tmp_path / "home"))
    said = capsys.readouterr().out
    assert "Refills at level product" in said
    assert "precision_top_50 is told of items with 200 such pairs or more; there are none." in said
    assert "Nothing to judge at level category" in said
    assert "`regulars import products` tells categories" in said
