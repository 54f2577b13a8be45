"""Charts as tables: what one shows is written as a table first, which the browser draws and a screen reader reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Draws = Literal["line", "area", "bars", "dots", "low", "high"]
"""How a series is drawn; between a `low` and a `high` lies a band."""
ShownAs = Literal["count", "decimal", "money", "share", "days"]


@dataclass(frozen=True)
class Series:
    """One column of a chart.

    Parameters
    ----------
    label : str
    values : sequence of float or None
        One for each place along the axis; None where nothing is known.
    draws : Draws
    shown_as : ShownAs
    """

    label: str
    values: Sequence[float | None]
    draws: Draws = "line"
    shown_as: ShownAs = "count"


@dataclass(frozen=True)
class Chart:
    """A chart, for the macro `chart` of `macros.html`.

    Parameters
    ----------
    title : str
    along : sequence of str or float
        Places along the axis: ISO days, numbers, or names of bars.
    series : sequence of Series
    across : str
        What is along the axis.
    kind : "day", "number" or "name"
        What the places are.
    summary : str
        What is to be seen, in a sentence, for who does not look at it; may be empty.
    """

    title: str
    along: Sequence[str | float]
    series: Sequence[Series]
    across: str
    kind: Literal["day", "number", "name"] = "day"
    summary: str = ""

    @property
    def rows(self) -> list[tuple[str | float, list[tuple[Series, float | None]]]]:
        """Each place with its value of every series."""
        return [
            (place, [(each, each.values[row]) for each in self.series])
            for row, place in enumerate(self.along)
        ]


def sparkline(values: Sequence[float], width: float = 100.0, height: float = 24.0) -> str:
    """Return the points of a small line without axes, for an SVG of this width and height."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    step = width / max(len(values) - 1, 1)
    scale = (height - 4) / (high - low) if high > low else 0.0
    middle = height / 2 if high == low else height - 2
    return " ".join(
        f"{place * step:.1f},{middle - (value - low) * scale:.1f}" for place, value in enumerate(values)
    )
