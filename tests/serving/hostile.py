"""A published run whose customers, segments, products and reasons are written to break a page."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa

from ledger.home import Home
from serving.facts import RunFacts, SegmentFacts
from serving.live import Live
from serving.publishing import publish
from serving.reminders import demand, suggestion
from serving.store import PublishedRun
from serving.stored_features import selected

MONDAY = dt.datetime(2018, 1, 1, 5, tzinfo=dt.UTC)
HOSTILE = "<script>alert(1)</script>'\"\u202e&amp;/../{{7*7}}"


class Served(Live):
    """A live service with one run and no release."""

    def __init__(self, run: PublishedRun) -> None:
        super().__init__()
        self.only = run

    def run(self) -> PublishedRun:
        return self.only


def hostile_run(directory: Path, named: str = HOSTILE) -> PublishedRun:
    """Publish a run of 121 customers in which whatever has a name has this one."""
    home = Home(directory)
    customers = [named, *(f"c{number:03d}" for number in range(120))]
    text: dict[str, Any] = {
        "title": named,
        "description": named,
        "sentence": named,
        "advice": named,
        "expression": named,
    }
    scores = {
        "confidence": ["rule"] * 121,
        "p_order_30d": [0.5] * 121,
        "churn_probability_90d": [None] * 121,
        "next_order_days_p50": [None, 1.2, *[40.0] * 119],
        "clv_365d": [-1.0, *[1234.5] * 120],
    }
    publish(
        home,
        scores=pa.table({"customer_id": customers, **scores}),
        memberships=pa.table(
            {
                "customer_id": customers,
                "segment": ["odd"] * 121,
                "entered_at": pa.array([MONDAY] * 121, pa.timestamp("us", tz="UTC")),
                "reasons": [[named]] * 121,
            }
        ),
        replenishment=pa.table(
            {
                "customer_id": [named],
                "level": ["product"],
                "product_id": [named],
                "category": [named],
                "p_due_14d": [0.5],
            }
        ),
        suggestions=suggestion.SCHEMA.empty_table(),
        demand=demand.SCHEMA.empty_table(),
        products=pa.table({"product_id": pa.array([], pa.string())}),
        store=pa.table({"as_of_day": [17532]}),
        features=selected(pa.table({"customer_id": sorted(customers)}), []),
        facts=RunFacts(
            release="r1",
            as_of=MONDAY,
            data_through=None,
            currency="USD",
            time_zone="America/New_York",
            customers=121,
            likely_to_leave=0,
            money_at_stake=0.0,
            due_this_week=0,
            honesty=named,
            segments=(
                SegmentFacts(name="odd", group="predicted", size=121, value=148139.0, **text),
                SegmentFacts(name="empty", group="history", size=0, value=0.0, **text),
            ),
        ),
    )
    return PublishedRun.open(home)
