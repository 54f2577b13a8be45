import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import typer
from typer.testing import CliRunner, Result

from ledger.arrivals import Arrivals
from ledger.errors import InputError
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.person import sought
from ledger.posting import post
from ledger.proof import search
from ledger.store import Ledger
from ledger.tables.customers import CUSTOMERS
from ledger.tables.orders import ORDERS
from ledger.tables.rejected import REJECTED
from regulars import erasing
from serving import forgetting, tables
from serving.export.csv import CSV
from serving.export.delivery import Request, to_files
from serving.store import PublishedRun
from tests.serving.shop import NOW, make_shop

CUSTOMER, EMAIL = "c007", "seven@example.org"
CUSTOMERS_FILE = (
    f"customer_id,known_at,email\n{CUSTOMER},2023-01-01,{EMAIL}\nc008,2023-01-01,eight@example.org\n"
)
REFUSED_FILE = f"customer_id,order_id,ordered_at,net_amount\n{CUSTOMER},x1,not a day,1\nc008,x2,not a day,1\n"
app = typer.Typer()
app.command()(erasing.erase)


@pytest.fixture(scope="module")
def files(shop_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the made-up shop's files, and two more about one of its customers."""
    folder = tmp_path_factory.mktemp("more")
    (folder / "customers.csv").write_text(CUSTOMERS_FILE)
    (folder / "refused.csv").write_text(REFUSED_FILE)
    return shop_files | {"customers": folder / "customers.csv", "refused": folder / "refused.csv"}


@pytest.fixture(scope="module")
def made(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = make_shop(tmp_path_factory.mktemp("made") / "home", files).home
    ledger = Ledger(home)
    import_files(ledger, CUSTOMERS, [files["customers"]], imported_at=NOW)
    import_files(ledger, ORDERS, [files["refused"]], imported_at=NOW)
    return home.path


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Home:
    """Return a home where the customer bought, was scored, gave an e-mail and had a row refused."""
    shutil.copytree(made, tmp_path / "home")
    return Home(tmp_path / "home")


def run(home: Home, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--home", str(home.path)])


def answer(home: Home, *arguments: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(run(home, *arguments, "--json").stdout)
    return found


def known(home: Home, asked: str = CUSTOMER) -> forgetting.Known:
    return forgetting.look_up(Ledger(home), asked, datetime.now(UTC))


def test_a_customer_is_gone_from_the_whole_home_and_the_search_says_so(home: Home) -> None:
    wanted = sought(known(home).person)
    before = {Path(one.path).parts[0] for one in search(home, wanted).found}
    assert before == {"ledger", "scores", "replenishment", "memberships", "movements", "published"}
    told = run(home, EMAIL, "--yes")
    assert told.exit_code == 0
    assert "Places that still hold the customer: 0" in told.stdout
    assert "Trained while the customer was known: 2023-06-27-" in told.stdout
    assert search(home, wanted).found == ()


def test_what_was_posted_to_the_service_goes_too(home: Home) -> None:
    lines = [
        (CUSTOMER, "posted-1"),
        (CUSTOMER, "posted-2"),
        ("c008", "posted-3"),
        ("posted-alone", "posted-4"),
    ]
    for customer, order in lines:
        line = {"customer_id": customer, "order_id": order, "ordered_at": "2023-06-28", "net_amount": "5"}
        cells = {name: pa.array([cell], pa.string()) for name, cell in line.items()}
        post(Ledger(home), ORDERS, pa.table({"line": pa.array([0], pa.int64()), **cells}), NOW)
    told = run(home, CUSTOMER, "--yes")
    assert "Places that still hold the customer: 0" in told.stdout
    assert answer(home, "posted-alone", "--yes")["removed"] == {"orders": 1}
    with Arrivals(home.arrivals).open() as held:
        assert held.execute("SELECT whose FROM arrivals").fetchall() == [("c008",)]


def test_the_others_stay_and_go_on_being_served(home: Home) -> None:
    scored = PublishedRun.open(home).facts.customers
    run(home, CUSTOMER, "--yes")
    published = PublishedRun.open(home)
    assert published.facts.customers == scored - 1
    assert published.customer(CUSTOMER) is None
    assert published.customer("c008") is not None
    assert known(home, "c008").rows["rejected"] == 1


def test_the_report_counts_rows_and_names_no_value_but_the_one_asked(home: Home) -> None:
    rows = known(home).rows
    told = run(home, CUSTOMER, "--yes", "--json")
    report = json.loads(told.stdout)
    assert EMAIL not in told.output
    assert (report["customer"], report["removed"], report["emails"]) == (CUSTOMER, rows, 1)
    assert rows["customers"] == rows["rejected"] == rows["scores"] == 1
    assert report["proof"]["found"] == []
    assert report["proof"]["files"] == sum(report["proof"]["kinds"].values())


def test_a_search_alone_removes_nothing_and_ends_with_1_while_something_holds_him(home: Home) -> None:
    told = run(home, CUSTOMER, "--check")
    assert told.exit_code == 1
    assert "STILL HELD in scores/" in told.stdout
    assert known(home).rows["scores"] == 1


def test_where_nobody_can_be_asked_nothing_is_removed(home: Home) -> None:
    told = run(home, CUSTOMER)
    assert str(told.exception) == (
        "nothing was erased: it cannot be undone, so give --yes where nobody can be asked"
    )
    assert known(home).rows["scores"] == 1


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Return what is written to as a user types: a terminal is in place of standard input."""
    typed, terminal = os.openpty()
    with os.fdopen(terminal) as stdin, os.fdopen(typed, "wb") as keys:
        monkeypatch.setattr("sys.stdin", stdin)
        yield keys.fileno()


def test_at_a_terminal_it_says_what_goes_and_a_yes_lets_it_go_on(
    home: Home, keyboard: int, capsys: pytest.CaptureFixture[str]
) -> None:
    os.write(keyboard, b"y\n")
    erasing.ask(known(home))
    said = capsys.readouterr().err
    assert said.startswith("Rows to remove: orders ")
    assert "\nKnown by 2 ids, 1 e-mails, 0 phones\n" in said


def test_at_a_terminal_a_no_ends_it(home: Home, keyboard: int) -> None:
    os.write(keyboard, b"n\n")
    with pytest.raises(InputError, match=r"^nothing was erased$"):
        erasing.ask(known(home))


def test_somebody_unknown_is_an_error(home: Home) -> None:
    told = run(home, "nobody", "--yes")
    assert str(told.exception) == f"no customer 'nobody' in {home.path}; give an id, an e-mail or a phone"


def test_somebody_unknown_can_be_searched_for(home: Home) -> None:
    (home.path / "note.txt").write_text("ask nobody@example.org")
    told = run(home, "nobody@example.org", "--check")
    assert (told.exit_code, "STILL HELD in note.txt: text, 1 times" in told.stdout) == (1, True)


def test_somebody_erased_already_is_told_and_searched_for_again(home: Home) -> None:
    run(home, CUSTOMER, "--yes")
    told = run(home, CUSTOMER)
    assert told.exit_code == 0
    assert told.stdout.startswith("Erased before, on 20")
    (home.path / "late.json").write_text(f'{{"customer_id": "{CUSTOMER}"}}')
    assert run(home, CUSTOMER).exit_code == 1


def test_after_an_erasure_an_email_is_recognised_though_only_the_id_was_given(home: Home) -> None:
    run(home, CUSTOMER, "--yes")
    assert answer(home, EMAIL)["erased_before"] is not None


@pytest.mark.parametrize("taken", [0, 1, 2, 3, 4])
def test_an_erasure_that_was_killed_between_two_steps_is_finished_by_the_same_command(
    home: Home, taken: int
) -> None:
    ledger, before = Ledger(home), known(home)
    wanted = sought(before.person)
    with ledger.exclusive():
        for step in forgetting.steps(ledger, before, datetime.now(UTC))[:taken]:
            step.take()
    told = run(home, CUSTOMER, "--yes")
    assert told.exit_code == 0
    assert search(home, wanted).found == ()


def test_an_erasure_that_was_killed_before_old_files_were_removed_is_finished_too(home: Home) -> None:
    ledger, before = Ledger(home), known(home)
    wanted = sought(before.person)
    held = {path: path.read_bytes() for path in home.ledger.rglob("*") if path.is_file()}
    run(home, CUSTOMER, "--yes")
    for path, content in held.items():
        if not path.exists():
            path.write_bytes(content)  # as if the removal had not come so far
    assert search(home, wanted).found
    assert ledger.files(ORDERS)
    told = run(home, CUSTOMER)
    assert told.exit_code == 0
    assert search(home, wanted).found == ()


def test_importing_the_same_files_again_does_not_bring_him_back(home: Home, files: dict[str, Path]) -> None:
    wanted = sought(known(home).person)
    run(home, CUSTOMER, "--yes")
    ledger, later = Ledger(home), datetime.now(UTC) + timedelta(hours=1)
    for table, name in ((ORDERS, "orders"), (ORDERS, "refused"), (CUSTOMERS, "customers")):
        import_files(ledger, table, [files[name]], imported_at=later)
    assert search(home, wanted).found == ()
    with ledger.connect() as connection:
        texts = connection.execute(
            f"SELECT DISTINCT raw FROM ledger_{REJECTED.name} WHERE raw LIKE '%withheld%'"
        )
        assert texts.fetchall()


def test_what_he_buys_after_the_erasure_is_a_new_history(home: Home, tmp_path: Path) -> None:
    run(home, CUSTOMER, "--yes")
    later = datetime.now(UTC) + timedelta(hours=1)
    bought = tmp_path / "new.csv"
    bought.write_text(f"customer_id,order_id,ordered_at,net_amount\n{CUSTOMER},n1,{later.isoformat()},5\n")
    report = import_files(Ledger(home), ORDERS, [bought], imported_at=later)
    assert (report.added, report.rejected) == (1, 0)
    assert known(home).rows == {"orders": 1}
    assert "What is held came after that erasure" in run(home, CUSTOMER, "--check").stdout


def test_releases_of_before_his_first_order_are_not_named(home: Home) -> None:
    first = known(home).person.first_known_at
    assert first is not None
    assert len(forgetting.releases_with(home, first)) == 1
    assert forgetting.releases_with(home, first + timedelta(days=1000)) == ()
    assert forgetting.releases_with(home, None) == ()


def test_a_release_that_does_not_say_when_it_was_trained_is_named(home: Home) -> None:
    damaged = home.releases / "damaged"
    damaged.mkdir()
    (damaged / "manifest.json").write_text("{")
    assert "damaged" in forgetting.releases_with(home, datetime(2030, 1, 1, tzinfo=UTC))


def test_a_list_elsewhere_that_holds_the_customer_is_named_and_the_next_delivery_removes_him(
    home: Home, tmp_path: Path
) -> None:
    memberships = tables.read(home.memberships)
    assert memberships is not None
    present = memberships.filter(pc.is_null(memberships["left_at"]))
    segment = present.filter(pc.equal(present["customer_id"], CUSTOMER))["segment"][0].as_py()
    request = Request(home, segment, NOW, delta=True)
    to_files(request, CSV, tmp_path / "x.csv")
    told = run(home, CUSTOMER, "--yes")
    assert told.exit_code == 0, told.stdout
    assert f"Delivered to: {segment} at csv" in told.stdout
    assert "deliveries 1" in told.stdout
    to_files(request, CSV, tmp_path / "x.csv")
    hashed = hashlib.sha256(CUSTOMER.encode()).hexdigest()
    assert (tmp_path / "x.remove.csv").read_text() == f'"customer_id","customer_id_sha256"\n,"{hashed}"\n'
