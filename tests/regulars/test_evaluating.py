"""An evaluation is printed by question, and says whom ours is ahead of."""

import numpy as np

from models.predictor import Outcomes
from regulars.evaluating import as_json, standing, tables
from training.curves import Knots
from training.evaluate import OURS, Comparison, Row, SliceComparison
from training.metrics import METRICS, Prediction, judge
from training.paired import Paired

HAPPENED = Outcomes(90, np.array([1.0, np.nan, 5.0]), np.array([1.0, 0.0, 1.0]), np.array([9.0, 0.0, 1.0]))
CURVE = Knots((90,), np.array([[0.9], [0.2], [0.6]]))
SAID = Prediction(CURVE.at(90), np.array([1.0, 0.2, 0.7]), np.array([5.0, 1.0, 3.0]), CURVE)
DATE_ONLY = Prediction(SAID.p_order, None, None, CURVE)


def found(*leads: Paired) -> Comparison:
    rows: list[Row] = [
        {"method": OURS, **judge(SAID, HAPPENED)},
        {"method": "mean_gap", **judge(DATE_ONLY, HAPPENED)},
    ]
    part = SliceComparison("repeat", 2, 0.5, rows)
    return Comparison("2024-01-01", 90, 3, 2 / 3, rows, SAID, HAPPENED, [part], list(leads))


def test_every_metric_is_in_the_table_of_its_question() -> None:
    shown = [name for _, rows in tables(found().rows) for name in rows[0] if name != "method"]
    assert sorted(shown) == sorted(metric.name for metric in METRICS)


def test_a_method_without_an_answer_to_a_question_is_not_in_its_table() -> None:
    methods = {headline: [row["method"] for row in rows] for headline, rows in tables(found().rows)}
    assert methods == {"Who orders": [OURS, "mean_gap"], "When": [OURS, "mean_gap"], "How much": [OURS]}


def test_nothing_is_shown_where_there_was_no_backtest() -> None:
    assert [rows for _, rows in tables([])] == [[], [], []]


def test_a_lead_counts_where_it_exceeds_two_standard_errors() -> None:
    leads = (
        Paired("auc", "hiatus", 0.03, 0.01),
        Paired("auc", "rfm", 0.015, 0.01),
        Paired("auc", "lightgbm", -0.03, 0.01),
        Paired("brier", "hiatus", 0.03, 0.01),
    )
    assert standing(found(*leads)) == [
        "auc: ahead of 1 of 3 peers by more than the noise; level with rfm; behind lightgbm",
        "brier: ahead of 1 of 1 peers by more than the noise",
    ]


def test_json_has_slices_and_leads_always() -> None:
    document = as_json(found(Paired("auc", "hiatus", 0.03, 0.01)))
    assert [part["name"] for part in document["slices"]] == ["repeat"]
    assert document["leads"] == [{"metric": "auc", "peer": "hiatus", "lead": 0.03, "standard_error": 0.01}]
    assert document["methods"][1]["method"] == "mean_gap"
