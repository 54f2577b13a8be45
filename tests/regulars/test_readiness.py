"""Which segments a history allows."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from features.catalog.shipped import CATALOG
from ledger.quality.capability import CAPABILITIES, Held
from ledger.quality.need import NEEDS, Allowance
from ledger.quality.report import Report, examine_views
from ledger.shop import Shop
from models.scores import SCORES
from regulars.readiness import COLUMN_NEEDS, PLANNED, needs_of, predictions_of, segment_answers
from segments.assign import parse_all
from segments.derived import inputs_of
from segments.segment import load_library
from segments.vocabulary import vocabulary
from tests.ledger.histories import daily, opened

ENOUGH = tuple(Allowance(need.prediction, need.short, allowed=True, why="", missing="") for need in NEEDS)
# Columns that need nothing but who ordered what for how much on which day.
OF_ORDERS_ALONE = (
    r"orders(_\d+d)?|orders_90d_over_prior_90d|spend(_\d+d)?|spend_90d_over_prior_90d|(mean|last|first|max)_order_value|"
    r"order_value_spread|days_.*order.*|days_since_last_over_mean_gap|(mean|median|last|max)_gap_days|gap_spread|"
    r"weekend_order_share|lines_per_order|lifecycle"
)


@pytest.fixture(scope="module")
def report() -> Report:
    with opened({"orders": daily([5] * 14)}) as connection:
        return examine_views(connection, Shop("EUR", "UTC"), datetime(2024, 1, 15, tzinfo=UTC))


def _holding(report: Report, names: Iterable[str]) -> Report:
    wanted = set(names)
    found = tuple(Held(c.name, c.means, int(c.name in wanted), c.bring) for c in CAPABILITIES)
    return replace(report, capabilities=found)


def test_a_segment_is_ready_only_with_the_data_that_its_columns_need(report: Report) -> None:
    enough = replace(report, predictions=ENOUGH)
    by_name = {
        names: {each.name: each for each in segment_answers(_holding(enough, names))}
        for names in ((), ("discounts",))
    }

    without, with_discounts = (by_name[names]["full_price_customers"] for names in ((), ("discounts",)))
    assert (without.status, without.needs, without.missing) == ("needs_data", ("discounts",), ("discounts",))
    assert (with_discounts.status, with_discounts.missing) == ("ready", ())
    assert by_name[()]["bought_once"].status == "ready"


def test_predicted_segments_of_a_short_history_are_answered_by_rules(report: Report) -> None:
    answers = {each.name: each.status for each in segment_answers(report)}

    assert {answers[name] for name in ("likely_to_churn", "high_lifetime_value")} == {"by_rules"}
    assert answers["slipping_away"] == "ready"


def test_who_never_ordered_is_claimed_once_sign_ups_are_known(report: Report) -> None:
    asked = ("prospect_active", "prospect_churned", "rfm_prospects", "registered_never_bought")
    answers = {
        names: {each.name: each.status for each in segment_answers(_holding(report, names))}
        for names in ((), ("sign_up_dates",))
    }

    assert [answers[()][name] for name in asked] == ["needs_data", "needs_data", "ready", "needs_data"]
    assert {answers[("sign_up_dates",)][name] for name in asked} == {"ready"}


def test_a_planned_segment_is_never_called_ready_and_none_ships_already(report: Report) -> None:
    everything = _holding(report, [each.name for each in CAPABILITIES])
    planned = [each for each in segment_answers(everything) if each.name is None]

    assert {each.status for each in planned} == {"not_shipped"}
    assert {each.title for each in planned} & {segment.title for segment in load_library()} == set()


def test_every_need_is_a_kind_of_data_that_is_counted() -> None:
    known = {each.name for each in CAPABILITIES}
    named = {need.capability for need in COLUMN_NEEDS}
    named |= {need for planned in PLANNED for need in planned.needs}

    assert named <= known


def test_every_column_of_events_descriptions_and_products_has_its_need_declared() -> None:
    named = [f.name for f in CATALOG if f.over in {"events", "attributes", "items", "categories"}]

    assert [name for name in named if not needs_of([name])] == []
    assert named


def test_every_column_of_the_library_is_of_orders_or_has_its_need_declared() -> None:
    columns = vocabulary((*CATALOG, *SCORES))
    parsed = parse_all(load_library(), columns).values()
    measured = {column.name for expression in parsed for column in expression.measured}
    named = inputs_of(column for expression in parsed for column in expression.columns) - measured
    undeclared = {
        column
        for column in named
        if not (re.fullmatch(OF_ORDERS_ALONE, column) or needs_of([column]) or predictions_of([column]))
    }
    assert undeclared == set()
