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

from models.predictor import Outcomes
from training.metrics import Prediction, order_percents

Floats = npt.NDArray[np.float64]

_GROUPS: Final = 10
_SIZE_INCHES: Final = (6.4, 4.8)
_DOTS_PER_INCH: Final = 120
_BLUE: Final = "#1f5fa8"
_GREY: Final = "#6b6b6b"
_NOTHING: Final = 1e-12


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


def figures(said: Prediction, happened: Outcomes) -> dict[str, Figure]:
    """Return the pictures of one test window, by file name.

    Parameters
    ----------
    said : Prediction
        Ours: with a value and a curve.
    happened : Outcomes
    """
    ordered = (happened.orders > 0).astype(np.float64)
    drawn = {
        "calibration.png": calibration_figure(said.p_order, ordered),
        "lift.png": lift_figure(said.p_order, ordered),
    }
    if said.value is not None:
        drawn["deciles.png"] = deciles_figure(said.value, happened.value)
    if said.curve is not None:
        drawn["timing.png"] = timing_figure(*order_percents(said, happened))
    return drawn


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


def deciles_figure(predicted: Floats, happened: Floats) -> Figure:
    """Draw predicted money beside what came, by tenths of the customers, highest prediction first.

    Parameters
    ----------
    predicted, happened : (n,) float, currency

    Returns
    -------
    matplotlib.figure.Figure
        With its Agg canvas, ready for `savefig`.
    """
    tenth = tenths(np.asarray(predicted, dtype=np.float64), np.asarray(happened, dtype=np.float64))[::-1]
    figure, axes = _canvas()
    place, width = np.arange(1, len(tenth) + 1), 0.4
    axes.bar(place - width / 2, tenth["predicted"], width, color=_BLUE, label="predicted")
    axes.bar(place + width / 2, tenth["happened"], width, color=_GREY, label="happened")
    axes.set(
        title="Does the money come?",
        xlabel="Tenth of the customers (1 = highest prediction)",
        ylabel="Money a customer (mean of the tenth)",
        xticks=place,
    )
    axes.legend(loc="upper right", frameon=False)
    return figure


def timing_figure(lower: Floats, upper: Floats) -> Figure:
    """Draw where on their customers' curves the orders came, by tenths of the curve: even where curves are right.

    Parameters
    ----------
    lower, upper : (n,) float, share
        From `training.metrics.order_percents`: an order that may lie in several tenths counts in part in each.

    Returns
    -------
    matplotlib.figure.Figure
        With its Agg canvas, ready for `savefig`. All bars are 0 when nobody ordered.
    """
    edges = np.linspace(0.0, 1.0, _GROUPS + 1)
    inside = np.minimum.outer(edges[1:], upper) - np.maximum.outer(edges[:-1], lower)
    shares = (np.clip(inside, 0.0, None) / np.maximum(upper - lower, _NOTHING)).sum(axis=1) / max(
        len(lower), 1
    )
    figure, axes = _canvas()
    axes.bar(np.arange(_GROUPS) + 0.5, shares, width=0.9, color=_BLUE)
    axes.axhline(1.0 / _GROUPS, color=_GREY, linestyle="--", linewidth=1, label="where all curves are right")
    axes.set(
        title="Do the orders come when they are expected?",
        xlabel="Part of the curve up to the horizon (%)",
        ylabel="Share of the orders (%)",
        xticks=np.arange(_GROUPS + 1),
        xticklabels=[f"{edge:.0%}" for edge in edges],
    )
    axes.set_ylim(0.0, 1.2 * max(float(shares.max()), 1.0 / _GROUPS))  # room for the legend
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    axes.legend(loc="upper left", frameon=False)
    return figure


def _canvas() -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e3e3e3", linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes
