"""People who never ordered, from the run to the answers: in segments as everybody is, and apart from all sums."""

import html
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow.compute as pc
import pytest

from features.catalog.shipped import CATALOG
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.proof import search
from ledger.sought import Sought
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from models.scores import UNSCORED
from segments.alarms import Size
from segments.segment import load_file, load_library
from serving import batch, erasure, tables
from serving.explaining import RunExplainer
from serving.export.exports import export_scores, export_segment
from serving.facts import SegmentFacts
from serving.monitoring import runs
from serving.monitoring.replay import replay
from serving.segments import following
from serving.segments.preview import Trial
from serving.store import PublishedRun
from tests.serving.client import Client, served
from tests.serving.prospects import AFTER, PROSPECTS
from tests.serving.shop import CUTOFF, Shop

HOSTILE = PROSPECTS[0]
ABOUT_PROSPECTS = {
    *("prospect_active", "prospect_at_risk", "prospect_churned", "rfm_prospects", "registered_never_bought"),
    *("cart_abandoners", "birthday_soon", "browse_abandoners"),
}


@pytest.fixture
def own(both: Shop, tmp_path: Path) -> Shop:
    """Return a copy of it for one test alone."""
    shutil.copytree(both.home.path, tmp_path / "home")
    return replace(both, home=Home(tmp_path / "home"))


@pytest.fixture(scope="module")
def ask(both: Shop) -> Iterator[Client]:
    yield from served(str(both.home.path))


@pytest.fixture
def ask_own(own: Shop) -> Iterator[Client]:
    yield from served(str(own.home.path))


def run_of(shop: Shop) -> PublishedRun:
    return PublishedRun.open(shop.home)


def told(ask: Client, path: str) -> Any:  # noqa: ANN401 - JSON
    response = ask("GET", path)
    assert response.status_code == 200, response.text
    return response.json()


def names(answer: dict[str, Any]) -> set[str]:
    return {segment["name"] for segment in answer["segments"]}


def test_everybody_known_by_name_is_in_the_run_and_in_one_cell_of_each_partition(both: Shop) -> None:
    run = run_of(both)
    ids = run.tables["scores"]["customer_id"]
    assert ids.filter(~run.scored).to_pylist() == PROSPECTS
    assert (run.facts.customers, run.facts.prospects, run.facts.people) == (400, 5, 405)
    members = run.tables["memberships"]
    for cells in (load_file("lifecycle"), load_file("rfm")):
        mine = pc.is_in(members["segment"], value_set=pc.cast([cell.name for cell in cells], "string"))
        assert Counter(members.filter(mine)["customer_id"].to_pylist()) == Counter(ids.to_pylist())
    found = {
        each: {row["segment"] for row in run.memberships_of(each)} & ABOUT_PROSPECTS for each in PROSPECTS
    }
    registered = {"rfm_prospects", "registered_never_bought", "birthday_soon"}
    assert found == {
        HOSTILE: {*registered, "prospect_active"},
        "s-new": {*registered, "prospect_active"},
        "s-old": {*registered, "prospect_churned"},
        "e-cart": {"prospect_active", "rfm_prospects", "cart_abandoners"},
        "i-seen": {"prospect_active", "rfm_prospects"},
    }


def test_nobody_who_ordered_is_another_by_it(shop: Shop, both: Shop) -> None:
    before, after = run_of(shop), run_of(both)
    scored = after.tables["scores"].filter(after.scored)
    assert scored.combine_chunks().equals(before.tables["scores"].combine_chunks())
    assert tables.read_newest(both.home.scores).num_rows == before.facts.customers  # type: ignore[union-attr]
    for name in ("replenishment", "suggestions", "demand"):
        assert after.tables[name].equals(before.tables[name])
    sums = ("customers", "value", "likely_to_leave", "money_at_stake", "due_this_week", "numbers")
    assert [getattr(after.facts, name) for name in sums] == [getattr(before.facts, name) for name in sums]
    sizes = {each.name: (each.size, each.value) for each in before.facts.segments}
    changed = {each.name for each in after.facts.segments if sizes[each.name] != (each.size, each.value)}
    assert changed <= ABOUT_PROSPECTS
    features = after.features.all().filter(after.scored)
    orders = [
        name for name in ("orders", "spend_365d", "days_since_last_order") if name in features.column_names
    ]
    assert features.select(orders).to_pydict() == before.features.all().select(orders).to_pydict()


