"""The model page, its parts and what Prometheus is told: from a shop that was looked at, and from one that was not."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from models.checked import Called, Checked, Group
from segments.segment import load_library
from serving.live import Live
from serving.look.card import blocks
from serving.look.frame import environment
from serving.look.model import lift
from serving.metrics import Metrics
from serving.monitoring import report as reports
from serving.monitoring.answers import NOTHING_YET, MonitoringAnswer
from serving.monitoring.drift import Drift
from serving.monitoring.gauges import of_release_at_work
from serving.monitoring.replay import Difference, Replay
from serving.monitoring.told import ModelAnswer
from tests.serving.shop import Shop
from tests.serving.test_pages import get


def group(customers: int, p_order: float, ordered: float) -> Group:
    return Group(
        customers=customers,
        p_order=p_order,
        ordered=ordered,
        low=p_order - 0.05,
        high=p_order + 0.05,
        expected_orders=10,
        orders=12,
        expected_value=100,
        value=90,
    )


PAST = Checked(
    as_of=date(2023, 3, 1),
    release="r",
    horizon_days=90,
    customers=200,
    expected_ordered=70.0,
    ordered=80,
    groups=(group(100, 0.1, 0.2), group(100, 0.6, 0.6)),
    metrics={"auc": 0.8, "orders_total_ratio": 0.96, "value_total_ratio": 1.07},
    called=Called(customers=100, limit=0.66, horizon_days=90, expected=84.2, left=81, low=0.72, high=0.88),
)


def found(shop: Shop) -> reports.Report:
    moved = Drift(name="spend", psi=0.4, by_luck=0.1, level="large", missing_before=0.0, missing=0.25)
    differs = Replay(
        run="run",
        release="r",
        feature_fingerprint="f",
        as_of=date(2023, 6, 27),
        customers=50,
        columns=170,
        scores=(Difference(name="clv_365d", customers=3, largest=0.5),),
    )
    return reports.Report(
        made_at=datetime(2023, 7, 1, tzinfo=UTC),
        run="run",
        release=shop.release.id,
        as_of=date(2023, 6, 27),
        trained_as_of=date(2023, 6, 1),
        customers=400,
        trained_customers=380,
        features=(moved, moved.model_copy(update={"name": "orders", "psi": 0.01, "level": "none"})),
        replays=(differs,),
        happened=(PAST,),
    )


def opened(shop: Shop) -> Live:
    live = Live()
    live.open(shop.home, load_library)
    return live


@pytest.fixture
def looked_at(own_shop: Shop) -> Live:
    reports.write(own_shop.home, found(own_shop))
    own_shop.home.cards.mkdir()
    card = own_shop.home.cards / f"{own_shop.release.id}.md"
    card.write_text(
        "# Model card\n\n## The data\n\n| what | is |\n| --- | --- |\n| customers | 400 |\n\n- one\n- `two`\n"
    )
    return opened(own_shop)


def test_the_page_says_first_how_many_of_those_called_likely_to_leave_left(looked_at: Live) -> None:
    told = get(looked_at, "/v1/model").json()
    assert told["trust"] == (
        "Of 100 customers called likely to leave in March 2023, 81 did; 84 were expected to (100 were called so)."
    )
    assert told["says"] == [
        (
            "As of 2023-03-01, 70 of 200 customers were expected to order within 90 days, and 80 did. 4 % fewer orders "
            "and 7 % more money was predicted than came. In 1 of 2 groups by probability, as many ordered as "
            "predicted, give or take luck."
        ),
        "1 of 2 of the things known of customers drifted from training by more than luck explains.",
        "Computed again, 1 of 1 runs DIFFER from what was stored.",
    ]
    page = get(looked_at, "/model").text
    day = '<time datetime="2023-03-01">1 March 2023</time>'
    for sentence in (told["trust"], *told["says"]):
        assert sentence.replace("2023-03-01", day) in page


def test_home_says_what_is_wrong_with_the_numbers_and_what_to_do(looked_at: Live) -> None:
    told = get(looked_at, "/home.json").json()["to_do"]
    assert told == [
        (
            "Customers changed since the training as of 2023-06-01: 1 of 2 of the things known of customers drifted by "
            "more than luck explains. Train again with `regulars train`, then score with `regulars score`."
        ),
        (
            "Computed again, 1 of 1 runs DIFFER from what was stored: files were altered, orders of earlier days came "
            "in later, or another version of a library computes otherwise. Score again with `regulars score`; if a "
            "file was altered, restore the home from a backup."
        ),
    ]
    page = get(looked_at, "/").text
    for sentence in told:
        assert sentence.replace("2023-06-01", '<time datetime="2023-06-01">1 June 2023</time>') in page
    assert page.count('<a href="/model">How the model does</a>') == len(told) + 1


def test_home_asks_for_nothing_when_nothing_drifted_and_all_is_as_stored(own_shop: Shop) -> None:
    looked = found(own_shop)
    well = {
        "features": looked.features[1:],
        "replays": (looked.replays[0].model_copy(update={"scores": ()}),),
    }
    reports.write(own_shop.home, looked.model_copy(update=well))
    live = opened(own_shop)
    assert get(live, "/home.json").json()["to_do"] == []
    assert "Train again" not in get(live, "/").text


def test_its_twin_holds_the_groups_and_whom_the_score_finds(looked_at: Live) -> None:
    (judged,) = get(looked_at, "/v1/model").json()["judged"]
    assert (judged["kind"], judged["as_of"]) == ("run", "2023-03-01")
    assert [(each["p_order"], each["ordered"]) for each in judged["groups"]] == [(0.1, 0.2), (0.6, 0.6)]
    # The likelier half holds 60 of the 80 who ordered.
    assert judged["lift"] == [{"customers": 0.5, "ordered": 0.75}, {"customers": 1.0, "ordered": 1.0}]


def test_where_nobody_ordered_there_is_no_share_to_find() -> None:
    nobody = PAST.model_copy(update={"ordered": 0, "groups": (group(100, 0.1, 0.0),)})
    assert lift(nobody) == [{"customers": 0.5, "ordered": None}]


def test_what_drifted_is_named_with_its_meaning(looked_at: Live) -> None:
    told = get(looked_at, "/v1/model").json()["drift"]
    assert told["features"]["compared"] == 2
    (spend,) = told["features"]["moved"]
    assert (spend["name"], spend["level"]) == ("spend", "large")
    assert spend["means"] in get(looked_at, "/model").text
    assert "0.400" in get(looked_at, "/model/drift").text


def test_the_monitoring_answer_is_as_described(looked_at: Live) -> None:
    told = get(looked_at, "/v1/monitoring")
    answer = TypeAdapter(MonitoringAnswer).validate_json(told.content)
    assert answer.found is not None
    assert answer.found.happened == (PAST,)
    assert any(
        line.startswith("REPLAY DIFFERS for the run as of 2023-06-27: clv_365d") for line in answer.says
    )


def test_the_model_answer_is_as_described(looked_at: Live) -> None:
    told = TypeAdapter(ModelAnswer).validate_json(get(looked_at, "/v1/model").content)
    assert [each.called for each in told.judged] == [PAST.called]
    assert told.has_card


def test_a_shop_that_nobody_looked_at_says_what_to_do(shop: Shop) -> None:
    live = opened(shop)
    assert get(live, "/v1/monitoring").json()["says"] == [NOTHING_YET]
    told = get(live, "/v1/model").json()
    assert (told["judged"], told["drift"], told["peers"]) == ([], None, [])
    page = get(live, "/model")
    assert page.status_code == 200
    assert "Nothing could be judged yet" in page.text
    assert get(live, "/model/drift").status_code == 200
    assert "No card of this release is kept here" in get(live, "/model/card").text


def test_a_damaged_report_is_a_problem_and_no_failure(own_shop: Shop) -> None:
    own_shop.home.monitoring.write_text("{")
    answer = get(opened(own_shop), "/v1/monitoring")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert "run `regulars monitor`" in answer.json()["detail"]


def test_the_card_is_shown_as_headings_lists_and_tables(looked_at: Live) -> None:
    told = get(looked_at, "/v1/model/card").json()["blocks"]
    assert told == [
        {"kind": "heading", "level": 1, "text": "Model card"},
        {"kind": "heading", "level": 2, "text": "The data"},
        {"kind": "table", "head": ["what", "is"], "rows": [["customers", "400"]]},
        {"kind": "list", "lines": ["one", "two"]},
    ]
    assert '<th scope="row">customers</th><td>400</td>' in get(looked_at, "/model/card").text


def test_two_tables_after_one_another_stay_two() -> None:
    table = ["| a |", "| --- |", "| 1 |"]
    assert [each["kind"] for each in blocks([*table, "", *table])] == ["table", "table"]


def test_prometheus_is_told_drift_replay_and_the_newest_outcome(looked_at: Live, tmp_path: Path) -> None:
    text = Metrics(None).text(of_release_at_work(looked_at)).decode()
    lines = text.splitlines()
    assert 'regulars_drift{kind="feature",name="spend"} 0.4' in lines
    assert 'regulars_drifted{kind="feature"} 1.0' in lines
    assert "regulars_replay_differences 1.0" in lines
    assert 'regulars_happened{metric="auc"} 0.8' in lines
    assert list(of_release_at_work(Live())) == []
    assert not list(tmp_path.glob("*.tmp"))


def test_days_in_sentences_are_written_as_dates_and_what_is_no_day_or_a_name_as_it_is() -> None:
    template = environment().from_string("{{ text | with_dates }}")
    told = template.render(text="<b> on 2018-04-01, of 2018-04-01-09b02, not 2018-02-31.")
    assert told == (
        '&lt;b&gt; on <time datetime="2018-04-01">1 April 2018</time>, of 2018-04-01-09b02, not 2018-02-31.'
    )
