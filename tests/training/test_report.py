"""Pictures of a finished window."""

import sys
from pathlib import Path
from subprocess import run

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from training.report import calibration_figure, deciles_figure, lift_figure, tenths, timing_figure

PREDICTED = np.arange(20) / 20  # 0.00 0.05 ... 0.95
HAPPENED = np.asarray([0.0] * 10 + [0.0, 1.0] * 3 + [1.0] * 4)  # 7 of 20; the highest four all did


def bar_heights(figure: Figure) -> list[float]:
    return [bar.get_height() for bar in figure.axes[0].patches if isinstance(bar, Rectangle)]


def test_the_highest_tenth_holds_the_two_highest_predictions() -> None:
    top = tenths(PREDICTED, HAPPENED).iloc[-1]
    assert (top.customers, top.predicted, top.happened) == (2, pytest.approx(0.925), 1.0)


def test_ties_do_not_make_a_tenth_larger_than_the_others() -> None:
    assert tenths(np.full(30, 0.2), np.zeros(30))["customers"].tolist() == [3] * 10


def test_unequal_lengths_are_refused_with_both_lengths() -> None:
    with pytest.raises(ValueError, match="3 predictions and 2 outcomes"):
        tenths(np.zeros(3), np.zeros(2))


def test_calibration_shows_each_tenths_predicted_and_observed_share() -> None:
    axes = calibration_figure(PREDICTED, HAPPENED).axes[0]
    points = np.asarray(axes.lines[1].get_data())
    assert points[0, :2].tolist() == pytest.approx([0.025, 0.125])
    assert points[1].tolist() == [0, 0, 0, 0, 0, 0.5, 0.5, 0.5, 1, 1]
    assert axes.get_xlabel() == "Predicted probability (mean of the group, %)"
    assert axes.get_ylabel() == "Share for whom it happened (%)"


def test_lift_starts_with_the_highest_predictions_in_multiples_of_the_average() -> None:
    heights = bar_heights(lift_figure(PREDICTED, HAPPENED))
    # the average is 7 / 20; the best tenth is 2 of 2, which is 1 / 0.35
    assert heights[:3] == pytest.approx([1 / 0.35, 1 / 0.35, 0.5 / 0.35])


def test_lift_is_zero_when_nothing_happened() -> None:
    assert bar_heights(lift_figure(PREDICTED, np.zeros(20))) == [0.0] * 10


def test_figures_can_be_written_as_png(tmp_path: Path) -> None:
    calibration_figure(PREDICTED, HAPPENED).savefig(tmp_path / "calibration.png")
    assert (tmp_path / "calibration.png").read_bytes().startswith(b"\x89PNG")


def test_drawing_never_loads_pyplot() -> None:
    code = (
        "import sys, numpy as np; from training.report import lift_figure;"
        "lift_figure(np.arange(9), np.arange(9)); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert run([sys.executable, "-c", code], check=False).returncode == 0


def test_deciles_put_the_money_that_came_beside_what_was_predicted_best_tenth_first() -> None:
    heights = bar_heights(deciles_figure(np.arange(20.0), np.arange(20.0) * 2))
    assert heights[0] == 18.5  # the two highest, 18 and 19
    assert heights[10] == 37.0
    assert len(heights) == 20


def test_orders_are_counted_in_the_tenths_of_the_curve_that_their_days_span() -> None:
    # One order lies in the first tenth, one spans the first and the second evenly.
    heights = bar_heights(timing_figure(np.array([0.02, 0.05]), np.array([0.08, 0.15])))
    assert heights == pytest.approx([0.75, 0.25, *[0.0] * 8])


def test_timing_is_empty_when_nobody_ordered() -> None:
    assert bar_heights(timing_figure(np.empty(0), np.empty(0))) == [0.0] * 10
