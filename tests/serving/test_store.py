import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pytest

from ledger.errors import InputError
from ledger.home import Home
from serving import publishing, store
from serving.facts import RunFacts, SegmentFacts
from serving.pointer import RUNS_KEPT, current_run
from serving.publishing import publish
from serving.reminders import demand, suggestion
from serving.store import PublishedRun
from serving.stored_features import selected

MONDAY = dt.datetime(2018, 1, 1, 5, tzinfo=dt.UTC)


def facts(as_of: dt.datetime = MONDAY, **sizes: int) -> RunFacts:
    segments = tuple(
        SegmentFacts(
            name=name,
            title="T",
            group="history",
            description="D.",
            expression="orders = 1",
            sentence="s",
            advice="A.",
            size=size,
            value=0.0,
        )
        for name, size in sizes.items()
    )
    return RunFacts(
        release="r1",
        as_of=as_of,
        data_through=as_of,
        currency="USD",
        time_zone="UTC",
        customers=3,
        likely_to_leave=1,
        money_at_stake=10.0,
        due_this_week=0,
        honesty="h",
        segments=segments,
    )


def put(home: Home, customers: list[str], as_of: dt.datetime = MONDAY) -> str:
    """Publish customers who are all in `all`, and the first of them in `one`."""
    segments = [(customer, "all") for customer in customers] + [(customers[0], "one")]
    memberships = pa.table(
        {
            "customer_id": [customer for customer, _ in segments],
            "segment": [segment for _, segment in segments],
            "entered_at": pa.array([as_of] * len(segments), pa.timestamp("us", tz="UTC")),
            "reasons": [[f"reason of {customer}"] for customer, _ in segments],
        }
    )
    return publish(
        home,
        scores=pa.table(
            {"customer_id": customers, "clv_365d": [float(len(customer)) for customer in customers]}
        ),
        memberships=memberships,
        replenishment=pa.table(
            {
                "customer_id": [customers[-1]] * 2,
                "level": ["product"] * 2,
                "product_id": ["p2", "p1"],
                "category": ["b", "a"],
            }
        ),
        suggestions=suggestion.SCHEMA.empty_table(),
        demand=demand.SCHEMA.empty_table(),
        products=pa.table({"product_id": ["p2", "p1", "p2"], "category": ["b", "a", "c"]}),
        store=pa.table({"as_of_day": [17532], "orders_30d": [3]}),
        features=selected(
            pa.table(
                {
                    "customer_id": sorted(customers),
                    "orders": [len(customer) for customer in sorted(customers)],
                }
            ),
            ["orders"],
        ),
        facts=facts(as_of, all=len(customers), one=1),
    )


CUSTOMERS = ["b", "a", "zoë", "Ω", "a b", "", "😀"]


def test_every_customer_is_found_and_nobody_else(tmp_path: Path) -> None:
    home = Home(tmp_path)
    put(home, CUSTOMERS)
    run = PublishedRun.open(home)
    for customer in CUSTOMERS:
        assert run.customer(customer) == {"customer_id": customer, "clv_365d": float(len(customer))}
    for stranger in ("aa", "A", "b ", "zzz", "\U0010ffff"):
        assert run.customer(stranger) is None
        assert run.memberships_of(stranger) == []


def test_a_customer_has_his_own_memberships_and_refills(tmp_path: Path) -> None:
    home = Home(tmp_path)
    put(home, ["b", "a"])
    run = PublishedRun.open(home)
    assert [row["segment"] for row in run.memberships_of("b")] == ["all", "one"]
    assert [row["segment"] for row in run.memberships_of("a")] == ["all"]
    assert run.replenishment_of("a")["product_id"].to_pylist() == ["p1", "p2"]
    assert run.replenishment_of("b").num_rows == 0


