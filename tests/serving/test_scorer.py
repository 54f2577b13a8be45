import math
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.cutoff import Cutoff
from ledger.errors import InputError
from ledger.home import Home
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from models.reasons import Reasons, explain, explain_together
from models.release import load_release
from segments.segment import load_file, load_library
from serving import answers, customers
from serving.errors import ProblemError
from serving.requests import read_customer
from serving.schemas.scores import PostedCustomer
from serving.scorer import Scorer, stored_rows
from serving.store import PublishedRun
from tests.serving.shop import CUTOFF, NOW, Shop

GIVEN = ("order_id", "ordered_at", "known_at", "product_id", "quantity", "net_amount", "status")


@pytest.fixture(scope="module")
def histories(shop_files: dict[str, Path]) -> list[dict[str, Any]]:
    """Return every customer's lines as a client would post them, unknown cells left out."""
    orders = pd.read_csv(shop_files["orders"], dtype=str)
    return [
        {
            "customer_id": customer,
            "orders": [
                {name: row[name] for name in GIVEN if not pd.isna(row[name])}
                for row in lines.to_dict("records")
            ],
        }
        for customer, lines in orders.groupby("customer_id")
    ]


def post(shop: Shop, customers: object, as_of: str | None = "2023-06-27") -> dict[str, Any]:
    scorer, run = Scorer(shop.release, load_library()), PublishedRun.open(shop.home)
    return answers.score({"customers": customers, "as_of": as_of}, scorer, run, NOW)


@cache
def of_posted(home: Home, release: str) -> frozenset[str]:
    """Return the segments that posted histories can be in.

    They tell of orders alone: a scoring run says who is due for what, and who did what else.
    """
    found = Scorer(load_release(home.releases / release), load_library()).of_posted
    assert {segment.name for segment in load_file("refills")}.isdisjoint(found)
    return found


def stored(shop: Shop, customer_id: str) -> dict[str, Any]:
    """Return what the batch stored, in the shape of a posted result."""
    found = customers.customer(PublishedRun.open(shop.home), customer_id, shop.release)
    known = of_posted(shop.home, shop.release.id)
    segments = [
        {name: segment[name] for name in ("name", "title", "reasons")}
        for segment in found["segments"]
        if segment["name"] in known
    ]
    return {
        "customer_id": customer_id,
        "confidence": found["confidence"],
        "scores": found["scores"],
        "reasons": found["reasons"],
        "segments": sorted(segments, key=lambda segment: segment["name"]),
    }


def sorted_segments(result: dict[str, Any]) -> dict[str, Any]:
    return result | {"segments": sorted(result["segments"], key=lambda segment: segment["name"])}


def test_posted_histories_get_bit_for_bit_what_the_batch_stored(
    shop: Shop, histories: list[dict[str, Any]]
) -> None:
    results = post(shop, histories)["results"]
    assert [result["customer_id"] for result in results] == [posted["customer_id"] for posted in histories]
    for result in results:
        assert sorted_segments(result) == stored(shop, result["customer_id"])


def test_a_customer_alone_gets_what_he_gets_in_the_crowd(shop: Shop, histories: list[dict[str, Any]]) -> None:
    for posted in histories[:5]:
        answer = post(shop, posted)
        assert sorted_segments(answer["results"][0]) == stored(shop, posted["customer_id"])
    assert answer["release"] == shop.release.id
    assert answer["as_of"] == "2023-06-26T22:00:00Z"


def test_customers_scored_in_blocks_get_what_they_get_all_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = Scorer(shop.release, load_library())
    with Ledger(shop.home).connect() as connection:
        at_once = scorer.score(connection, CUTOFF)
        monkeypatch.setattr("serving.scorer.CUSTOMERS_A_BLOCK", 37)
        monkeypatch.setattr("segments.assign.CUSTOMERS_A_BLOCK", 101)
        in_blocks = scorer.of_features(at_once.features, CUTOFF.day)

    assert min(table["customer_id"].num_chunks for table in (in_blocks.scores, in_blocks.assignments)) > 1
    assert in_blocks.scores.combine_chunks().equals(at_once.scores.combine_chunks())
    assert in_blocks.assignments.combine_chunks().equals(at_once.assignments.combine_chunks())


def test_an_earlier_cutoff_sees_only_what_was_known_then(shop: Shop, histories: list[dict[str, Any]]) -> None:
    cutoff = Cutoff(CUTOFF.at, CUTOFF.time_zone).plus_days(-240)
    with Ledger(shop.home).connect() as connection:
        batch = Scorer(shop.release, load_library()).score(connection, cutoff)
    expected = {row["customer_id"]: answers.scores_of(row) for row in batch.scores.to_pylist()}
    results = post(shop, histories, as_of="2022-10-30")["results"]
    found = {result["customer_id"]: result["scores"] for result in results if "scores" in result}
    assert found == expected
    later = [result for result in results if "error" in result]
    assert {result["error"]["type"] for result in later} == {"urn:regulars:problem:no-history"}
    assert len(later) == len(histories) - len(expected) > 0


def test_two_items_with_the_same_customer_and_order_numbers_stay_apart(shop: Shop) -> None:
    line = {"order_id": "1", "ordered_at": "2023-05-01", "net_amount": 20}
    once = {"customer_id": "c", "orders": [line]}
    twice = {"customer_id": "c", "orders": [line, line | {"order_id": "2", "ordered_at": "2023-06-01"}]}
    together = post(shop, [once, twice, once])["results"]
    assert together[0] == together[2] == post(shop, once)["results"][0]
    assert together[1] == post(shop, twice)["results"][0]
    assert together[0]["scores"] != together[1]["scores"]


def test_one_bad_item_is_answered_for_itself_and_the_others_are_scored(shop: Shop) -> None:
    good = {"customer_id": "a", "orders": [{"order_id": 1, "ordered_at": "2023-05-01", "net_amount": 20}]}
    bad = [
        {
            "customer_id": "b",
            "orders": [good["orders"][0], {"order_id": "2", "ordered_at": "2023-05-09", "net_amount": -3}],
        },
        {"customer_id": "c", "orders": [{"order_id": "1", "ordered_at": "2023-05-01"}]},
        "nonsense",
        {"customer_id": "d", "orders": [good["orders"][0], good["orders"][0]]},
    ]
    results = post(shop, [good, *bad, good])["results"]
    assert results[0] == results[5]
    assert "scores" in results[0]
    told = [
        (result["customer_id"], result["error"]["field"], result["error"]["detail"])
        for result in results[1:5]
    ]
    unreadable = "this customer's history cannot be read; correct it and send it again"
    assert told == [
        (
            "b",
            "customers[1].orders[1]",
            "net_amount is negative on a paid row; a refund is a row with status refunded and its known_at",
        ),
        ("c", "customers[2].orders[0].net_amount", unreadable),
        (None, "customers[3]", unreadable),
        ("d", "customers[4].orders[1]", "duplicate of orders[0]; give line_id to keep both"),
    ]


def test_requests_answered_together_get_what_each_gets_alone(
    shop: Shop, histories: list[dict[str, Any]]
) -> None:
    scorer, run = Scorer(shop.release, load_library()), PublishedRun.open(shop.home)
    bad = {"customer_id": "b", "orders": [{"order_id": "1", "ordered_at": "20233-01-01", "net_amount": 1}]}
    read = [read_customer(item, 0) for item in (histories[0], bad, histories[1], histories[0])]
    asked = [
        answers.Asked(scorer, run, "2023-06-27", NOW, {0: item})
        for item in read
        if isinstance(item, PostedCustomer)
    ]
    assert len(asked) == 4
    assert answers.tell(asked) == [told for each in asked for told in answers.tell([each])]


