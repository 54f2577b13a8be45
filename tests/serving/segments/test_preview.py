import asyncio
import json
import re
from dataclasses import replace

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ledger.errors import InputError
from segments.assign import assign
from segments.definitions import Definitions
from segments.segment import load_library
from serving import batch
from serving.errors import ProblemError
from serving.explaining import RunExplainer
from serving.live import Live
from serving.pages import application
from serving.schemas.preview import PreviewAnswer
from serving.segments import answers, editing
from serving.segments.in_force import in_force
from serving.segments.preview import Trial, columns_of
from serving.store import PublishedRun
from tests.serving.shop import CUTOFF, NOW, Shop

LATE = "orders >= 3 and days_since_last_order > 60"


@pytest.fixture(scope="module")
def run(shop: Shop) -> PublishedRun:
    return PublishedRun.open(shop.home)


@pytest.mark.parametrize(
    "name", ["loyal_customers", "likely_to_churn", "loyal_active", "rfm_champions", "refill_due_now"]
)
def test_a_segments_own_condition_gives_its_members_and_its_value(run: PublishedRun, name: str) -> None:
    facts = run.segment(name)
    assert facts is not None
    found = Trial.of(run, facts.expression, load_library()).preview()
    assert found.count == facts.size
    assert found.value == pytest.approx(facts.value)
    if facts.size:
        assert {each.name: (each.both, each.share_of_those) for each in found.overlap}[name] == (
            facts.size,
            1.0,
        )


def test_a_new_condition_is_judged_and_told_as_a_run_would(run: PublishedRun) -> None:
    trial = Trial.of(run, LATE)
    found = trial.preview(sample=3)
    frame = run.columns.everything(run.tables["scores"]["customer_id"])
    tried = load_library()[0].model_copy(update={"name": "tried", "expression": LATE})
    wanted = assign(frame, [tried], run.facts.numbers, {}, columns_of(run.facts))
    assert found.count == wanted.num_rows > 3
    reasons = {row["customer_id"]: row["reasons"] for row in wanted.to_pylist()}
    assert [row["reasons"] for row in found.sample] == [reasons[row["customer_id"]] for row in found.sample]
    assert len({row["customer_id"] for row in found.sample}) == 3
    clv = dict(
        zip(*(run.tables["scores"][name].to_pylist() for name in ("customer_id", "clv_365d")), strict=True)
    )
    assert found.value == pytest.approx(sum(clv[who] for who in reasons))


def test_another_segment_is_named_by_its_title_in_the_reasons_of_a_sample(run: PublishedRun) -> None:
    (row,) = Trial.of(run, "not in_segment('rfm_prospects')", load_library()).preview(sample=1).sample
    assert row["reasons"] == ["the customer is not in the segment “RFM: Prospects”"]


def test_a_text_that_nobody_has_is_told(run: PublishedRun) -> None:
    found = Trial.of(run, "country = 'Atlantis' and orders >= 1").preview()
    assert (found.count, found.unheard) == (0, ("nobody's country is 'Atlantis'",))


def test_overlaps_are_counted_as_the_members_lists_have_them(run: PublishedRun) -> None:
    trial = Trial.of(run, LATE)
    mine = set(run.tables["scores"]["customer_id"].filter(pa.array(trial.members)).to_pylist())
    members = run.tables["members"]
    for each in trial.preview().overlap:
        theirs = set(members.filter(pc.equal(members["segment"], each.name))["customer_id"].to_pylist())
        assert (each.both, each.share_of_these, each.share_of_those) == (
            len(mine & theirs),
            len(mine & theirs) / len(mine),
            len(mine & theirs) / len(theirs),
        )


def test_a_percentile_that_the_release_does_not_hold_is_taken_over_the_run(run: PublishedRun) -> None:
    trial = Trial.of(run, "in_top(clv_365d, 37)")
    worth = run.columns.read(["clv_365d"])["clv_365d"].to_numpy()
    assert trial.added["clv_365d:63.0"] == np.nanquantile(worth, 0.63)
    assert 0 < trial.members.mean() <= 0.37


def test_what_a_history_function_counts_is_measured_from_the_ledger(run: PublishedRun) -> None:
    trial = Trial.of(run, "orders(within_days = 45) >= 1")
    days = run.columns.read(["days_since_last_order"])["days_since_last_order"].to_numpy()
    assert trial.members.sum() == (days <= 45).sum() > 0


