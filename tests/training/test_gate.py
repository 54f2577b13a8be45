"""The gate lets trees through only where they beat every rule by more than luck, and says why."""

from dataclasses import replace

import numpy as np
import pytest

from models.predictor import Outcomes
from models.release import GateVerdict, Manifest
from training.evaluate import CHAMPION, OURS, Comparison
from training.gate import ACCURACY, BOUNDS, MINIMUM_TEST_ORDERS, beats_champion, decide, promotion
from training.metrics import METRIC, Prediction
from training.paired import Paired

GOOD = {
    "auc": 0.80,
    "brier": 0.10,
    "integrated_brier": 0.05,
    "orders_total_ratio": 1.1,
    "value_total_ratio": 0.9,
    "calibration_error": 0.03,
}
RULE = {
    "auc": 0.75,
    "brier": 0.12,
    "integrated_brier": 0.07,
    "orders_total_ratio": 1.0,
    "value_total_ratio": 1.0,
    "calibration_error": 0.08,
}
ERROR = 0.004
"""Standard error of every lead below: a lead of 0.008 or less may be luck."""


def backtest(
    methods: dict[str, dict[str, float]], orders: int = MINIMUM_TEST_ORDERS, cutoff: str = "2024-01-01"
) -> Comparison:
    """Return a backtest with those rows, and the leads that follow from them."""
    counts = np.repeat([1.0, 0.0], [orders, 100])
    unasked = Prediction(counts, counts, counts)
    leads = [
        Paired(
            name, rival, METRIC[name].distance(row[name]) - METRIC[name].distance(methods[OURS][name]), ERROR
        )
        for rival, row in methods.items()
        for name in ACCURACY
        if rival != OURS and not np.isnan(row[name] - methods[OURS][name])
    ]
    return Comparison(
        cutoff=cutoff,
        horizon_days=90,
        customers=len(counts),
        ordered_share=0.5,
        rows=[{"method": name, **metrics} for name, metrics in methods.items()],
        ours=unasked,
        happened=Outcomes(90, np.where(counts > 0, 1.0, np.nan), counts, counts),
        leads=leads,
    )


def failed(verdict: GateVerdict) -> list[str]:
    return [reason.split()[0] for reason in verdict.reasons if " fails" in reason]


def test_a_candidate_better_than_every_rule_passes_and_each_reason_has_both_numbers() -> None:
    verdict = decide([backtest({OURS: GOOD, "hiatus": RULE})])
    assert verdict.verdict == "model"
    assert verdict.reasons[0] == (
        "auc 0.8000 passes against 0.7500 of the rule hiatus "
        "(a lead of +0.0500 where 0.0080 may be luck; windows from 2024-01-01)"
    )
    assert verdict.reasons[3] == (
        "orders_total_ratio off by 10.0% passes, off by 25.0% is allowed (windows from 2024-01-01)"
    )
    assert len(verdict.reasons) == len(ACCURACY) + len(BOUNDS)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("auc", 0.74),
        ("brier", 0.13),
        ("integrated_brier", 0.08),
        ("orders_total_ratio", 1.3),
        ("value_total_ratio", 0.7),
        ("calibration_error", 0.2),
    ],
)
def test_one_requirement_missed_is_enough_to_fail(metric: str, value: float) -> None:
    verdict = decide([backtest({OURS: GOOD | {metric: value}, "hiatus": RULE})])
    assert verdict.verdict == "rule"
    assert failed(verdict) == [metric]


def test_the_best_of_the_rules_is_the_one_to_beat() -> None:
    better = RULE | {"brier": 0.09}
    verdict = decide([backtest({OURS: GOOD, "hiatus": RULE, "rfm": better})])
    assert verdict.verdict == "rule"
    assert verdict.reasons[1].startswith("brier 0.1000 fails against 0.0900 of the rule rfm")


def test_a_rule_that_is_ahead_by_less_than_the_noise_is_level_and_does_not_stop_a_better_model() -> None:
    verdict = decide([backtest({OURS: GOOD, "hiatus": RULE | {"auc": 0.807}})])
    assert verdict.verdict == "model"
    assert verdict.reasons[0].startswith("auc 0.8000 passes as level with 0.8070 of the rule hiatus")


def test_a_rule_that_is_ahead_for_certain_is_not_hidden_by_one_whose_larger_lead_may_be_luck() -> None:
    test = backtest({OURS: GOOD, "hiatus": RULE, "rfm": RULE})
    certain, maybe = Paired("brier", "hiatus", -0.01, 0.001), Paired("brier", "rfm", -0.02, 0.05)
    leads = [lead for lead in test.leads if lead.metric != "brier"]
    verdict = decide([replace(test, leads=[*leads, maybe, certain])])
    assert failed(verdict) == ["brier"]
    assert "of the rule hiatus (a lead of -0.0100" in verdict.reasons[1]


def test_a_model_that_is_only_level_with_a_rule_does_not_replace_it() -> None:
    verdict = decide([backtest({OURS: GOOD, "hiatus": GOOD | {"auc": 0.799, "brier": 0.101}})])
    assert verdict.verdict == "rule"
    assert verdict.reasons[-1] == (
        "nothing shows that the model is better: no lead on the rules exceeds the noise"
    )


