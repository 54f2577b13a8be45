import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ledger.home import Home
from ledger.importers.load import import_files
from ledger.sought import fingerprint
from ledger.store import Ledger
from ledger.tables.customers import CUSTOMERS
from ledger.tables.erased import ERASED
from ledger.tables.identities import IDENTITIES
from serving.cells import rows_of, spans
from serving.store import PublishedRun
from tests.serving.client import Client, served
from tests.serving.shop import NOW, Shop

EVERYTHING = ["reasons", "replenishment"]
LINE = {"order_id": "live-1", "ordered_at": "2023-06-28T10:00:00", "product_id": "p01", "net_amount": "8.00"}


@pytest.fixture(scope="module")
def ask(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Serve the shop, with one customer signed up since the run, one erased, and two accounts merged into others."""
    folder = tmp_path_factory.mktemp("looked-up")
    home = Home(Path(shutil.copytree(shop.home.path, folder / "home")))
    ledger = Ledger(home)
    for table, text in (
        (CUSTOMERS, "customer_id,known_at\nsigned-up,2023-06-28\n"),
        (
            IDENTITIES,
            "anonymous_id,customer_id,known_at,how\nold-c001,c001,2023-06-20,merge\ntwice,old-c001,2023-06-20,merge\n",
        ),
    ):
        path = folder / f"{table.name}.csv"
        path.write_text(text)
        import_files(ledger, table, [path], imported_at=NOW)
    gone = {
        "id_hash": [fingerprint("salt", "gone")],
        "salt": ["salt"],
        "erased_at": [datetime(2023, 6, 1, tzinfo=UTC)],
    }
    with ledger.exclusive():
        ledger.append({ERASED: pa.table(gone, ERASED.arrow_schema)})
    yield from served(str(home.path))


def looked_up(ask: Client, *ids: object, include: list[str] | None = None) -> list[dict[str, Any]]:
    body = {"customer_ids": list(ids)} | ({} if include is None else {"include": include})
    response = ask("POST", "/v1/customers/lookup", json=body)
    assert response.status_code == 200
    results: list[dict[str, Any]] = response.json()["results"]
    return results


def test_each_customer_gets_the_answer_that_he_gets_alone_orders_of_the_last_second_too(ask: Client) -> None:
    lines = [LINE | {"customer_id": each} for each in ("c003", "newcomer")] + [
        LINE | {"customer_id": "c004", "order_id": "live-2", "ordered_at": "2023-06-30"}
    ]
    assert ask("POST", "/v1/orders", json={"orders": lines}).json()["added"] == 3
    ids = ["c003", "c000", "newcomer", "c001", "c004", "old-c001"]
    found = looked_up(ask, *ids, include=EVERYTHING)
    alone = [ask("GET", f"/v1/customers/{each}").json() for each in ids]
    assert found == [{k: v for k, v in each.items() if k != "labels"} for each in alone]
    assert [each["as_of"] > found[1]["as_of"] for each in found] == [True, False, True, False, True, False]


def test_what_takes_longest_is_left_out_unless_it_is_asked_for(ask: Client) -> None:
    (brief,) = looked_up(ask, "c000")
    (whole,) = looked_up(ask, "c000", include=EVERYTHING)
    assert (brief["reasons"], brief["replenishment"], brief["replenishment_total"]) == (None, None, None)
    assert [each["reasons"] for each in brief["segments"]] == [None] * len(whole["segments"])
    assert {"scores": brief["scores"], "reminder": brief["reminder"]} == {
        "scores": whole["scores"],
        "reminder": whole["reminder"],
    }
    assert whole["replenishment"]
    assert all(each["reasons"] for each in whole["segments"])
    alone = ask("GET", "/v1/customers/c000?include=").json()
    assert {k: v for k, v in alone.items() if k != "labels"} == brief


@pytest.mark.parametrize(
    ("customer", "status", "kind"),
    [
        ("nobody", 404, "unknown-customer"),
        ("signed-up", 404, "too-new-customer"),
        ("gone", 410, "erased-customer"),
    ],
)
def test_unknown_too_new_and_erased_are_different_answers_alone_and_in_a_list(
    ask: Client, customer: str, status: int, kind: str
) -> None:
    alone = ask("GET", f"/v1/customers/{customer}")
    assert (alone.status_code, alone.json()["type"]) == (status, f"urn:regulars:problem:{kind}")
    found, other = looked_up(ask, customer, "c000")
    assert found["customer_id"] == customer
    assert (found["error"]["status"], found["error"]["type"]) == (status, alone.json()["type"])
    assert found["error"]["field"] == "customer_ids[0]"
    assert other["scores"]


@pytest.mark.parametrize("merged", ["old-c001", "twice"])
def test_an_id_that_a_merge_absorbed_is_answered_as_who_it_became_and_says_so(
    ask: Client, merged: str
) -> None:
    found, person = (
        ask("GET", f"/v1/customers/{merged}").json(),
        ask("GET", "/v1/customers/c001").json(),
    )
    assert (found["customer_id"], found["merged_id"], person["merged_id"]) == ("c001", merged, None)
    assert found | {"merged_id": None} == person


@pytest.mark.parametrize(
    ("value", "got"),
    [(None, "null"), (1.5, "1.5"), ("", "''"), (" ", "' '"), ("a\x00", "a text of 2"), ({}, "an object")],
)
def test_what_is_no_id_is_told_of_itself_and_the_others_are_answered(
    ask: Client, value: object, got: str
) -> None:
    refused, answered = looked_up(ask, value, "c000")
    assert refused["customer_id"] is None
    assert refused["error"]["type"] == "urn:regulars:problem:bad-request"
    assert refused["error"]["field"] == "customer_ids[0]"
    assert refused["error"]["got"].startswith(got)
    assert answered["customer_id"] == "c000"


@pytest.mark.parametrize(
    ("body", "status", "field", "expected"),
    [
        ([], 400, "body", "an object with 'customer_ids'"),
        ({}, 400, "customer_ids", "a list of ids, not empty"),
        ({"customer_ids": []}, 400, "customer_ids", "a list of ids, not empty"),
        ({"customer_ids": "c000"}, 400, "customer_ids", "a list of ids, not empty"),
        ({"customer_ids": ["c000"], "ids": 1}, 400, "body", "customer_ids, include"),
        (
            {"customer_ids": ["c000"], "include": "reasons"},
            400,
            "include",
            "a list of reasons, replenishment",
        ),
        ({"customer_ids": ["c000"], "include": ["all"]}, 400, "include", "reasons, replenishment"),
        ({"customer_ids": ["c000"], "include": [{}]}, 400, "include", "reasons, replenishment"),
        ({"customer_ids": ["c"] * 1_001}, 413, "customer_ids", "at most 1,000 ids"),
        (
            {"customer_ids": ["c"] * 101, "include": ["reasons"]},
            413,
            "customer_ids",
            "at most 100 ids with include",
        ),
    ],
)
def test_a_body_that_is_no_lookup_is_a_problem_naming_field_and_what_was_expected(
    ask: Client, body: object, status: int, field: str, expected: str
) -> None:
    response = ask("POST", "/v1/customers/lookup", json=body)
    assert response.status_code == status
    problem = response.json()
    assert (problem["field"], problem["expected"]) == (field, expected)
    assert problem["got"]


def test_answers_say_of_each_score_its_unit_and_what_it_rests_on(ask: Client) -> None:
    line = {"order_id": "1", "ordered_at": "2023-05-01", "net_amount": 20}
    answers = [
        ask("GET", "/v1/customers/c000").json(),
        ask("POST", "/v1/customers/lookup", json={"customer_ids": ["nobody"]}).json(),
        ask(
            "POST",
            "/v1/score",
            json={"as_of": "2023-06-27", "customers": {"customer_id": "a", "orders": [line]}},
        ).json(),
    ]
    labels = answers[0]["labels"]
    assert [each["labels"] for each in answers] == [labels] * 3
    assert labels.keys() == answers[0]["scores"].keys()
    assert labels["churn_probability_90d"]["unit"] == "probability"
    assert labels["clv_365d_percentile"]["unit"] == "percentile"
    assert labels["clv_365d"] == {
        "unit": "EUR",
        "rests_on": "the purchase process beyond the trained horizon, with the correction learnt within it",
    }
    assert labels["p_order_90d"]["rests_on"] == "what happened within the horizon"


def test_many_ids_sought_at_once_are_found_where_each_alone_is(shop: Shop) -> None:
    run = PublishedRun.open(shop.home)
    known = run.tables["scores"]["customer_id"].to_pylist()
    ids = [*known[::-3], "", "b", "c1", "c9999", "~"]
    for name in ("scores", "memberships", "suggestions"):
        many = rows_of(run.tables[name], ids)
        assert many == [rows_of(run.tables[name], [each])[0] for each in ids]
        assert many[: len(known[::-3])] != [[]] * len(known[::-3])
    assert rows_of(run.tables["scores"].slice(0, 0), ids) == [[]] * len(ids)
    starts, stops = spans(pa.chunked_array([["a", "b", "b", "d"]]), ["a", "b", "c", "d", "e"])
    assert list(zip(starts.tolist(), stops.tolist(), strict=True)) == [(0, 1), (1, 3), (3, 3), (3, 4), (4, 4)]