def test_a_lone_bad_customer_is_the_answer_s_own_problem(shop: Shop) -> None:
    with pytest.raises(ProblemError) as caught:
        post(
            shop,
            {"customer_id": "a", "orders": [{"order_id": "1", "ordered_at": "20233-01-01", "net_amount": 1}]},
        )
    assert caught.value.problem.status == 422
    assert caught.value.problem.field == "customers[0].orders[0]"


def test_data_through_is_the_last_posted_order_known_before_as_of(shop: Shop) -> None:
    lines = [
        {"order_id": str(day), "ordered_at": f"2023-06-{day:02d}T12:00:00+02:00", "net_amount": 20}
        for day in (1, 20, 25, 28)
    ]
    lines[2]["known_at"] = "2023-06-29"
    assert post(shop, {"customer_id": "a", "orders": lines})["data_through"] == "2023-06-20T10:00:00Z"


def test_a_release_of_other_features_is_refused(shop: Shop) -> None:
    manifest = shop.release.manifest.model_copy(update={"feature_fingerprint": "other"})
    release = type(shop.release)(manifest, shop.release.predictors, shop.release.reference)
    with pytest.raises(
        InputError, match="was trained on other features than this version computes; run `regulars train`"
    ):
        Scorer(release, load_library())


def test_reasons_sum_to_the_score_that_is_answered(shop: Shop, histories: list[dict[str, Any]]) -> None:
    for result in post(shop, histories[:20])["results"]:
        for name, told in result["reasons"].items():
            raw = told["base"] + told["rest"] + sum(reason["contribution"] for reason in told["reasons"])
            score = 1.0 / (1.0 + math.exp(-raw)) if told["scale"] == "log_odds" else math.exp(raw)
            assert score == pytest.approx(result["scores"][name], rel=1e-9, abs=1e-9)


def test_reasons_are_told_with_the_customers_own_values(shop: Shop, histories: list[dict[str, Any]]) -> None:
    for result in post(shop, histories[:20])["results"]:
        told = result["reasons"]["p_order_90d"]["reasons"]
        for reason in told:
            way = "raises" if reason["effect"] > 0 else "lowers"
            points = f"{abs(reason['effect']) * 100:.1f} points"
            assert reason["text"].endswith(f": {way} the chance of ordering within 90 days by {points}")
        of_history = [reason["text"] for reason in told if reason["subject"] == "history"]
        assert all(re.match(r"(one order|\d+ orders)", text) for text in of_history)
        assert len({reason["subject"] for reason in told}) == len(told)


def test_without_the_release_that_scored_a_run_stored_scores_have_no_reasons(shop: Shop) -> None:
    run = PublishedRun.open(shop.home)
    first = run.tables["scores"]["customer_id"][0].as_py()
    assert customers.customer(run, first, None)["reasons"] is None


def test_what_moves_customers_together_sums_to_their_mean_raw_score(shop: Shop) -> None:
    run = PublishedRun.open(shop.home)
    some = run.features.rows(np.arange(0, 40, 3))
    rows = stored_rows(shop.release, some)
    alone, together = (
        explain(shop.release, rows, CUTOFF.day),
        explain_together(shop.release, rows, CUTOFF.day),
    )
    assert set(together) == set(alone[0])
    for name, told in together.items():
        assert summed(told) == pytest.approx(np.mean([summed(each[name]) for each in alone]))
    assert explain_together(shop.release, stored_rows(shop.release, some.slice(0, 0)), CUTOFF.day) == {}


def summed(reasons: Reasons) -> float:
    return reasons.base + sum(each.contribution for each in reasons.reasons) + reasons.rest


def test_what_is_asked_of_few_posted_lines_is_nothing_that_sqlite_has_no_word_for(shop: Shop) -> None:
    with Scorer(shop.release, load_library()).plans.one() as plan:
        assert plan.takes_few(ORDERS.arrow_schema.empty_table())