def test_a_condition_that_names_nobody_gives_nobody(run: PublishedRun) -> None:
    found = Trial.of(run, "orders > 1000000").preview()
    assert (found.count, found.value, found.sample, found.overlap) == (0, 0.0, [], ())


def preview(run: PublishedRun, body: object) -> dict[str, object]:
    try:
        answered = answers.preview(run, body)
    except ProblemError as error:
        return json.loads(error.problem.body())  # type: ignore[no-any-return]
    assert PreviewAnswer.model_validate_json(json.dumps(answered, allow_nan=False))
    return answered


def test_the_api_answers_with_the_difference_to_a_segment(run: PublishedRun) -> None:
    answered = preview(run, {"expression": LATE, "sample": 2, "edit_of": "loyal_customers"})
    difference = answered["difference"]
    assert isinstance(difference, dict)
    loyal = run.segment("loyal_customers")
    assert loyal is not None
    assert difference["stay"] + difference["leave"] == loyal.size
    assert difference["stay"] + difference["enter"] == answered["count"]


@pytest.mark.parametrize(
    ("body", "kind", "field", "told"),
    [
        ([], "bad-request", "body", "a JSON object"),
        ({}, "bad-request", "expression", "cannot be read"),
        ({"expression": 7}, "bad-request", "expression", "cannot be read"),
        ({"expression": ""}, "bad-request", "expression", "cannot be read"),
        ({"expression": "x" * 4001}, "bad-request", "expression", "cannot be read"),
        ({"expression": LATE, "sample": 101}, "bad-request", "sample", "cannot be read"),
        ({"expression": LATE, "sample": True}, "bad-request", "sample", "cannot be read"),
        ({"expression": LATE, "<script>": 1}, "bad-request", "body", "unknown field"),
        ({"expression": "orderz > 1"}, "invalid-expression", "expression", "did you mean 'orders'"),
        ({"expression": "1; drop table x"}, "invalid-expression", "expression", "character"),
        (
            {"expression": "read_csv('/etc/passwd') = 1"},
            "invalid-expression",
            "expression",
            "unknown function",
        ),
        ({"expression": "<b>\u202e\x00</b>"}, "invalid-expression", "expression", "character"),
        ({"expression": "(" * 2000}, "invalid-expression", "expression", "deep"),
        ({"expression": LATE, "edit_of": "nobodys"}, "unknown-segment", None, "see /v1/segments"),
    ],
)
def test_a_hostile_body_is_a_problem_that_names_its_field_and_repeats_nothing_odd(
    run: PublishedRun, body: object, kind: str, field: str | None, told: str
) -> None:
    problem = preview(run, body)
    assert (problem["type"], problem.get("field")) == (f"urn:regulars:problem:{kind}", field)
    assert told in str(problem["detail"])
    assert "<" not in json.dumps(problem)


def test_a_new_segment_takes_part_in_the_next_run_with_its_version(own_shop: Shop) -> None:
    home = own_shop.home
    fields = {"name": "late_ones", "title": "Late", "description": "Late.", "advice": "Call."}
    draft = editing.draft_new(home, {**fields, "expression": "in_top(clv_365d, 37) and orders >= 3"})
    assert editing.save(home, draft, "ann", NOW) == 1
    found = in_force(home, own_shop.release, load_library())
    assert found.aside == {}
    batch.run(home, found.release, found.segments, CUTOFF.plus_days(1))
    facts = PublishedRun.open(home).segment("late_ones")
    assert facts is not None
    assert (facts.version, facts.entered, facts.size > 0) == (1, facts.size, True)
    run = PublishedRun.open(home)
    member = run.members("late_ones", "", 1)[0]["customer_id"]
    (why,) = RunExplainer(run, own_shop.release).explain(member, ["late_ones"])
    assert why.explanation.holds
    with pytest.raises(InputError, match=r"there is a segment 'late_ones'.*segments edit late_ones"):
        editing.draft_new(home, {**fields, "expression": LATE})


