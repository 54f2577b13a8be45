from collections import Counter

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.cutoff import Cutoff
from ledger.errors import InputError
from models.scores import SCORES
from segments.segment import Segment, load_library
from serving import batch, tables
from serving.pointer import current_run
from serving.scorer import Scored, Scorer
from serving.store import PublishedRun
from tests.serving.shop import CUTOFF, Shop


def test_every_customer_has_one_row_with_every_score_as_of_and_release(shop: Shop) -> None:
    scores = tables.read_newest(shop.home.scores)
    assert scores is not None
    names = ["customer_id", "as_of", "release", "confidence", *(score.name for score in SCORES)]
    assert scores.column_names == names
    assert scores.num_rows == len(set(scores["customer_id"].to_pylist())) == 400
    assert set(scores["as_of"].to_pylist()) == {CUTOFF.at}
    assert set(scores["release"].to_pylist()) == {shop.release.id}


def test_the_summary_counts_what_the_tables_hold(shop: Shop) -> None:
    facts = shop.summary.facts
    scores, memberships = tables.read_newest(shop.home.scores), tables.read(shop.home.memberships)
    assert scores is not None
    assert memberships is not None
    assert facts.customers == 400
    assert facts.likely_to_leave == pc.sum(pc.greater(scores["churn_probability_90d"], 0.66)).as_py()
    sizes = Counter(memberships["segment"].to_pylist())
    assert {segment.name: segment.size for segment in facts.segments if segment.size} == dict(sizes)
    clv = dict(zip(scores["customer_id"].to_pylist(), scores["clv_365d"].to_pylist(), strict=True))
    loyal = [row["customer_id"] for row in memberships.to_pylist() if row["segment"] == "loyal_customers"]
    (value,) = [segment.value for segment in facts.segments if segment.name == "loyal_customers"]
    assert value == pytest.approx(sum(clv[customer] for customer in loyal))
    refills = tables.read_newest(shop.home.replenishment)
    assert refills is not None
    due = [row for row in refills.to_pylist() if row["level"] == "product" and row["p_due_7d"] >= 0.5]
    assert (facts.due_this_week, facts.due_level) == (len(due), "product")
    assert shop.summary.facts == PublishedRun.open(shop.home).facts


def test_the_ledger_is_read_within_the_memory_that_is_set(own_shop: Shop) -> None:
    seen: list[str] = []

    def scoring(
        scorer: Scorer, connection: duckdb.DuckDBPyConnection, _files: batch.Files, as_of: Cutoff
    ) -> Scored:
        seen.extend(row[0] for row in connection.execute("select current_setting('memory_limit')").fetchall())
        return scorer.score(connection, as_of)

    batch.run(
        own_shop.home, own_shop.release, load_library(), CUTOFF, scoring=scoring, memory_limit_mb=512
    )  # fmt: skip
    assert seen == ["488.2 MiB"]


def test_running_the_same_day_again_changes_nothing(own_shop: Shop) -> None:
    home = own_shop.home
    before = [tables.read(path) for path in (home.scores, home.replenishment, home.memberships)]
    again = batch.run(home, own_shop.release, load_library(), CUTOFF)
    after = [tables.read(path) for path in (home.scores, home.replenishment, home.memberships)]
    assert again == own_shop.summary
    for table, same in zip(before, after, strict=True):
        assert table is not None
        assert same is not None
        order = [
            (name, "ascending")
            for name in table.column_names
            if name in {"customer_id", "product_id", "segment", "level", "category"}
        ]
        assert table.sort_by(order).equals(same.sort_by(order))


def test_a_later_day_keeps_since_when_a_member_is_in_and_closes_who_left(own_shop: Shop) -> None:
    text = {"title": "Recent", "description": "Recent.", "advice": "Wait."}
    recent = [Segment(name="recent", expression="days_since_last_order < 60", **text)]
    home, later = own_shop.home, Cutoff(CUTOFF.at, CUTOFF.time_zone).plus_days(30)
    batch.run(home, own_shop.release, recent, CUTOFF)
    summary = batch.run(home, own_shop.release, recent, later)
    run = PublishedRun.open(home)
    assert (summary.published, run.facts.as_of) == (run.name, later.at)
    memberships = tables.read(home.memberships)
    assert memberships is not None
    # Nobody orders after the first cutoff: who is in entered on it, and leaves as his last order turns 60 days old.
    rows = memberships.to_pylist()
    assert {row["entered_at"] for row in rows} == {CUTOFF.at}
    assert {row["left_at"] for row in rows} == {None, later.at}
    served = {row["customer_id"] for row in run.tables["members"].to_pylist()}
    assert served == {row["customer_id"] for row in rows if row["left_at"] is None}
    scores = tables.read(home.scores)
    assert scores is not None
    assert Counter(scores["as_of"].to_pylist()) == {CUTOFF.at: 400, later.at: 400}


def test_an_earlier_day_adds_its_scores_and_leaves_what_is_served(own_shop: Shop) -> None:
    earlier = Cutoff(CUTOFF.at, CUTOFF.time_zone).plus_days(-30)
    memberships = tables.read(own_shop.home.memberships)
    summary = batch.run(own_shop.home, own_shop.release, load_library(), earlier)
    assert summary.published is None
    assert current_run(own_shop.home) == own_shop.summary.published
    assert tables.read(own_shop.home.memberships) == memberships
    scores = tables.read(own_shop.home.scores)
    assert scores is not None
    assert pc.min(scores["as_of"]).as_py() == earlier.at


def test_a_day_before_the_first_order_is_refused_and_writes_nothing(own_shop: Shop) -> None:
    before = tables.read(own_shop.home.scores)
    first = Cutoff(CUTOFF.at, CUTOFF.time_zone).plus_days(-5000)
    with pytest.raises(InputError, match="no order is known before 2009-10-18; choose a later --as-of"):
        batch.run(own_shop.home, own_shop.release, load_library(), first)
    assert tables.read(own_shop.home.scores) == before


def test_progress_is_told_from_nothing_to_all(own_shop: Shop) -> None:
    told: list[tuple[str, float]] = []
    batch.run(
        own_shop.home,
        own_shop.release,
        load_library(),
        CUTOFF,
        lambda step, share: told.append((step, share)),
    )
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (told[0], told[-1]) == (("Scoring customers", 0.0), ("Done", 1.0))


@pytest.mark.parametrize(
    ("levels", "counted"),
    [
        (["product", "product", "category"], (1, "product")),
        (["category", "category", "category"], (2, "category")),
        ([], (0, None)),
    ],
)
def test_a_purchase_due_as_product_and_as_category_is_counted_once(
    levels: list[str], counted: tuple[int, str | None]
) -> None:
    rows = {
        "level": pa.array(levels, pa.string()),
        "p_due_7d": pa.array([0.5, 0.4, 0.9][: len(levels)], pa.float64()),
        "suppressed_because": pa.array([None] * len(levels), pa.string()),
    }
    assert batch.count_due(pa.table(rows)) == counted


def test_a_refill_that_is_suppressed_is_not_due() -> None:
    rows = {"level": ["product"] * 2, "p_due_7d": [0.9, 0.9], "suppressed_because": ["discontinued", None]}
    assert batch.count_due(pa.table(rows)) == (1, "product")
