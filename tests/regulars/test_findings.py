from datetime import UTC, datetime

import pyarrow as pa
import pytest

from ledger.importers.report import ImportReport, Reason
from models.contributions import UsualCustomer
from models.release import GateVerdict, Manifest
from regulars import findings
from serving.facts import RunFacts, SegmentFacts


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        (4_594_812.5, "USD", "$4.59 million"),
        (12_345.6, "EUR", "€12,346"),
        (9.5, "GBP", "£9.50"),
        (1200.0, "SEK", "SEK 1,200"),
    ],
)
def test_money_is_said_in_a_few_digits(amount: float, currency: str, said: str) -> None:
    assert findings.money(amount, currency) == said


def _report(**counts: int) -> ImportReport:
    told = {"read": 0, "added": 0, "unchanged": 0, "corrected": 0, "rejected": 0} | counts
    reasons = (Reason("net_amount is missing", 2, "a.csv", "line", 7),) if told["rejected"] else ()
    return ImportReport(
        "orders", ("a.csv",), **told, reasons=reasons, notes=(), currency="USD", time_zone="UTC", also=()
    )


def test_an_import_tells_what_was_added_and_why_rows_were_refused() -> None:
    assert findings.imported(_report(read=1005, added=1003, rejected=2)) == [
        "orders: 1,005 rows read, 1,003 added, 2 refused",
        "  refused 2: net_amount is missing (first in a.csv, line 7)",
    ]


def test_importing_the_same_again_says_that_nothing_was_added() -> None:
    told = "orders: all 1,003 rows were there already, nothing was added"
    assert findings.imported(_report(read=1003, unchanged=1003)) == [told]


def test_those_likely_to_leave_come_with_the_money_at_stake() -> None:
    likely = SegmentFacts(
        name="likely_to_churn",
        title="Likely to churn",
        group="predicted",
        description="",
        expression="",
        sentence="",
        advice="",
        size=50,
        value=120.0,
    )
    facts = RunFacts(
        release="r",
        as_of=datetime(2018, 1, 1, 5, tzinfo=UTC),
        data_through=None,
        currency="USD",
        time_zone="America/New_York",
        customers=200,
        likely_to_leave=50,
        money_at_stake=4000.0,
        due_this_week=0,
        honesty="It beat the rules.",
        segments=(likely,),
    )
    scores = pa.table({"expected_value_90d": [1000.0, 234.0, None]})
    assert findings.leaving(facts, scores) == [
        "What comes next, as of 2018-01-01",
        "  50 of 200 customers (25%) are likely to leave: at most a 1 in 3 chance of an order within 90 days.",
        "  At stake: the $4,000 they spent in the last 365 days; in the next, $120.00 is expected.",
        "  All customers together are expected to spend $1,234 in the next 90 days.",
    ]


REFILLS = [
    # customer, product, category, level, p_due_7d, suppressed
    ("ann", None, "Food > Milk", "category", 0.9, None),
    ("bob", None, "Food > Milk", "category", 0.5, None),
    ("bob", None, "Food > Bread", "category", 0.4, None),
    ("ann", "p1", "Food > Milk", "product", 0.6, None),
    ("bob", "p2", "Food > Milk", "product", 0.8, "discontinued"),
]


def test_refills_due_this_week_are_counted_by_category_and_product_without_the_suppressed() -> None:
    names = ("customer_id", "product_id", "category", "level", "p_due_7d", "suppressed_because")
    refills = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in REFILLS])
    products = pa.table({"product_id": ["p1", "p2"], "title": ["Whole milk, 1 l", None]})
    assert findings.due(refills, products) == [
        "Due for refill this week",
        "  categories: 2 refills by 2 customers; most of all",
        "        2 x Milk",
        "  products: 1 refill by 1 customer; most of all",
        "        1 x Whole milk, 1 l",
    ]


def test_orders_without_products_and_a_quiet_week_are_told_apart() -> None:
    schema = pa.schema([("p_due_7d", pa.float64()), ("suppressed_because", pa.string())])
    none, quiet = schema.empty_table(), pa.table([[0.2], [None]], schema=schema)
    told = [findings.due(refills, pa.table({}))[1].strip() for refills in (none, quiet)]
    assert told == [
        "not known: the orders name no product that anybody bought twice",
        "nothing is more likely than not to be bought within seven days",
    ]


def _manifest(metrics: dict[str, float], gate: GateVerdict) -> Manifest:
    text = (
        "release",
        "as_of",
        "data_through",
        "time_zone",
        "currency",
        "feature_fingerprint",
        "data_fingerprint",
    )
    return Manifest.model_validate(
        dict.fromkeys(text, "x")
        | {"horizon_days": 90, "seed": 1, "customers": 2, "feature_names": (), "thresholds": {}}
        | {"lifecycle_limits": {}, "versions": {}, "files": {}, "metrics": metrics, "gate": gate}
        | {"usual_customer": dict.fromkeys(UsualCustomer.model_fields, 1.0)}
    )


def test_the_comparison_has_a_line_for_each_method_judged_and_says_what_is_in_force() -> None:
    metrics = {
        "regulars.auc": 0.84,
        "regulars.orders_total_ratio": 1.13,
        "hiatus.auc": 0.8,
        "unheard.auc": 1.0,
    }
    gate = GateVerdict(
        verdict="rule", reasons=("auc 0.84 passes against 0.80", "brier 0.05 fails against 0.04")
    )
    lines = [line.split() for line in findings.compared(_manifest(metrics, gate))]
    assert lines[2] == ["regulars", "84%", "113%", "-"]
    assert lines[3] == ["days", "since", "the", "last", "order", "80%", "-", "-"]
    assert lines[-1] == ["brier", "0.05", "fails", "against", "0.04"]


def test_without_a_backtest_nothing_is_claimed() -> None:
    gate = GateVerdict(verdict="rule", reasons=("too short",))
    said = findings.compared(_manifest({}, gate))
    assert said[1] == "  not known: the history is too short to predict a past window and check it"
