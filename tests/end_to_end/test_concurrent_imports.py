"""Imports at the same time, while others read: nothing is lost, nothing comes twice, and nobody sees a half."""

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from ledger.home import Home
from ledger.store import Ledger
from tests.end_to_end import imports

pytestmark = pytest.mark.slow

ORDERS = "customer_id,order_id,line_id,ordered_at,product_id,net_amount\n"


class Seen(NamedTuple):
    """What one reader saw at once: rows of tables, and orders of whose customers the ledger knows nothing."""

    orders: int
    customers: int
    products: int
    rejected: int
    strangers: int


def _orders(numbers: range) -> str:
    """Return rows of customers called by their address, each its own, and one row that is refused."""
    rows = "".join(f"c{number}@example.com,{number},1,2024-01-31,p{number % 9},3\n" for number in numbers)
    return ORDERS + rows + ",none,1,2024-01-31,p,3\n"


def _files(folder: Path) -> list[tuple[str, Path]]:
    """Return eight overlapping files and what each is imported as."""
    texts = {
        "orders-1": _orders(range(400)),
        "orders-2": _orders(range(200, 600)),
        "orders-3": _orders(range(500, 900)),
        "orders-4": _orders(range(900)),
        "customers-1": "customer_id,known_at,city\n"
        + "".join(f"k{number},2024-02-01,Ulm\n" for number in range(300)),
        "customers-2": "customer_id,known_at,city\n"
        + "".join(f"k{number},2024-02-01,Ulm\n" for number in range(150, 450)),
        "products-1": "product_id,title\n" + "".join(f"p{number},Tea\n" for number in range(300)),
        "products-2": "product_id,title\n" + "".join(f"p{number},Tea\n" for number in range(150, 450)),
    }
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    # Four at a time: two overlapping ones of a table at once, and two tables with them.
    waves = (
        "orders-1",
        "orders-2",
        "customers-1",
        "products-1",
        "orders-3",
        "orders-4",
        "customers-2",
        "products-2",
    )
    return [(name.split("-")[0], folder / f"{name}.csv") for name in waves]


def _arguments(table: str, file: Path, home: Home) -> list[str]:
    shop = ["--currency", "EUR", "--time-zone", "UTC"]
    return ["import", table, str(file), "--home", str(home.path), *shop]


def _seen(home: Home) -> Seen:
    with Ledger(home).connect() as connection:
        counts = [
            f"(SELECT count(*) FROM ledger_{name})"
            for name in ("orders", "customers", "products", "rejected")
        ]
        strangers = "(SELECT count(*) FROM ledger_orders ANTI JOIN ledger_customers USING (customer_id))"
        return Seen(*connection.execute(f"SELECT {', '.join([*counts, strangers])}").fetchall()[0])


def test_four_imports_at_once_leave_what_one_after_the_other_leaves_and_readers_see_whole_imports(
    tmp_path: Path,
) -> None:
    home, files = Home(tmp_path / "at once"), _files(tmp_path)
    seen: list[Seen] = []
    for four in (files[:4], files[4:]):
        running = [imports.start(_arguments(table, file, home)) for table, file in four]
        while any(process.is_alive() for process in running):
            seen.append(_seen(home))
        assert [imports.ended(process) for process in running] == [0] * 4
    in_turn = Home(tmp_path / "in turn")
    for table, file in files:
        assert imports.run(_arguments(table, file, in_turn)) == 0

    last = _seen(home)
    assert last == Seen(orders=900, customers=900 + 450, products=450, rejected=4, strangers=0)
    assert imports.content(home) == imports.content(in_turn)
    assert {each.strangers for each in seen} == {0}
    assert all(
        then <= now for earlier, later in pairwise(seen) for then, now in zip(earlier, later, strict=True)
    )
    assert len({each for each in seen if each != last}) >= 2, (
        "the readers saw the ledger while it was written"
    )
    assert not home.work.exists()
