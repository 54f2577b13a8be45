"""Explanations of the customers of a run: what they say is what the run did."""

import json

import pytest

from ledger.errors import InputError
from ledger.store import Ledger
from regulars.cli import main
from serving.explaining import RunExplainer
from serving.store import PublishedRun
from tests.serving.shop import Shop


@pytest.fixture(scope="module")
def explainer(shop: Shop) -> RunExplainer:
    return RunExplainer(PublishedRun.open(shop.home), shop.release)


def test_everybody_is_said_to_be_in_the_segments_that_he_is_in(shop: Shop, explainer: RunExplainer) -> None:
    run = PublishedRun.open(shop.home)
    customers = run.tables["scores"]["customer_id"].to_pylist()
    for customer in customers[:: max(1, len(customers) // 40)]:
        told = {why.explanation.name: why for why in explainer.explain(customer)}
        members = {row["segment"]: row["entered_at"] for row in run.memberships_of(customer)}
        assert {name for name, why in told.items() if why.explanation.holds} == set(members)
        assert {name: told[name].since for name in members} == members
        assert set(told) == {segment.name for segment in run.facts.segments}


def test_with_the_ledger_at_hand_only_predictions_and_the_store_leave_a_day_uncertain(shop: Shop) -> None:
    run = PublishedRun.open(shop.home)
    exact = RunExplainer(run, shop.release, exact=True)
    customer = run.tables["scores"]["customer_id"][0].as_py()
    with Ledger(shop.home).connect() as connection:
        told = {why.explanation.name: why.explanation for why in exact.explain(customer, None, connection)}
    assert told["big_spenders"].turn.certain
    assert not told["likely_to_churn"].turn.certain
    assert told["likely_to_churn"].turn.hangs_on == ("predicted chance of leaving within 90 days",)


def test_an_unknown_customer_and_an_unknown_segment_are_refused(shop: Shop, explainer: RunExplainer) -> None:
    customer = PublishedRun.open(shop.home).tables["scores"]["customer_id"][0].as_py()
    with pytest.raises(InputError, match="knows no customer 'nobody'"):
        explainer.explain("nobody")
    with pytest.raises(InputError, match="no segment 'nothing'"):
        explainer.explain(customer, ["nothing"])


def test_the_command_tells_one_segment_in_words_and_all_in_json(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = PublishedRun.open(shop.home).tables["scores"]["customer_id"][0].as_py()
    home = ["--home", str(shop.home.path)]
    with pytest.raises(SystemExit) as ended:
        main(["segments", "explain", customer, "--segment", "likely_to_churn", *home])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "predicted chance of leaving within 90 days is over 66 % (" in told
    assert "for the predicted chance of leaving within 90 days changes with time too" in told
    assert "churn_probability_90d: " in told
    with pytest.raises(SystemExit):
        main(["segments", "explain", customer, "--json", *home])
    answer = json.loads(capsys.readouterr().out)
    assert answer["customer_id"] == customer
    assert {each["name"] for each in answer["segments"]} >= {"likely_to_churn", "bought_once"}
    assert "churn_probability_90d" in answer["reasons"]