def test_an_edit_shows_who_enters_and_leaves_and_is_told_as_the_cause_by_the_next_run(own_shop: Shop) -> None:
    home = own_shop.home
    before = PublishedRun.open(home).segment("loyal_customers")
    assert before is not None
    draft = editing.draft_edit(home, "loyal_customers", {"expression": "orders >= 8"})
    assert draft.difference.stay + draft.difference.leave == before.size
    assert Definitions(home.definitions).history("loyal_customers")[-1].number == 1  # nothing is saved yet
    assert editing.save(home, draft, "ann", NOW) == 2
    with pytest.raises(InputError, match="an edit of version 1"):
        editing.save(home, draft, "bob", NOW)
    found = in_force(home, own_shop.release, load_library())
    batch.run(home, found.release, found.segments, CUTOFF)
    run = PublishedRun.open(home)
    after = run.segment("loyal_customers")
    assert after is not None
    assert (after.version, after.size) == (2, draft.preview.count)
    told = answers.changes(run, {"name": "loyal_customers", "limit": "1000"})["changes"]
    edited = [change for change in told if change["version"] == 2]
    assert {change["cause"] for change in edited} == {"definition"}
    assert len(edited) == draft.difference.enter + draft.difference.leave


def test_who_was_in_a_segment_a_week_ago_is_who_the_run_of_then_had_in_it(own_shop: Shop) -> None:
    home = own_shop.home
    text = "was_in_segment('loyal_customers', days_ago = 7)"
    fields = {"name": "was_loyal", "title": "Were loyal", "description": "Were.", "advice": "Call."}
    draft = editing.draft_new(home, {**fields, "expression": text})
    assert draft.preview.count == 0  # of the first run's week before nothing is known
    editing.save(home, draft, "ann", NOW)
    before = {row["customer_id"] for row in PublishedRun.open(home).members("loyal_customers", "", 1000)}
    found = in_force(home, own_shop.release, load_library())
    batch.run(home, found.release, found.segments, CUTOFF.plus_days(7))
    run = PublishedRun.open(home)

    def members(name: str) -> set[str]:
        return {row["customer_id"] for row in run.members(name, "", 1000)}

    loyal = members("loyal_customers")
    assert members("was_loyal") == before != loyal
    assert members("just_stopped_being_loyal") == before - loyal
    assert members("just_became_loyal") == loyal - before
    assert Trial.of(run, text, load_library()).preview().count == len(before)


def test_a_number_that_an_older_release_lacks_is_taken_over_the_last_run(own_shop: Shop) -> None:
    manifest = own_shop.release.manifest
    known = {name: value for name, value in manifest.thresholds.items() if name != "spend_365d:80.0"}
    older = replace(own_shop.release, manifest=manifest.model_copy(update={"thresholds": known}))
    found = in_force(own_shop.home, older, load_library())
    assert (found.aside, found.segments) == ({}, load_library())
    assert found.release.manifest.thresholds == manifest.thresholds


def test_what_names_a_segment_that_is_left_out_is_left_out_too(own_shop: Shop) -> None:
    for name, text in (
        ("gone", "no_such_column > 1"),
        ("on_it", "in_segment('gone')"),
        ("last", "in_segment('on_it')"),
    ):
        segment = load_library()[0].model_copy(update={"name": name, "expression": text})
        Definitions(own_shop.home.definitions).save(segment, "ann", NOW, after=0)
    found = in_force(own_shop.home, own_shop.release, load_library())
    assert set(found.aside) == {"gone", "on_it", "last"}
    assert found.segments == load_library()


def test_a_segment_is_hidden_and_restored(own_shop: Shop) -> None:
    home = own_shop.home
    hidden = editing.draft_edit(home, "loyal_customers", {}, hidden=True)
    assert (hidden.difference.enter, hidden.difference.stay) == (0, 0)
    editing.save(home, hidden, "ann", NOW)
    names = [each.name for each in in_force(home, own_shop.release, load_library()).segments]
    assert "loyal_customers" not in names
    restored = editing.draft_restored(home, "loyal_customers", 1)
    assert restored.difference.enter == restored.preview.count
    assert editing.save(home, restored, "ann", NOW) == 3
    assert [each.by for each in Definitions(home.definitions).history("loyal_customers")] == [
        "library",
        "ann",
        "library",
    ]
    assert in_force(home, own_shop.release, load_library()).segments == load_library()
    with pytest.raises(InputError, match="has no version 9"):
        editing.draft_restored(home, "loyal_customers", 9)