def test_members_come_page_by_page_each_once_and_sorted(tmp_path: Path) -> None:
    home = Home(tmp_path)
    put(home, CUSTOMERS)
    run = PublishedRun.open(home)
    found: list[str] = []
    after = ""
    while page := [row["customer_id"] for row in run.members("all", after, 2)]:
        found += page
        after = page[-1]
    assert found == sorted(customer for customer in CUSTOMERS if customer)
    assert [row["customer_id"] for row in run.members("one", "", 9)] == ["b"]
    assert run.members("none", "", 9) == []


def test_products_are_looked_up_with_all_their_rows(tmp_path: Path) -> None:
    home = Home(tmp_path)
    put(home, ["a"])
    products = PublishedRun.open(home).products_of(pa.array(["p2", None]))
    assert products["category"].to_pylist() == ["b", "c"]


def test_many_products_are_looked_up_as_few_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(Home(tmp_path), ["a"])
    run = PublishedRun.open(Home(tmp_path))
    wanted = pa.array(["p2", "p1", "p9", "p2"]).unique()
    few = run.products_of(wanted)
    monkeypatch.setattr(store, "ROWS_A_SEARCH", 0)
    assert run.products_of(wanted).equals(few)
    assert few["product_id"].to_pylist() == ["p1", "p2", "p2"]


def test_a_reader_keeps_its_run_while_newer_ones_replace_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = put(home, ["a"])
    run = PublishedRun.open(home)
    names = [first] + [put(home, ["a", "b"], MONDAY + dt.timedelta(days=day)) for day in range(1, 5)]
    assert current_run(home) == names[-1]
    kept = sorted(path.name for path in home.published.iterdir() if path.is_dir())
    assert kept == sorted(names[-RUNS_KEPT:])
    assert run.customer("a") == {"customer_id": "a", "clv_365d": 1.0}


def test_the_same_content_is_the_same_run(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert put(home, ["a"]) == put(home, ["a"])
    assert len([path for path in home.published.iterdir() if path.is_dir()]) == 1
    assert put(home, ["b"]) != put(home, ["a"])


def test_a_publisher_that_died_leaves_the_run_served_and_is_swept_up_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    first = put(home, ["a"])
    with monkeypatch.context() as broken:
        broken.setattr(publishing, "point_to", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            put(home, ["b"])
    (home.published / ".new-of-a-killed-one").mkdir()
    assert PublishedRun.open(home).name == first
    second = put(home, ["b"])
    assert PublishedRun.open(home).name == second
    assert sorted(path.name for path in home.published.iterdir()) == sorted(
        [".lock", "current.json", first, second]
    )


def test_nothing_published_and_a_damaged_run_say_what_to_do(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(InputError, match="nothing has been scored yet; run `regulars score`"):
        PublishedRun.open(home)
    run = put(home, ["a"])
    (home.published / run / "scores.arrow").write_bytes(b"damaged")
    with pytest.raises(
        InputError, match=f"published run {run} cannot be read; run `regulars score` to write it anew"
    ):
        PublishedRun.open(home)
    home.published_pointer.write_text(json.dumps({"run": "../../etc"}))
    with pytest.raises(InputError, match="names no run"):
        PublishedRun.open(home)
    home.published_pointer.write_text("{")
    with pytest.raises(InputError, match="is not valid JSON"):
        PublishedRun.open(home)


def test_a_customer_is_found_with_what_he_was_scored_by(tmp_path: Path) -> None:
    home = Home(tmp_path)
    put(home, [f"c{number:05d}" + "x" * (number % 7) for number in range(2_500)])
    run = PublishedRun.open(home)
    for place in (0, 1_023, 1_024, 2_499):
        customer = run.tables["scores"]["customer_id"][place].as_py()
        assert run.features_of(customer).to_pylist() == [
            {"customer_id": customer, "orders": float(len(customer))}
        ]


def test_a_run_without_what_its_customers_were_scored_by_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    name = put(home, ["a"])
    (home.published / name / "features.arrow").unlink()
    with pytest.raises(InputError, match="run `regulars score` to write it anew"):
        PublishedRun.open(home)