def test_a_total_further_off_than_allowed_passes_only_where_every_rule_is_further_off_still() -> None:
    off = GOOD | {"value_total_ratio": 0.6}
    worse = RULE | {"value_total_ratio": 0.5}
    assert decide([backtest({OURS: off, "hiatus": worse})]).verdict == "model"
    verdict = decide([backtest({OURS: off, "hiatus": worse, "rfm": RULE})])
    assert verdict.verdict == "rule"
    assert (
        "value_total_ratio off by 66.7% fails, off by 25.0% is allowed, and the rule rfm is nearer "
        "(windows from 2024-01-01)" in verdict.reasons
    )


def test_plain_boosting_is_no_rule() -> None:
    perfect = RULE | {"auc": 1.0, "brier": 0.0}
    assert decide([backtest({OURS: GOOD, "hiatus": RULE, "lightgbm": perfect})]).verdict == "model"


def test_the_mean_over_the_windows_decides() -> None:
    lucky, unlucky = GOOD | {"brier": 0.05}, GOOD | {"brier": 0.15}
    tests = [backtest({OURS: ours, "hiatus": RULE}) for ours in (lucky, unlucky)]
    assert decide(tests).verdict == "model"  # 0.10 on the mean, the rule 0.12
    assert decide(tests[1:]).verdict == "rule"


def test_a_rule_that_answered_in_one_window_only_is_a_rival_there() -> None:
    both = {OURS: GOOD, "hiatus": RULE}
    tests = [
        backtest(both, cutoff="2024-01-01"),
        backtest(both | {"rfm": GOOD | {"brier": 0.08}}, cutoff="2023-10-03"),
    ]
    verdict = decide(tests)
    assert verdict.verdict == "rule"
    assert verdict.reasons[1] == (
        "brier 0.1000 fails against 0.0800 of the rule rfm "
        "(a lead of -0.0200 where 0.0080 may be luck; windows from 2023-10-03)"
    )


def test_without_a_backtest_or_with_too_few_orders_the_rule_is_served() -> None:
    assert decide([]).reasons == (
        "history is too short for a backtest, so nothing shows that a model is better",
    )
    few = decide([backtest({OURS: GOOD, "hiatus": RULE}, orders=3)])
    assert few.verdict == "rule"
    assert few.reasons == ("only 3 customers ordered in the test windows; 50 are needed to judge",)


def test_a_metric_without_an_answer_does_not_decide() -> None:
    verdict = decide([backtest({OURS: GOOD | {"auc": float("nan")}, "hiatus": RULE})])
    assert verdict.verdict == "model"
    assert verdict.reasons[0] == "auc cannot be judged: the test windows hold no contrast"


def test_a_candidate_stays_challenger_where_the_champion_did_better_on_a_window_neither_saw() -> None:
    kept, reason = beats_champion([backtest({OURS: GOOD, CHAMPION: GOOD | {"brier": 0.09}})])
    assert not kept
    assert reason.startswith("brier 0.1000 fails against 0.0900 of the champion")
    better, why = beats_champion([backtest({OURS: GOOD, CHAMPION: RULE})])
    assert better
    assert why.startswith("auc 0.8000 passes against 0.7500 of the champion")
    assert beats_champion([backtest({OURS: GOOD})]) == (
        True,
        "the champion has seen every test window, so newer data decides",
    )


def test_a_candidate_level_with_the_champion_is_promoted_as_the_newer_of_the_two() -> None:
    promoted, reason = beats_champion([backtest({OURS: GOOD, CHAMPION: GOOD | {"brier": 0.099}})])
    assert promoted
    assert reason.startswith("newer data decides: auc 0.8000 passes as level with 0.8000 of the champion")


def manifest(release: str, as_of: str = "2024-01-01", verdict: str = "model") -> Manifest:
    gate = GateVerdict.model_validate({"verdict": verdict, "reasons": ("made up",)})
    return Manifest.model_construct(release=release, as_of=as_of, gate=gate)


@pytest.mark.parametrize(
    ("candidate", "champion", "promoted", "why"),
    [
        (manifest("new"), None, True, "no other release could be served"),
        (manifest("same"), manifest("same"), True, "it is the release that is served already"),
        (manifest("new", "2024-02-01"), manifest("old"), True, "the champion has seen every test window"),
        (
            manifest("new"),
            manifest("old", "2024-02-01"),
            False,
            "the champion old knows what came after 2024-01-01",
        ),
        (manifest("new", verdict="rule"), manifest("old"), False, "the champion old has passed the gate"),
        (
            manifest("new", verdict="rule"),
            manifest("old", verdict="rule"),
            True,
            "the champion has seen every",
        ),
    ],
)
def test_a_release_is_replaced_by_one_that_knows_as_much_and_has_earned_as_much(
    candidate: Manifest,
    champion: Manifest | None,
    promoted: bool,  # noqa: FBT001 - a column of the table above
    why: str,
) -> None:
    found, reasons = promotion(candidate, champion, [backtest({OURS: GOOD})])
    assert found == promoted
    assert reasons[0].startswith(why)


def test_a_release_beaten_by_the_champion_is_not_promoted() -> None:
    lost = [backtest({OURS: GOOD, CHAMPION: GOOD | {"brier": 0.09}})]
    found, reasons = promotion(manifest("new", "2024-02-01"), manifest("old"), lost)
    assert not found
    assert reasons[0].startswith("brier 0.1000 fails against 0.0900 of the champion")
    assert reasons[1:] == ("made up",)


def test_leads_without_rows_are_not_made_up() -> None:
    alone = replace(backtest({OURS: GOOD}), leads=[])
    assert decide([alone]).verdict == "rule"
