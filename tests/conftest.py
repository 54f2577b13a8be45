"""What several packages' tests share: a small made-up shop, and that shop imported, trained and scored."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from features.cutoff import Cutoff
from ledger.errors import InputError
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from tests.end_to_end.serving import running

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def _scratch(what: str) -> str:
    """Return a new directory that goes when the tests' process ends."""
    directory = tempfile.mkdtemp(prefix=f"regulars-tests-{what}-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


# Read once, when BentoML is first imported: no telemetry, and nothing left in the user's own directory.
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
# Tests that run side by side inherit what the process above them set: one's requests would be counted with another's.
for _variable in ("BENTOML_HOME", "PROMETHEUS_MULTIPROC_DIR"):
    if _variable not in os.environ or "PYTEST_XDIST_WORKER" in os.environ:
        os.environ[_variable] = _scratch(_variable.lower())
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("OTEL_SDK_DISABLED", "true")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line sets it, before LightGBM is loaded

SHOP_CURRENCY = "EUR"
SHOP_TIME_ZONE = "Europe/Berlin"
SHOP_FIRST_DAY = date(2022, 1, 3)
SHOP_DAYS = 540
SHOP_CUTOFF = Cutoff.at_midnight(SHOP_FIRST_DAY + timedelta(days=SHOP_DAYS), SHOP_TIME_ZONE)
SHOP_IMPORTED_AT = datetime(2023, 7, 1, tzinfo=UTC)
SHOP_HORIZON_DAYS = 90
SHOP_SEED = 7

CATEGORIES = (
    "Coffee > Beans",
    "Coffee > Filters",
    "Tea > Green",
    "Tea > Black",
    "Pets > Dog food",
    "Care > Soap",
)


def shop_products(count: int = 30) -> pd.DataFrame:
    """Return products in the plain format, spread over the categories in turn."""
    numbers = np.arange(count)
    return pd.DataFrame(
        {
            "product_id": [f"p{number:02d}" for number in numbers],
            "known_at": "2022-01-01",
            "title": [f"Product {number}" for number in numbers],
            "category": [CATEGORIES[number % len(CATEGORIES)] for number in numbers],
            "price": 3.0 + numbers,
        }
    )


def shop_orders(customers: int = 400, seed: int = SHOP_SEED) -> pd.DataFrame:
    """
    Return a made-up shop's order lines in the plain format.

    Each customer starts on a day of the first 400, orders again after gamma-distributed gaps of its own
    mean, leaves after each order with a probability of its own, and buys one to three of four products it
    likes. One order in fifty has a line that is refunded ten days later.
    """
    random = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for customer in range(customers):
        mean_gap_days, leaves = random.gamma(4.0, 9.0) + 4.0, random.beta(1.0, 9.0)
        likes = random.choice(30, size=4, replace=False)
        day = float(random.integers(0, 400))
        while day < SHOP_DAYS:
            rows += _order(random, f"c{customer:03d}", len(rows), day, likes)
            if random.random() < leaves:
                break
            day += random.gamma(3.0, mean_gap_days / 3.0) + 1.0
    return pd.DataFrame(rows)


def _order(
    random: np.random.Generator, customer: str, number: int, day: float, likes: np.ndarray
) -> list[dict[str, object]]:
    at = datetime.combine(SHOP_FIRST_DAY, datetime.min.time()) + timedelta(
        days=int(day), minutes=int(random.integers(8 * 60, 21 * 60))
    )
    lines: list[dict[str, object]] = []
    for product in random.choice(likes, size=random.integers(1, 4), replace=False):
        quantity = int(random.integers(1, 4))
        lines.append(
            {
                "customer_id": customer,
                "order_id": f"o{number:05d}",
                "ordered_at": at.isoformat(sep=" "),
                "known_at": None,
                "product_id": f"p{product:02d}",
                "quantity": quantity,
                "net_amount": f"{quantity * (3.0 + product):.2f}",
                "status": "paid",
            }
        )
    refunded_at = at + timedelta(days=10)
    if number % 50 == 0 and refunded_at.date() < SHOP_FIRST_DAY + timedelta(days=SHOP_DAYS):
        first = lines[0]
        refund = {
            "known_at": refunded_at.isoformat(sep=" "),
            "net_amount": f"-{first['net_amount']}",
            "status": "refunded",
        }
        lines.append(first | refund)
    return lines


@pytest.fixture(scope="session")
def shop_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the made-up shop's `orders` and `products` as CSV files in the plain format."""
    folder = tmp_path_factory.mktemp("shop")
    files = {name: folder / f"{name}.csv" for name in ("orders", "products")}
    shop_orders().to_csv(files["orders"], index=False)
    shop_products().to_csv(files["products"], index=False)
    return files


@pytest.fixture(scope="session")
def shop_home(shop_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a home with the made-up shop imported, trained and scored as of SHOP_CUTOFF; read it, never write."""
    # Imported here: most tests need neither, and LightGBM and MLflow take seconds.
    from regulars import scoring  # noqa: PLC0415
    from training.train import train  # noqa: PLC0415

    home = Home(tmp_path_factory.mktemp("shop-home"))
    ledger = Ledger(home)
    for table in (ORDERS, PRODUCTS):
        import_files(
            ledger,
            table,
            [shop_files[table.name]],
            imported_at=SHOP_IMPORTED_AT,
            currency=SHOP_CURRENCY,
            time_zone=SHOP_TIME_ZONE,
        )
    train(home, cutoff=SHOP_CUTOFF, horizon_days=SHOP_HORIZON_DAYS, seed=SHOP_SEED)
    scoring.score(home, SHOP_CUTOFF, lambda _step, _share: None)
    return home


@pytest.fixture(scope="session")
def shop_service(shop_home: Home) -> Iterator[str]:
    """Return the address of `regulars serve` on the made-up shop, ready."""
    with running(shop_home) as service:
        yield service.address


@pytest.fixture(scope="session")
def spark_session() -> Iterator["SparkSession"]:
    """Return the one Spark session of a test run, small; skips where there is no pyspark or no Java."""
    from features.engines.spark import open_session  # noqa: PLC0415 - an extra, and slow to import

    small = {
        "spark.master": "local[2]",
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",  # most of a small query's time is compiling it
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",  # where large results are fetched from
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
    }
    try:
        session = open_session(small)
    except InputError as error:
        pytest.skip(str(error))
    yield session
    session.stop()
