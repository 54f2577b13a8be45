"""What one scoring run says of the shop as a whole and of each segment."""

from datetime import datetime
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from models.gaps import Level
from models.scores import UNSCORED

Group = Literal["predicted", "history", "lifecycle"]


class SegmentFacts(BaseModel):
    """A segment as it stood in one run.

    Parameters
    ----------
    name, title, description, expression, sentence, advice : str
        What it is; the sentence is the expression in words.
    group : str
        Whether it rests on a prediction, on history alone, or is a cell of the lifecycle grid.
    size : int, customers
    value : float, currency
        Sum of clv_365d over the members.
    version : int
        Of its definition.
    entered, left : int, customers
        Since the run before.
    warning : str or None
        What is out of the ordinary about its size, in one sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    group: Group
    description: str
    expression: str
    sentence: str
    advice: str
    size: int
    value: float
    version: int = 1
    entered: int = 0
    left: int = 0
    warning: str | None = None


class RunFacts(BaseModel):
    """What one scoring run says about the shop as a whole.

    Parameters
    ----------
    release : str
    as_of, data_through : datetime
        The cutoff, and the last order known before it (None when there is none).
    currency, time_zone : str
    customers : int
        Those with an order known, be it undone later; all of them are scored.
    prospects : int or None
        People known by name who never ordered, who are in segments and not scored; None of a run made by a version
        that left them out.
    likely_to_leave : int, customers
        Members of `likely_to_churn`: churn_probability_90d above 0.66.
    money_at_stake : float, currency
        What those customers spent in the 365 days before the cutoff.
    due_this_week : int
        Refills more likely than not within 7 days, counted at the level `due_level` alone: one purchase is due
        as a product and as its category.
    due_level : "product", "category" or None
        "category" when nobody bought a product twice; None when nobody bought from a category twice either.
    honesty : str
        How far the release may be trusted, in one sentence.
    checks : tuple of str
        What the gate looked at before the release was served.
    segments : tuple of SegmentFacts
    value : float, currency
        Sum of clv_365d over all customers.
    numbers : dict of str to float
        The release's thresholds and lifecycle limits, by which conditions are judged.
    horizon_days : int, days
        Of the release, whose scores are named after it.
    changes_through : int
        Last position of the feed of changes.
    orders_a_day : float or None
        As orders arrived in the eight weeks up to the last one.
    longest_silence_days : int or None, days
        Between two days with orders, in the year up to the last one.
    posted_through : int
        Number of the last posted row that the ledger's tables had when the run read them, see `ledger.arrivals`.
    sensitive_attributes : tuple of str
        Those that the release lets segments ask for.
    recorded_events : tuple of str
        Names of the events that the shop had ever recorded, as far as a segment asks for any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: str
    as_of: datetime
    data_through: datetime | None
    currency: str
    time_zone: str
    customers: int
    prospects: int | None = None
    likely_to_leave: int
    money_at_stake: float
    due_this_week: int
    due_level: Level | None = None
    honesty: str
    checks: tuple[str, ...] = ()
    segments: tuple[SegmentFacts, ...] = ()
    value: float = 0.0
    numbers: dict[str, float] = {}
    horizon_days: int = 90
    changes_through: int = 0
    orders_a_day: float | None = None
    longest_silence_days: int | None = None
    posted_through: int = 0
    sensitive_attributes: tuple[str, ...] = ()
    recorded_events: tuple[str, ...] = ()

    @property
    def people(self) -> int:
        """Everybody in the run, customers and prospects: what shares of segments are shares of."""
        return self.customers + (self.prospects or 0)


def ordered(scores: pa.Table) -> pa.Table:
    """Return the rows of who has ordered."""
    return scores.filter(pc.not_equal(scores["confidence"], UNSCORED))


def counted(scores: pa.Table) -> dict[str, int]:
    """Return how many customers and prospects there are, by the names of `RunFacts`."""
    customers = ordered(scores.select(["confidence"])).num_rows
    return {"customers": customers, "prospects": scores.num_rows - customers}
