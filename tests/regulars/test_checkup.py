"""`regulars doctor` in words."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import click
import pytest

from ledger.home import Home
from ledger.quality.need import NEEDS, Allowance, allowance
from ledger.quality.report import Report, examine_views
from ledger.quality.suspicion import Finding
from ledger.shop import Shop
from regulars import checkup, cli
from regulars.readiness import segment_answers
from segments.segment import Segment
from tests.ledger.histories import daily, event, line, on_day, opened, person

ENOUGH = {"span_days": 400, "customers": 500, "repeat_customers": 200, "products": 5}


@pytest.fixture(scope="module")
def report() -> Report:
    with opened({"orders": daily([5] * 14)}) as connection:
        return examine_views(connection, Shop("EUR", "UTC"), datetime(2024, 1, 15, tzinfo=UTC))


def _allowed(**figures: int) -> tuple[Allowance, ...]:
    return tuple(allowance(need, ENOUGH | figures) for need in NEEDS)


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        ({}, "Good for churn, lifetime value and refills"),
        ({"products": 0}, "Good for churn and lifetime value; refills need product ids"),
        (
            {"repeat_customers": 80},
            "Good for churn and refills; lifetime value needs 100 customers who came back",
        ),
        (
            {"span_days": 200},
            (
                "Good for churn at 30 days and refills; churn needs 300 days of history; "
                "lifetime value needs 300 days of history"
            ),
        ),
    ],
)
def test_the_verdict_says_what_the_history_is_good_for(
    report: Report, figures: dict[str, int], told: str
) -> None:
    assert checkup.verdict(replace(report, predictions=_allowed(**figures))) == told


def test_the_verdict_on_a_short_history_says_that_rules_answer(report: Report) -> None:
    assert checkup.verdict(report).startswith(
        "Too little history for models of its own; rules answer; churn needs 300 days of history"
    )


def test_no_line_is_wider_than_a_terminal(report: Report) -> None:
    assert [text for text in checkup.lines(report) if len(click.unstyle(text)) > 80] == []


def test_what_is_there_is_a_labelled_line_a_subject(report: Report) -> None:
    told = checkup.there(report)

    assert told[:3] == [
        "  orders        70 with 70 lines on 70 days of 70 customers, 2024-01-01 to",
        "                2024-01-14, 14 days, in EUR, UTC",
        "  coming back   nobody ordered on two days",
    ]
    assert told[-1] == "  last import   2024-01-15; no row refused"


def test_customers_events_and_refused_rows_are_counted_in_words() -> None:
    tables = {
        "orders": [line("ann", "1"), line("ann", "2", on_day(7))],
        "customers": [person("ann", email="a@shop.example", email_consent=True)],
        "events": [event("Product Viewed", 1), event("Poked", 2)],
        "identities": [{"anonymous_id": "v1", "customer_id": "ann", "known_at": on_day(0), "how": "merged"}],
        "rejected": [
            {
                "table_name": "orders",
                "file_name": "o.csv",
                "file_sha256": "0",
                "line": 2,
                "reason": "customer_id is empty",
                "imported_at": on_day(0),
                "raw": "{}",
            }
        ],
    }
    with opened(tables) as connection:
        told = " ".join(
            " ".join(checkup.there(examine_views(connection, Shop("EUR", "UTC"), on_day(8)))).split()
        )

    assert "100% ordered again; 7 days between orders, 9 in 10 within 7" in told
    assert "1 described; e-mail of 1 (1 agreed), phone of 0 (0 agreed), 0 agreed to advertising" in told
    assert "events 1 Product Viewed, 1 of the shop's own names" in told
    assert "1 ids joined to 1 customers, 0 hubs left alone" in told
    assert "2024-01-09; 1 rows refused (1 of orders: customer_id is empty)" in told


def test_a_finding_is_followed_by_what_to_do() -> None:
    finding = Finding("free_lines", "5 of 10 paid lines cost nothing", "Check the column.", {})
    assert checkup.suspicious([finding]) == ["  - 5 of 10 paid lines cost nothing", "    > Check the column."]
    assert checkup.suspicious([]) == ["  nothing"]


def test_segments_are_told_with_how_to_bring_what_they_lack(report: Report) -> None:
    library = [
        Segment(name="a", title="A", description="d", expression="orders >= 1", advice="a"),
        Segment(name="b", title="B", description="d", expression="categories = 1", advice="a"),
        Segment(name="c", title="C", description="d", expression="days_since_sign_up > 3", advice="a"),
    ]
    answers = [each for each in segment_answers(report, library) if each.name]

    assert checkup.segments_told(answers, report.capabilities) == [
        "  1 of 3 are ready",
        "  - nobody is in B yet: import products with categories",
        "  - nobody is in C yet: import customers with the column signed_up_at",
    ]


def test_json_holds_the_report_the_verdict_and_every_segment(report: Report) -> None:
    told = json.loads(json.dumps(checkup.as_json(report)))

    assert {"currency", "lines", "orders", "findings", "predictions", "capabilities"} <= set(told)
    assert told["verdict"] == checkup.verdict(report)
    assert told["segments"][0]["title"] == "Prospects, active"
    assert told["segments"][-1]["status"] == "not_shipped"


def test_the_command_prints_words_or_json(shop_home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    told = {}
    for switches in ((), ("--json",)):
        with pytest.raises(SystemExit) as ended:
            cli.main(["doctor", "--home", str(shop_home.path), *switches])
        assert ended.value.code == 0
        told[switches] = capsys.readouterr().out

    assert told[()].startswith("Good for churn, lifetime value and refills\n\nWhat is there\n  orders ")
    assert json.loads(told[("--json",)])["customers"] == 400
