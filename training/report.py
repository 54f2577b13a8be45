"""Pictures of how well a release did on a window that is over, for the run's record and the pages.

Figures are built without pyplot, so drawing leaves nothing behind in the process.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

Floats = npt.NDArray[np.float64]

_GROUPS: Final = 10
_SIZE_INCHES: Final = (6.4, 4.8)
_DOTS_PER_INCH: Final = 120
_BLUE: Final = "#1f5fa8"
_GREY: Final = "#6b6b6b"


def tenths(predicted: Floats, happened: Floats) -> pd.DataFrame:
    """Cut customers into ten groups of equal size by prediction, lowest first.

    Parameters
    ----------
    predicted : (n,) float
        Probability, or any amount where more means more.
    happened : (n,) float
        0 or 1, or the amount that came.

    Returns
    -------
    pandas.DataFrame
        customers, predicted and happened (means), one row a group; fewer groups than ten when n < 10.

    Raises
    ------
    ValueError
        When nothing was predicted, or the lengths differ.
    """
    if len(predicted) == 0 or len(predicted) != len(happened):
        raise ValueError(
            f"expected as many outcomes as predictions, at least one; got {len(predicted)} predictions "
            f"and {len(happened)} outcomes"
        )
    order = np.argsort(predicted, kind="stable")
    parts = np.array_split(order, min(_GROUPS, len(order)))
    rows = [(len(part), float(predicted[part].mean()), float(happened[part].mean())) for part in parts]
    return pd.DataFrame(rows, columns=["customers", "predicted", "happened"])


def calibration_figure(predicted: Floats, happened: Floats) -> Figure:
    """Draw predicted probability against the share it came true for, by tenths of the customers.

    Parameters
    ----------
    predicted : (n,) float, probability
    happened : (n,) float or bool
        1 where it came true.

    Returns
    -------
    matplotlib.figure.Figure
        With its Agg canvas, ready for `savefig`.
    """
    groups = tenths(np.asarray(predicted, dtype=np.float64), np.asarray(happened, dtype=np.float64))
    figure, axes = _canvas()
    top = min(1.0, 1.08 * float(max(groups["predicted"].max(), groups["happened"].max(), 0.01)))
    axes.plot([0, top], [0, top], color=_GREY, linestyle="--", linewidth=1, label="predicted = happened")
    axes.plot(
        groups["predicted"], groups["happened"], color=_BLUE, marker="o", label="a tenth of the customers"
    )
    axes.set(
        title="Do the probabilities come true?",
        xlabel="Predicted probability (mean of the group, %)",
        ylabel="Share for whom it happened (%)",
        xlim=(0, top),
        ylim=(0, top),
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(xmax=1))
    axes.legend(loc="upper left", frameon=False)
    return figure


def lift_figure(predicted: Floats, happened: Floats) -> Figure:
    """Draw how many times the average each tenth of the customers brought, highest prediction first.

    Parameters
    ----------
    predicted : (n,) float
    happened : (n,) float or bool
        1 where it came true, or the amount that came.

    Returns
    -------
    matplotlib.figure.Figure
        With its Agg canvas, ready for `savefig`. All bars are 0 when nothing happened.
    """
    actual = np.asarray(happened, dtype=np.float64)
    groups = tenths(np.asarray(predicted, dtype=np.float64), actual)[::-1]
    average = float(actual.mean())
    lift = (groups["happened"] / average if average else groups["happened"] * 0.0).to_numpy()
    figure, axes = _canvas()
    place = np.arange(1, len(lift) + 1)
    bars = axes.bar(place, lift, color=_BLUE)
    axes.bar_label(
        bars,
        labels=[f"{value:.1f}" for value in lift],
        padding=4,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )
    axes.axhline(1.0, color=_GREY, linestyle="--", linewidth=1, label="average of all customers")
    axes.set(
        title="Are the right customers at the top?",
        xlabel="Tenth of the customers (1 = highest prediction)",
        ylabel="What happened, times the average",
        xticks=place,
    )
    axes.margins(y=0.12)
    axes.legend(loc="upper right", frameon=False)
    return figure


def _canvas() -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e3e3e3", linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes
