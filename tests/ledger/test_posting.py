import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from ledger import erasure, person
from ledger.arrivals import Arrivals, ChangedMeanwhileError
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.posting import Posted, RefusedError, post
from ledger.settling import settle
from ledger.store import Ledger
from ledger.tables.events import EVENTS
from ledger.tables.identities import IDENTITIES
from ledger.tables.orders import ORDERS

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ORDERS_FILE = "customer_id,order_id,ordered_at,net_amount\na,o1,2024-01-02,10\nb,o2,2024-01-03,20\n"
KILLED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import pyarrow as pa
from ledger.home import Home
from ledger.posting import post
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
for number in range(1_000):
    row = {"customer_id": "k", "order_id": f"k{number}", "ordered_at": "2024-02-01", "net_amount": "1"}
    raw = pa.table({"line": pa.array([0], pa.int64()), **{name: [cell] for name, cell in row.items()}})
    post(Ledger(Home(Path(sys.argv[1]))), ORDERS, raw, datetime(2024, 3, 1, tzinfo=UTC))
    print(f"k{number}", flush=True)
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(Home(tmp_path / "home"))
    (tmp_path / "orders.csv").write_text(ORDERS_FILE)
    import_files(ledger, ORDERS, [tmp_path / "orders.csv"], imported_at=NOW, currency="EUR", time_zone="UTC")
    return ledger


def raw(*rows: dict[str, str]) -> pa.Table:
    names = dict.fromkeys(name for row in rows for name in row)
    cells = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    return pa.table({"line": pa.array(range(len(rows)), pa.int64()), **cells})


def order(order_id: str, amount: str = "10", customer_id: str = "a", **more: str) -> dict[str, str]:
    given = {
        "customer_id": customer_id,
        "order_id": order_id,
        "ordered_at": "2024-02-01",
        "net_amount": amount,
    }
    return given | more


def held(ledger: Ledger, order_id: str) -> list[tuple[object, ...]]:
    with ledger.connect() as connection:
        select = f"SELECT net_minor, epoch_us(known_at) FROM ledger_orders WHERE order_id = '{order_id}' ORDER BY 2"
        return connection.execute(select).fetchall()


def test_rows_that_are_settled_twice_are_in_the_tables_once(ledger: Ledger) -> None:
    assert post(ledger, ORDERS, raw(order("n1"), order("n2", "5")), NOW) == Posted(2, 0, 0)
    assert settle(ledger, LATER) == 2
    with Arrivals(ledger.home.arrivals).open() as connection:
        connection.execute(
            "UPDATE arrivals SET settled = 0"
        )  # as a process killed before its last step leaves it
    assert settle(ledger, LATER) == 0
    assert len(held(ledger, "n1")) == 1
    assert Arrivals(ledger.home.arrivals).settled_through() == 2


def test_a_column_that_is_not_given_is_taken_over_from_what_was_posted_before(ledger: Ledger) -> None:
    post(ledger, ORDERS, raw(order("n1", channel="web", line_id="1")), NOW)
    assert post(ledger, ORDERS, raw(order("n1", "12", line_id="1")), LATER) == Posted(0, 1, 0)
    settle(ledger, LATER)
    with ledger.connect() as connection:
        rows = connection.execute("SELECT channel FROM ledger_orders WHERE order_id = 'n1'").fetchall()
    assert rows == [("web",), ("web",)]


def test_what_an_import_contradicted_meanwhile_is_a_later_correction_and_is_not_lost(
    ledger: Ledger, tmp_path: Path
) -> None:
    post(ledger, ORDERS, raw(order("n1", "10")), NOW)
    (tmp_path / "more.csv").write_text("customer_id,order_id,ordered_at,net_amount\na,n1,2024-02-01,11\n")
    import_files(ledger, ORDERS, [tmp_path / "more.csv"], imported_at=NOW)
    assert settle(ledger, LATER) == 1
    (first, _), (second, known_at) = held(ledger, "n1")
    assert (first, second) == (1100, 1000)
    assert known_at == LATER.timestamp() * 1e6


def test_another_value_for_the_same_instant_is_refused_as_an_import_refuses_it(ledger: Ledger) -> None:
    at = {"known_at": "2024-02-02", "line_id": "1"}
    post(ledger, ORDERS, raw(order("n1", "10", **at)), NOW)
    with pytest.raises(RefusedError) as caught:
        post(ledger, ORDERS, raw(order("n2"), order("n1", "11", **at)), NOW)
    ((line, reason),) = caught.value.rows
    assert (line, reason.split(";")[0]) == (
        1,
        "differs from the row the ledger holds with the same key and known_at",
    )
    assert len(Arrivals(ledger.home.arrivals).waiting()[0][ORDERS]) == 1


def test_a_post_about_an_order_that_another_was_about_a_moment_before_is_judged_again(ledger: Ledger) -> None:
    arrivals = Arrivals(ledger.home.arrivals)
    last, _ = arrivals.about(ORDERS, ["n1"])
    post(ledger, ORDERS, raw(order("n1")), NOW)
    _, rows = arrivals.about(ORDERS, ["n1"])
    with pytest.raises(ChangedMeanwhileError):
        arrivals.append(ORDERS, rows, ["a"], after=last, before_commit=lambda: None)
    assert arrivals.about(ORDERS, ["n1"])[0] == 1


def test_an_account_that_is_another_customers_by_now_is_told_as_his(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "who.csv").write_text("anonymous_id,customer_id,known_at,how\nv1,a,2024-01-05,login\n")
    import_files(ledger, IDENTITIES, [tmp_path / "who.csv"], imported_at=NOW)
    event = {"event": "Product Viewed", "happened_at": "2024-02-01", "anonymous_id": "v1"}
    post(ledger, EVENTS, raw(event), NOW)
    with Arrivals(ledger.home.arrivals).open() as connection:
        assert connection.execute("SELECT anonymous_id, whose FROM arrivals").fetchall() == [("v1", "a")]


def erase(ledger: Ledger, customer_id: str, at: datetime) -> None:
    with ledger.connect() as connection:
        found = person.find(connection, customer_id, at)
    with ledger.exclusive():
        erasure.remember(ledger, found, at, "salt")
    Arrivals(ledger.home.arrivals).forget(found.ids)


def test_what_an_erased_customer_did_before_is_refused_and_nothing_of_him_is_left_in_the_file(
    ledger: Ledger,
) -> None:
    post(ledger, ORDERS, raw(order("n1", customer_id="customer-x"), order("n2")), NOW)
    erase(ledger, "customer-x", NOW)
    for path in ledger.home.path.glob("arrivals.db*"):
        assert b"customer-x" not in path.read_bytes()
    with pytest.raises(RefusedError, match="1 rows refused"):
        post(ledger, ORDERS, raw(order("n3"), order("n1", customer_id="customer-x")), LATER)
    assert post(
        ledger, ORDERS, raw(order("n4", customer_id="customer-x", ordered_at="2024-03-01T12:30:00")), LATER
    )
    assert settle(ledger, LATER) == 2


def test_who_is_erased_while_his_order_is_being_taken_does_not_come_back(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    whose = "ledger.posting._whose"

    def erased_meanwhile(*_: object) -> list[str]:
        erase(ledger, "x", NOW)
        return ["x"]

    monkeypatch.setattr(whose, erased_meanwhile)
    with pytest.raises(RefusedError):
        post(ledger, ORDERS, raw(order("n1", customer_id="x")), NOW)
    assert Arrivals(ledger.home.arrivals).waiting()[1] == 0


def test_no_row_that_was_acknowledged_is_lost_when_the_process_is_killed(ledger: Ledger) -> None:
    command = [sys.executable, "-c", KILLED, str(ledger.home.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().strip() for _ in range(5)]
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.read().split()
    settle(ledger, LATER)
    with ledger.connect() as connection:
        found = {name for (name,) in connection.execute("SELECT order_id FROM ledger_orders").fetchall()}
    assert set(acknowledged) <= found
    assert len(acknowledged) >= 5


def test_rows_are_kept_until_a_served_run_is_made_of_them(ledger: Ledger) -> None:
    arrivals = Arrivals(ledger.home.arrivals)
    post(ledger, ORDERS, raw(order("n1"), order("n2", ordered_at="2024-02-20")), NOW)
    arrivals.drop(2, datetime(2024, 3, 1, tzinfo=UTC))
    assert arrivals.waiting()[0][ORDERS].num_rows == 2
    settle(ledger, LATER)
    arrivals.drop(2, datetime(2024, 2, 10, tzinfo=UTC))
    assert arrivals.of(["a"])[ORDERS]["order_id"].to_pylist() == ["n2"]