def test_a_group_of_a_partition_stays_as_it_is(own_shop: Shop) -> None:
    group = editing.partition("lifecycle")[0]
    with pytest.raises(InputError, match="part all customers between them"):
        editing.draft_edit(own_shop.home, group, {"expression": "orders >= 0"})


def test_an_own_segment_that_can_no_longer_be_read_is_left_out_and_said_why(own_shop: Shop) -> None:
    gone = load_library()[0].model_copy(update={"name": "gone", "expression": "no_such_column > 1"})
    Definitions(own_shop.home.definitions).save(gone, "ann", NOW, after=0)
    found = in_force(own_shop.home, own_shop.release, load_library())
    assert found.segments == load_library()
    assert list(found.aside) == ["gone"]
    assert "unknown column 'no_such_column'" in found.aside["gone"]


def ask(run: PublishedRun, method: str, path: str, **request: object) -> httpx.Response:
    class Served(Live):
        def run(self) -> PublishedRun:
            return run

    async def once() -> httpx.Response:
        late = CUTOFF.plus_days(40).at
        transport = httpx.ASGITransport(app=application(Served(), lambda: late))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, **request)  # type: ignore[arg-type]

    return asyncio.run(once())


def test_a_condition_is_posted_and_refused_over_http(run: PublishedRun) -> None:
    answered = ask(run, "POST", "/v1/segments/preview", json={"expression": LATE})
    assert (answered.status_code, answered.json()["count"] > 3) == (200, True)
    refused = ask(run, "POST", "/v1/segments/preview", json={"expression": "orderz > 1"})
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")


def test_changes_are_read_page_by_page_over_http_and_a_foreign_token_is_refused(run: PublishedRun) -> None:
    told: list[str] = []
    address, since, more = "/v1/segments/loyal_customers/changes", "", True
    while more:
        answered = ask(run, "GET", f"{address}?limit=40&since={since}").json()
        told += [change["customer_id"] for change in answered["changes"]]
        since, more = answered["next"], answered["more"]
    members = run.tables["members"]
    mine = members.filter(pc.equal(members["segment"], "loyal_customers"))["customer_id"].to_pylist()
    assert told == mine
    assert ask(run, "GET", "/v1/segments/loyal_customers").json()["changes_token"] == since
    refused = ask(run, "GET", f"{address}?since=0-0")
    assert (refused.status_code, refused.json()["field"]) == (400, "since")


def test_members_of_a_day_before_the_first_run_are_nobody_and_a_day_that_is_none_is_refused(
    run: PublishedRun,
) -> None:
    address = "/v1/segments/loyal_customers/members"
    assert ask(run, "GET", f"{address}?as_of=2023-06-01").json()["members"] == []
    now, then = (ask(run, "GET", f"{address}{query}").json() for query in ("", "?as_of=2024-01-01"))
    assert [row["customer_id"] for row in then["members"]] == [row["customer_id"] for row in now["members"]]
    for odd in ("yesterday", "2023-13-01", "0001-01-01", "9999-12-31", "2023-06-01T00:00:00Z"):
        refused = ask(run, "GET", f"{address}?as_of={odd}")
        assert (refused.status_code, refused.json()["field"]) == (400, "as_of")


def test_the_list_warns_when_orders_stopped_arriving(run: PublishedRun) -> None:
    (warning,) = ask(run, "GET", "/v1/segments").json()["warnings"]
    assert re.match(r"No order has arrived since 2023-06-2\d, \d+ days ago; in the year before", warning)


def test_a_service_assigns_a_segment_soon_after_it_was_saved(own_shop: Shop) -> None:
    live = Live()
    live.open(own_shop.home, load_library)
    before = live.scorer()
    live.refresh()
    assert live.scorer() is before
    fields = {"name": "late_ones", "title": "Late", "description": "Late.", "advice": "Call."}
    editing.save(own_shop.home, editing.draft_new(own_shop.home, {**fields, "expression": LATE}), "ann", NOW)
    live.refresh()
    assert [each.name for each in live.scorer().segments][-1] == "late_ones"
    live.close()