def test_what_the_whole_shop_is_reckoned_over_is_who_ordered(shop: Shop, both: Shop) -> None:
    before, after = run_of(shop), run_of(both)
    over = {feature.name: feature.over for feature in CATALOG}
    drift = [runs.input_drift(both.release, run) for run in (before, after)]
    of_orders = [{each for each in some if over[each.name] == "orders"} for some in drift]
    assert of_orders[0] == of_orders[1] != set()
    assert runs.score_drift(both.release, after) == runs.score_drift(shop.release, before)
    assert replay(after).differences == ()
    lowest = "spend <= percentile_of(spend, 7)"
    assert Trial.of(after, lowest).added == Trial.of(before, lowest).added != {}
    assert Trial.of(after, lowest).members.sum() == Trial.of(before, lowest).members.sum() + len(PROSPECTS)


def test_an_expression_of_the_shops_own_finds_them(both: Shop) -> None:
    found = Trial.of(run_of(both), "did('Product Added', within_days = 7) and orders = 0").preview()
    assert (found.count, [row["customer_id"] for row in found.sample]) == (1, ["e-cart"])
    assert Trial.of(run_of(both), "days_since_last_order > 1").members.sum() <= 400


def test_the_api_answers_for_them_without_scores(ask: Client, both: Shop) -> None:
    for each in PROSPECTS:
        answer = told(ask, f"/v1/customers/{quote(each, safe='')}")
        assert (answer["customer_id"], answer["confidence"], answer["reasons"]) == (each, UNSCORED, {})
        assert set(answer["scores"].values()) == {None}
        assert (answer["release"], answer["replenishment"], answer["reminder"]) == (both.release.id, [], None)
        assert "rfm_prospects" in names(answer)
        assert (
            ask("GET", f"/customers/{quote(each, safe='')}", headers={"accept": "text/html"}).status_code
            == 200
        )
    assert told(ask, "/v1/customers/visitor-1")["customer_id"] == "i-seen"
    for each in AFTER:
        assert ask("GET", f"/v1/customers/{each}").json()["type"].endswith("too-new-customer")
    found = ask("POST", "/v1/customers/lookup", json={"customer_ids": [HOSTILE, "c000"]}).json()["results"]
    assert [row["confidence"] == UNSCORED for row in found] == [True, False]
    listed = told(ask, "/v1/segments/rfm_prospects/members?limit=2")
    assert [row["customer_id"] for row in listed["members"]] == PROSPECTS[:2]
    assert {row["confidence"] for row in listed["members"]} == {UNSCORED}
    segments = told(ask, "/v1/segments")
    assert (segments["customers"], segments["prospects"]) == (400, 5)
    shares = {each["name"]: each["share"] for each in segments["segments"]}
    assert sum(shares[cell.name] for cell in load_file("lifecycle")) == pytest.approx(1.0)


def test_their_page_says_that_there_is_nothing_to_predict_from(ask: Client) -> None:
    page = ask("GET", f"/customers/{quote(HOSTILE, safe='')}", headers={"accept": "text/html"}).text
    assert "Has never ordered" in page
    assert html.escape(HOSTILE, quote=False).replace("'", "&#39;") in page
    assert "over a year" not in page
    home = re.sub("<[^>]*>", "", ask("GET", "/", headers={"accept": "text/html"}).text)
    assert "by prediction; beside them 5 people who never ordered" in home


def test_who_signs_up_after_the_run_is_answered_and_moves_when_he_orders(ask_own: Client) -> None:
    event = {
        "event": "Product Added",
        "event_id": "e-9",
        "happened_at": "2023-06-28T08:00:00Z",
        "customer_id": "fresh",
    }
    nobody = {**event, "event_id": "e-10", "customer_id": None, "anonymous_id": "nobody"}
    assert ask_own("POST", "/v1/events", json={"events": [event, nobody]}).json()["added"] == 2
    fresh = told(ask_own, "/v1/customers/fresh")
    assert (fresh["confidence"], set(fresh["scores"].values())) == (UNSCORED, {None})
    assert {"prospect_active", "cart_abandoners"} <= names(fresh)
    assert ask_own("GET", "/v1/customers/nobody").status_code == 404
    order = {
        "customer_id": "s-old",
        "order_id": "first",
        "ordered_at": "2023-06-28T10:00:00",
        "net_amount": "8.00",
    }
    assert ask_own("POST", "/v1/orders", json={"orders": [order]}).json()["added"] == 1
    bought = told(ask_own, "/v1/customers/s-old")
    assert bought["confidence"] != UNSCORED
    assert bought["scores"]["p_order_30d"] > 0
    assert "bought_once" in names(bought)
    assert not names(bought) & {"prospect_churned", "rfm_prospects", "registered_never_bought"}
    listed = told(ask_own, "/v1/segments/rfm_prospects/members")
    assert (listed["size"], listed["live"]) == (5, {"entered": 1, "left": 1})


def test_runs_record_that_they_came_and_bought(own: Shop, tmp_path: Path) -> None:
    line = "customer_id,order_id,ordered_at,net_amount,currency\ns-old,first,2023-06-27T10:00:00,8.00,EUR\n"
    (tmp_path / "order.csv").write_text(line)
    import_files(
        Ledger(own.home), ORDERS, [tmp_path / "order.csv"], imported_at=CUTOFF.at + timedelta(hours=12)
    )
    batch.run(own.home, own.release, load_library(), CUTOFF.plus_days(2))
    run = run_of(own)
    assert (run.facts.customers, run.facts.prospects) == (401, 5)  # s-late is known by then
    assert "bought_once" in {row["segment"] for row in run.memberships_of("s-old")}
    moved = tables.read(own.home.movements)
    assert moved is not None
    mine = [
        (row["segment"], row["kind"], row["at"].date())
        for row in moved.to_pylist()
        if row["customer_id"] == "s-old" and row["segment"] in {"rfm_prospects", "bought_once"}
    ]
    first, then = CUTOFF.at.date(), CUTOFF.plus_days(2).at.date()
    assert sorted(mine) == [
        ("bought_once", "entered", then),
        ("rfm_prospects", "entered", first),
        ("rfm_prospects", "left", then),
    ]


def test_they_are_explained_clause_by_clause_with_the_day_on_which_time_moves_them(both: Shop) -> None:
    explainer = RunExplainer(run_of(both), both.release, exact=True)
    with Ledger(both.home).connect() as ledger:
        (active,) = explainer.explain("s-new", ["prospect_active"], ledger)
        (cart,) = explainer.explain("e-cart", ["cart_abandoners"], ledger)
    limit = both.release.manifest.lifecycle_limits["A_0"]
    signed_up = (CUTOFF.local_date - date(2023, 6, 20)).days
    assert active.since is not None
    assert (active.explanation.holds, active.explanation.turn.certain) == (True, True)
    assert active.explanation.turn.days == limit + 1 - signed_up
    assert (cart.explanation.holds, cart.explanation.turn.days) == (True, 6)


def test_they_are_exported_with_their_segment_and_not_among_scores(both: Shop, tmp_path: Path) -> None:
    assert export_scores(both.home, tmp_path / "scores.csv") == 400
    assert export_segment(both.home, "rfm_prospects", tmp_path / "rfm.csv") == 5
    rows = (tmp_path / "rfm.csv").read_text().splitlines()
    assert all(f'"{both.release.id}","{UNSCORED}",,' in row for row in rows[1:])


def test_one_of_them_can_be_erased(own: Shop) -> None:
    before = run_of(own).facts
    erasure.unpublish(own.home, [HOSTILE])
    erasure.remove(own.home, [HOSTILE])
    run = run_of(own)
    assert (run.facts.customers, run.facts.prospects, run.facts.value) == (400, 4, before.value)
    assert run.customer(HOSTILE) is None
    assert erasure.count(own.home, [HOSTILE]) == {}
    found = search(own.home, Sought(frozenset({HOSTILE}))).found
    assert {Path(one.path).parts[0] for one in found} <= {"ledger"}


def test_that_an_earlier_version_left_them_out_is_no_jump_and_any_other_is(
    own: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: dict[str, int] = {}

    def note(segment: SegmentFacts, sizes: Sequence[Size]) -> None:
        compared[segment.name] = segment.size - sizes[-1].size

    monkeypatch.setattr(following, "_warning", note)
    facts = own.home.published / str(own.summary.published) / "run.json"
    facts.write_text(facts.read_text().replace(' "prospects": 5,\n', ""))
    assert run_of(own).facts.prospects is None
    uncounted = []
    for days in (1, 1, 2):
        at = CUTOFF.plus_days(days)
        batch.run(own.home, own.release, load_library(), at)
        uncounted.append({name: people for name, people in compared.items() if people})
    assert uncounted[0] == uncounted[1] == uncounted[0] | {"rfm_prospects": 5, "registered_never_bought": 3}
    assert uncounted[0].keys() <= ABOUT_PROSPECTS
    assert uncounted[2] == {}
